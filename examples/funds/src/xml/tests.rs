//! Trees from small texts, and what is refused.

use super::*;

fn tree(text: &str) -> Result<Element, LoadError> {
    read("a.xml", text.as_bytes(), Limits::default())
}

#[test]
fn a_tree_has_names_without_prefixes_attributes_and_text() {
    let root = tree("<a:root xmlns:a='x'><one id='1' b='&lt;2'> A &amp; B&#33; </one><two/><![CDATA[ ]]></a:root>").unwrap();
    assert_eq!(root.name, "root");
    let one = root.child("one").unwrap();
    assert_eq!(
        (one.attribute("id"), one.attribute("b")),
        (Some("1"), Some("<2"))
    );
    assert_eq!(one.text(), Some("A & B!"));
    assert_eq!(root.child_text("two"), None);
    assert_eq!(root.child("three"), None);
}

#[test]
fn blank_lines_before_the_declaration_are_passed_over() {
    let root = tree("\n\n<?xml version=\"1.0\" encoding=\"UTF-8\"?><root/>").unwrap();
    assert_eq!(root.name, "root");
}

#[test]
fn an_entity_of_the_documents_own_never_grows() {
    let text = "<!DOCTYPE r [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;'>]><r>&b;&b;</r>";
    assert_eq!(tree(text).unwrap().text(), Some("bb"));
}

#[test]
fn what_is_no_xml_is_refused_with_its_place() {
    for (text, part) in [
        ("<root>\n<one></two></root>", "line 2"),
        ("\n\n<root>\n<one></two></root>", "line 4"),
        ("<root><one>", "ends before"),
        ("", "ends before"),
    ] {
        let error = tree(text).expect_err("no document").to_string();
        assert!(error.contains(part), "`{error}` lacks `{part}`");
    }
    let error = read("a.xml", b"<r>\xff</r>", Limits::default())
        .expect_err("no text")
        .to_string();
    assert!(error.contains("UTF-8"), "{error}");
}

#[test]
fn depth_and_number_of_elements_are_bounded() {
    let deep = format!("{}{}", "<a>".repeat(100), "</a>".repeat(100));
    assert!(matches!(tree(&deep), Err(LoadError::TooLarge { .. })));
    let limits = Limits {
        cells: 10,
        ..Limits::default()
    };
    let many = format!("<r>{}</r>", "<a/>".repeat(20));
    assert!(matches!(
        read("a.xml", many.as_bytes(), limits),
        Err(LoadError::TooLarge { .. })
    ));
}
