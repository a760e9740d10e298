//! The arrows between crates, on made-up workspaces.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Returns a workspace of crates and what each uses.
fn workspace(crates: &[(&str, &[(&str, Use)])]) -> Workspace {
    let crates = crates
        .iter()
        .map(|(name, uses)| Crate {
            name: (*name).to_owned(),
            folder: format!("crates/{name}"),
            uses: uses
                .iter()
                .map(|(to, how)| ((*to).to_owned(), *how))
                .collect(),
            ..Crate::default()
        })
        .collect();
    Workspace {
        crates,
        ..Workspace::default()
    }
}

/// Checks the rules that `found` names, in order.
#[track_caller]
fn check(found: &[Finding], expected: &[&str]) {
    let wrong: Vec<&str> = found.iter().map(|finding| finding.wrong.as_str()).collect();
    assert_eq!(wrong, expected);
}

#[test]
fn allowed_edges_pass() {
    let house = workspace(&[
        ("carril-model", &[]),
        ("carril-testkit", &[("carril-model", Use::Production)]),
        (
            "carril-engine",
            &[
                ("carril-model", Use::Production),
                ("carril-testkit", Use::Tests),
            ],
        ),
    ]);
    check(&edges(&house), &[]);
}

#[test]
fn a_forbidden_edge_is_told() {
    let house = workspace(&[
        ("carril-model", &[("carril-engine", Use::Production)]),
        ("carril-engine", &[("carril-sqlite", Use::Tests)]),
        ("carril-sqlite", &[]),
    ]);
    check(
        &edges(&house),
        &[
            "`carril-model` uses `carril-engine` in its production code",
            "`carril-engine` uses `carril-sqlite` in its tests",
        ],
    );
}

#[test]
fn production_code_never_uses_the_test_kit() {
    let house = workspace(&[
        ("carril-testkit", &[]),
        ("carril-sqlite", &[("carril-testkit", Use::Production)]),
    ]);
    check(
        &edges(&house),
        &["`carril-sqlite` uses `carril-testkit` in its production code"],
    );
}

#[test]
fn a_crate_without_declared_arrows_is_told() {
    check(
        &edges(&workspace(&[("carril-extra", &[])])),
        &["no arrows are declared for the crate `carril-extra`"],
    );
}

#[test]
fn a_library_goes_through_its_door() {
    let house = workspace(&[
        ("carril-sqlite", &[("rusqlite", Use::Production)]),
        (
            "carril-cli",
            &[("rusqlite", Use::Tests), ("tempfile", Use::Tests)],
        ),
    ]);
    check(&doors(&house), &[]);

    let house = workspace(&[
        (
            "carril-engine",
            &[("rusqlite", Use::Production), ("rusqlite", Use::Tests)],
        ),
        (
            "carril-cli",
            &[("rusqlite", Use::Production), ("tempfile", Use::Production)],
        ),
    ]);
    check(
        &doors(&house),
        &[
            "`carril-engine` uses `rusqlite` in its production code",
            "`carril-engine` uses `rusqlite` in its tests",
            "`carril-cli` uses `rusqlite` in its production code",
            "`carril-cli` uses `tempfile` in its production code",
        ],
    );
}

#[test]
fn the_model_uses_and_reaches_only_pure_libraries() {
    let mut house = workspace(&[(
        "carril-model",
        &[("toml", Use::Production), ("regex", Use::Tests)],
    )]);
    house.reached = BTreeMap::from([(
        "carril-model".to_owned(),
        BTreeSet::from(["toml".to_owned()]),
    )]);
    check(&model(&house), &[]);

    let mut house = workspace(&[("carril-model", &[("tokio", Use::Production)])]);
    house.reached = BTreeMap::from([(
        "carril-model".to_owned(),
        BTreeSet::from(["mio".to_owned()]),
    )]);
    check(
        &model(&house),
        &[
            "the model uses `tokio`",
            "the model pulls in `mio` through another crate",
        ],
    );
}

#[test]
fn the_number_of_crates_is_bounded() {
    let names: Vec<String> = (0..13).map(|number| format!("c{number}")).collect();
    let crates: Vec<(&str, &[(&str, Use)])> =
        names.iter().map(|name| (name.as_str(), &[][..])).collect();
    check(&number(&workspace(&crates[..12])), &[]);
    check(&number(&workspace(&crates)), &["there are 13 crates"]);
}
