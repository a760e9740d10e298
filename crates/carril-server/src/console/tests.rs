//! What is built is what is embedded, and its page names nothing that is not there.

use super::{FILES, console};
use std::path::Path;

#[test]
fn every_built_file_is_embedded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist");
    let mut built: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    built.sort();
    let embedded: Vec<&str> = FILES.iter().map(|(path, _)| *path).collect();
    assert_eq!(built, {
        let mut embedded = embedded;
        embedded.sort_unstable();
        embedded
    });
}

#[test]
fn the_page_names_its_files_with_their_hashes() {
    let page = console("").unwrap();
    let text = std::str::from_utf8(page.bytes).unwrap();
    for name in ["console.js", "console.css"] {
        let tag = crate::told::tag_of(console(name).unwrap().bytes);
        let version = &tag[1..17];
        let wanted = format!("\"/{name}?v={version}\"");
        assert!(text.contains(&wanted), "{wanted} is not in {text}");
    }
    assert!(
        !text.contains("<style") && !text.contains("onload"),
        "{text}"
    );
}

#[test]
fn other_paths_are_no_files() {
    for path in [
        "../Cargo.toml",
        "dist/console.js",
        "console.js/",
        "CONSOLE.JS",
        "x",
    ] {
        assert!(console(path).is_none(), "{path}");
    }
}
