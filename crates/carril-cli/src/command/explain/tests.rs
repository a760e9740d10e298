//! Codes as people type them, and pages as they are written.

use super::*;

#[test]
fn a_code_may_be_typed_in_several_ways() {
    for typed in ["CAR0404", "car0404", "404", " 0404 "] {
        assert_eq!(normal(typed), "CAR0404");
    }
}

#[test]
fn every_page_has_a_code_a_title_and_a_text() {
    assert!(ERRORS.len() > 100, "{}", ERRORS.len());
    for (code, page) in ERRORS {
        assert!(page.starts_with(&format!("# {code}: ")), "{code}");
        let (title, text) = parts(page);
        assert!(
            !title.is_empty() && !title.contains(code),
            "{code}: {title}"
        );
        assert!(text.len() > 40, "{code} says nothing");
    }
}
