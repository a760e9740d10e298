//! Machine paths and hosts, on single lines.

use super::*;

fn rules(text: &str) -> Vec<&'static str> {
    let file = TextFile {
        path: "a.md".to_owned(),
        text: text.to_owned(),
    };
    check(&file).iter().map(|finding| finding.rule).collect()
}

#[test]
fn machine_paths_are_told() {
    for start in MACHINE_PATHS {
        assert_eq!(
            rules(&format!("x = \"{start}a\"")),
            ["tidy/machine-path"],
            "{start}"
        );
    }
    assert_eq!(
        rules(concat!("one\nsee file:///t", "mp/x")),
        ["tidy/machine-path"]
    );
    assert!(
        rules(concat!(
            "target/t",
            "mp/x and ~/wo",
            "rk/x and $dir/t",
            "mp/"
        ))
        .is_empty()
    );
}

#[test]
fn registry_hosts_are_told() {
    for host in HOSTS {
        assert_eq!(
            rules(&format!("from {host}")),
            ["tidy/registry-host"],
            "{host}"
        );
    }
    assert!(rules("registry+https://github.com/rust-lang/crates.io-index").is_empty());
}
