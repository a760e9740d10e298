//! Each line is a URL as somebody would write it, and what it must mean.

use super::*;

fn store(url: &str) -> String {
    match store_path(url, Path::new("/data")) {
        Ok(path) => path.display().to_string(),
        Err(error) => format!("{}: {error}", error.code()),
    }
}

fn target(url: &str) -> String {
    match target_url(url, Path::new("/data")) {
        Ok(url) => url,
        Err(error) => format!("{}: {error}", error.code()),
    }
}

#[test]
fn stores_are_paths_or_sqlite_urls() {
    assert_eq!(store("carril.db"), "/data/carril.db");
    assert_eq!(store("sqlite:state/carril.db"), "/data/state/carril.db");
    assert_eq!(store("sqlite:///var/carril.db"), "/var/carril.db");
    assert_eq!(store("/var/carril.db"), "/var/carril.db");
    assert_eq!(
        store(r"C:\carril.db"),
        r"/data/C:\carril.db",
        "a drive's letter is no kind of store"
    );
}

#[test]
fn what_is_no_store_is_refused_with_what_would_be_right() {
    assert!(store("postgres://host/db").starts_with(
        "CAR0702: `postgres://host/db` names no store: there are no stores of kind `postgres`"
    ));
    assert!(store("sqlite:").contains("it names no file"));
    assert!(store(" ").contains("it names no file"));
    assert!(store(":memory:").contains("in memory"));
}

#[test]
fn targets_become_absolute_before_they_are_stored() {
    assert_eq!(target("sqlite:warehouse.db"), "sqlite:/data/warehouse.db");
    assert_eq!(target("sqlite:./warehouse.db"), "sqlite:/data/warehouse.db");
    assert_eq!(
        target("sqlite:/var/warehouse.db"),
        "sqlite:/var/warehouse.db"
    );
    assert_eq!(
        target("sqlite:${env:WAREHOUSE}"),
        "sqlite:${env:WAREHOUSE}",
        "only opening resolves it"
    );
    assert_eq!(
        target("sqlite:db-${env:YEAR}.db"),
        "sqlite:/data/db-${env:YEAR}.db"
    );
}

#[test]
fn a_target_says_which_kind_it_is() {
    assert!(
        target("warehouse.db").starts_with(
            "CAR0123: `warehouse.db` is no URL of a target: it does not say which kind"
        )
    );
    assert!(target("mysql:warehouse").contains("kind `mysql`"));
}
