//! The lists hold every file of their folders.

use super::{FUNDS, File, TEMPLATE};
use std::path::Path;

fn files_below(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            files_below(&entry.path(), &format!("{name}/"), found);
        } else {
            found.push(name);
        }
    }
}

#[track_caller]
fn check(folder: &str, files: &[File]) {
    let mut found = Vec::new();
    files_below(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
        "",
        &mut found,
    );
    found.sort();
    let listed: Vec<&str> = files.iter().map(|(path, _)| *path).collect();
    assert_eq!(listed, found);
}

#[test]
fn no_file_of_the_template_is_forgotten() {
    check("template", TEMPLATE);
}

#[test]
fn no_file_of_the_funds_is_forgotten() {
    check("demo", FUNDS);
}
