//! The rules on made-up texts.

use std::collections::BTreeMap;

use super::{COMPRESSED_MAX, different, gzip, loose, too_large};
use crate::tree::TextFile;

fn file(path: &str, text: &str) -> TextFile {
    TextFile {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

#[test]
fn one_version_is_a_pin_and_a_range_is_none() {
    let text = "{\n  \"version\": \"^1\",\n  \"devDependencies\": {\n    \"a\": \"1.2.3\",\n    \"b\": \"^1.2.3\",\n    \"c\": \"latest\"\n  }\n}\n";
    let found = loose(&file("console/package.json", text));
    let lines: Vec<_> = found.iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [Some(5), Some(6)]);
}

#[test]
fn a_lock_names_no_registry() {
    let text = "{\n  \"a\": {\n    \"version\": \"1.2.3\",\n    \"resolved\": \"https://example.com/a.tgz\"\n  }\n}\n";
    let found = loose(&file("console/package-lock.json", text));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].rule, "console/registry");
}

#[test]
fn what_is_not_the_same_is_told_by_name() {
    let files = |pairs: &[(&str, &str)]| -> BTreeMap<String, Vec<u8>> {
        pairs
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect()
    };
    let kept = files(&[("a", "1"), ("b", "2"), ("c", "3")]);
    let built = files(&[("a", "1"), ("b", "9"), ("d", "4")]);
    let names: Vec<_> = different(&kept, &built)
        .into_iter()
        .map(|finding| finding.path)
        .collect();
    let folder = "crates/carril-server/dist";
    assert_eq!(
        names,
        ["b", "c", "d"].map(|name| format!("{folder}/{name}"))
    );
    assert!(different(&kept, &kept).is_empty());
}

#[test]
fn the_wall_is_where_it_is_said_to_be() {
    let sizes = |size| BTreeMap::from([("a".to_owned(), size)]);
    assert!(too_large(&sizes(COMPRESSED_MAX)).is_none());
    assert!(too_large(&sizes(COMPRESSED_MAX + 1)).is_some());
}

#[test]
fn a_long_text_of_one_letter_is_small_once_compressed() {
    let size = gzip(&vec![b'a'; 1_000_000]).unwrap();
    assert!(size > 20 && size < 10_000, "{size}");
}
