//! Each line is a URL as somebody would write it, and what it must mean.

use super::*;

fn store(url: &str) -> String {
    match Location::of_store(url, Path::new("/data")) {
        Ok(store) => store.shown(),
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
fn a_store_on_a_server_is_kept_as_it_was_written_and_shown_without_its_password() {
    let url = "postgres://u:geheim@host/db?sslmode=require";
    let store = Location::of_store(url, Path::new("/data")).expect("it is right");
    assert_eq!(store.url(), url);
    assert_eq!(store.shown(), "postgres://u@host/db?sslmode=require");
    assert_eq!(format!("{store:?}"), store.shown());
    assert_eq!(store.file(), None);
    assert_eq!(
        store.lanes(Path::new("/here")),
        Path::new("/here/carril.lanes")
    );
    let file = Location::of_store("a.db", Path::new("/data")).expect("it is right");
    assert_eq!(file.url(), "sqlite:/data/a.db");
    assert_eq!(
        file.lanes(Path::new("/here")),
        Path::new("/data/a.db.lanes")
    );
}

#[test]
fn what_is_no_store_is_refused_with_what_would_be_right() {
    assert!(store("mysql://host/db").starts_with(
        "CAR0702: `mysql://host/db` names no store: there are no stores of kind `mysql`"
    ));
    let backup = store_path(
        "postgres://u:geheim@host/db",
        Path::new("/data"),
        "a backup",
    );
    let backup = backup.expect_err("it is no file").to_string();
    assert!(
        backup.starts_with("`postgres://u@host/db` names no store: a backup is for"),
        "{backup}"
    );
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

#[test]
fn targets_on_a_server_keep_no_password() {
    for kept in [
        "postgres://ada@host/warehouse",
        "postgresql://ada@one:5432,two:5433/warehouse?target_session_attrs=read-write",
        "postgres://ada:${env:PG_PASSWORD}@host/warehouse?sslmode=verify-full",
        "postgres://host/warehouse?user=ada&password=${file:secret}",
        "${env:WAREHOUSE_URL}",
    ] {
        assert_eq!(target(kept), kept);
    }
    for written in [
        "postgres://ada:geheim@host/warehouse",
        "postgres://ada:${env:PG}geheim@host/warehouse",
        "postgres://ada:gehe@im/geheim@host/warehouse",
        "postgres://host/warehouse?user=ada&password=geheim",
    ] {
        let told = target(written);
        assert!(
            told.starts_with("CAR0123") && told.contains("its password is written out"),
            "{told}"
        );
        assert!(!told.contains("geheim"), "{told}");
    }
}

fn definition(toml: &str) -> Definition {
    let head = "name = \"x\"\n[entities]\nlist = [\"ada\"]\n[[stage]]\nname = \"s\"\n[[stage.step]]\nname = \"t\"\n";
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("pipeline.toml"), format!("{head}{toml}"))
        .expect("it is written");
    let loaded = crate::pipeline::load_dir(folder.path());
    loaded.definition.expect("the pipeline is right")
}

#[test]
fn folders_become_absolute_before_they_are_stored() {
    let command = definition("command = [\"true\"]");
    let kept = |folder: &str| kept_folder(&command, Path::new(folder));
    assert_eq!(kept("/data/./daily/"), Ok(Some("/data/daily".to_owned())));
    let here = std::env::current_dir().expect("tests run somewhere");
    let daily = here.join("daily").display().to_string();
    assert_eq!(kept("./daily"), Ok(Some(daily)));
}

#[test]
fn only_commands_miss_a_folder_that_cannot_be_kept() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = Path::new(std::ffi::OsStr::from_bytes(b"/data/\xff"));
    let error = kept_folder(&definition("command = [\"true\"]"), folder).expect_err("no text");
    assert_eq!(error.code(), "CAR0126");
    assert!(error.to_string().contains("its name is not UTF-8"));
    assert_eq!(kept_folder(&definition("noop = true"), folder), Ok(None));
}
