//! The map, on made-up houses.

use super::*;
use crate::workspace::Crate;

fn told(map: &str, crates: &[&str]) -> Vec<String> {
    let crates = crates
        .iter()
        .map(|name| Crate {
            name: (*name).to_owned(),
            ..Crate::default()
        })
        .collect();
    let workspace = Workspace {
        crates,
        ..Workspace::default()
    };
    let tree = Tree::of(&[(MAP, map), ("crates/carril/src/lib.rs", "")]);
    let found = check(&tree, &workspace);
    found
        .into_iter()
        .filter(|finding| finding.rule == "tidy/map")
        .map(|found| found.wrong)
        .collect()
}

#[test]
fn every_crate_is_on_the_map() {
    assert!(
        told(
            "- `carril`: the library.\n- `carril-model`",
            &["carril", "carril-model"]
        )
        .is_empty()
    );
    assert_eq!(
        told("- `carril-model`: words", &["carril", "carril-model"]),
        ["the crate `carril` is not on the map"]
    );
}

#[test]
fn the_map_does_not_invent() {
    assert!(told("see crates/carril/src/lib.rs. And crates/carril/.", &[]).is_empty());
    assert_eq!(
        told("see `crates/carril-x/`", &[]),
        ["the map names `crates/carril-x`, which does not exist"]
    );
}

#[test]
fn missing_papers_are_told() {
    let found = check(&Tree::of(&[("README.md", "")]), &Workspace::default());
    let missing: Vec<&str> = found.iter().map(|finding| finding.path.as_str()).collect();
    assert!(missing.contains(&MAP));
    assert!(!missing.contains(&"README.md"));
}
