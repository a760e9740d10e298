//! Which benchmarks there are, on made-up folders.

use super::*;

#[test]
fn benchmarks_are_found_by_their_files() {
    let tree = Tree::of(&[
        ("crates/carril-testkit/examples/bench-cold.rs", ""),
        ("crates/carril-testkit/examples/bench-fanout/main.rs", ""),
        ("crates/carril-testkit/examples/bench-fanout/floor.rs", ""),
        ("crates/carril-testkit/examples/chaos.rs", ""),
        ("crates/carril-testkit/src/bench-x.rs", ""),
    ]);
    assert_eq!(names(&tree), ["cold", "fanout"]);
    assert_eq!(
        listed(&names(&tree)),
        "cargo xtask bench cold [--json]\ncargo xtask bench fanout [--json]"
    );
}

#[test]
fn an_empty_folder_is_told() {
    assert!(listed(&names(&Tree::default())).contains("no benchmarks"));
}
