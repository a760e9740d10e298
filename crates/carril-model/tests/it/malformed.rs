//! Every file of `malformed/` is a pipeline with mistakes; the snapshot beside it is what people are told.

use crate::support::{Folder, render};
use carril_model::finding::Severity;
use carril_model::load::{ENTRY, parse};
use std::path::{Path, PathBuf};

fn cases() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/malformed");
    let entries = std::fs::read_dir(&folder)
        .expect("the folder is in the repository")
        .flatten()
        .map(|entry| entry.path());
    let mut files: Vec<PathBuf> = entries
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    let name = |path: &PathBuf| {
        path.file_stem()
            .and_then(|stem| stem.to_str())
            .expect("cases have plain names")
            .to_owned()
    };
    files
        .iter()
        .map(|path| {
            (
                name(path),
                std::fs::read_to_string(path).expect("cases are readable"),
            )
        })
        .collect()
}

#[test]
fn each_tells_what_is_wrong_and_what_would_be_right() {
    let cases = cases();
    assert!(cases.len() >= 70, "{} cases", cases.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("malformed");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (name, text) in &cases {
            insta::assert_snapshot!(name.as_str(), render(&parse(&Folder::of(text))));
        }
    });
}

#[test]
fn each_finding_has_place_code_page_and_help_and_nothing_is_made() {
    for (name, text) in cases() {
        let folder = Folder::of(&text);
        let loaded = parse(&folder);
        assert!(loaded.definition.is_none() && loaded.has_errors(), "{name}");
        for finding in &loaded.findings {
            let place = finding
                .place
                .as_ref()
                .unwrap_or_else(|| panic!("{name}: {finding} has no place"));
            let line = folder
                .text(&place.file)
                .split('\n')
                .nth(place.line as usize - 1)
                .unwrap();
            assert_eq!(line, place.source, "{name}: {finding}");
            assert!(
                place.column as usize <= line.chars().count() + 1,
                "{name}: {finding}"
            );
            assert!(
                finding.severity == Severity::Error || name == "step_resource_and_effects",
                "{name}: {finding}"
            );
            assert!(
                finding.help.is_some() || finding.code == "CAR0101",
                "{name}: {finding}"
            );
            let page = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(format!("../../docs/errors/{}.md", finding.code));
            assert!(
                page.is_file(),
                "{name}: there is no page for {}",
                finding.code
            );
        }
    }
}

#[test]
fn a_folder_without_a_pipeline_is_told() {
    let loaded = parse(&NoFiles(Ok(None)));
    assert_eq!(loaded.findings.len(), 1);
    assert!(
        loaded.findings[0]
            .to_string()
            .contains("there is no `pipeline.toml`")
    );
    let unreadable = parse(&NoFiles(Err("it is a folder".to_owned())));
    assert!(
        unreadable.findings[0]
            .to_string()
            .contains("cannot be read: it is a folder")
    );
    let huge = parse(&NoFiles(Ok(Some("#".repeat(1024 * 1024 + 1)))));
    assert_eq!(huge.findings[0].code, "CAR0108");
}

struct NoFiles(Result<Option<String>, String>);

impl carril_model::load::Files for NoFiles {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        assert_eq!(path, ENTRY);
        self.0.clone()
    }
}
