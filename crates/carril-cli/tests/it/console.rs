//! The console in a real browser: a server of its own, processes that really run, and `console/tests` on them. On SQLite everybody comes
//! in, on PostgreSQL a token is wanted. Where there is no browser, or the driver's packages are not installed, it says so and proves
//! nothing: `cargo xtask test` installs both.

use crate::faults::bench::Bench;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Entities whose names are no names, too.
const SCHEMA: &str = r#"
create table who (name text not null);
insert into who values ('ada'), ('bela'), ('cleo'), ('<img src=x onerror=window.stolen=1>'), ('"><script>window.stolen=1</script>');
create table effect (name text not null, mode text);
"#;

/// `mode` is `hold` for lanes that wait for the signal `go`, `fail` for two that fail, one with an error that looks like a page.
const PIPELINE: &str = r#"
name = "rows"
description = "Rows for a console to show."
[params]
mode = { type = "text", default = "run", description = "run, hold or fail" }
day = { type = "date", default = "2025-01-31" }
[lanes]
key = "entity.key ~ param.day"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who order by rowid"
[resource.scales]
slots = 2
[[stage]]
name = "load"
  [[stage.step]]
  name = "rows"
  shared_writes = ["effect"]
  sql = "insert into effect values (:entity_key, :mode)"
  resource = "scales"
[[stage]]
name = "hold"
  [[stage.step]]
  name = "hold"
  when = "param.mode == 'hold'"
  signal = "go"
[[stage]]
name = "report"
  [[stage.step]]
  name = "fail"
  when = "param.mode == 'fail' and entity.key == 'bela'"
  shared_writes = ["effect"]
  sql = "insert into effect (name) values (null)"
  [[stage.step]]
  name = "cry"
  when = "param.mode == 'fail' and entity.key == 'cleo'"
  command = ["sh", "-c", "echo '<img src=x onerror=window.stolen=1>' >&2; exit 3"]
"#;

/// Lanes that wait for one press, give and print what looks like a page, and, as `mode` has it, ask or fail.
const SHARING: &str = r#"
name = "sharing"
description = "Lanes that wait for one press, give, print, ask and fail."
[params]
mode = { type = "text", default = "run", description = "run, ask or fail" }
day = { type = "date", default = "2025-01-31" }
[lanes]
key = "entity.key ~ param.day"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who order by rowid"
[resource.press]
slots = 1
breaker = { failures = 50 }
[[stage]]
name = "make"
  [[stage.step]]
  name = "press"
  command = ["sh", "-c", "sleep 0.1"]
  resource = "press"
  [[stage.step]]
  name = "give"
  command = ["echo", "{{\"page\": \"<script>window.stolen=1</script>\"}}"]
  output = "json"
  [[stage.step]]
  name = "rows"
  shared_writes = ["effect"]
  sql = "insert into effect values (:entity_key, :mode)"
[[stage]]
name = "tell"
  [[stage.step]]
  name = "hello"
  command = ["echo", "<b>hello</b>"]
  [[stage.step]]
  name = "cry"
  when = "param.mode == 'fail' and entity.key == 'cleo'"
  command = ["sh", "-c", "echo '<img src=x onerror=window.stolen=1>' >&2; exit 3"]
[[stage]]
name = "ask"
  [[stage.step]]
  name = "sign"
  when = "param.mode == 'ask' and (entity.key == 'ada' or entity.key == 'bela')"
  approval = "Publish <i>{entity_key}</i>?"
"#;

/// A folder with the pipelines, and with where their warehouse is.
fn folder() -> Bench {
    let bench = Bench::new(SCHEMA, PIPELINE);
    std::fs::create_dir(bench.path("sharing")).unwrap();
    std::fs::write(bench.path("sharing/pipeline.toml"), SHARING).unwrap();
    let settings = "[targets]\nwarehouse = \"sqlite:warehouse.db\"\n";
    std::fs::write(bench.path("carril.toml"), settings).unwrap();
    bench
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../console")
}

/// The first of these programs that answers.
fn program(names: &[&'static str]) -> Option<&'static str> {
    let answers = |name: &&&'static str| {
        let mut asked = Command::new(name);
        let asked = asked.arg("--version").stdin(Stdio::null());
        let told = asked.stdout(Stdio::null()).stderr(Stdio::null()).status();
        told.is_ok_and(|status| status.success())
    };
    names.iter().find(answers).copied()
}

/// The browser, if everything is there that drives it.
fn browser() -> Option<&'static str> {
    let browser = program(&["chromium", "chromium-browser", "google-chrome"]);
    let node = program(&["node"]);
    let packages = sources().join("node_modules/playwright-core").is_dir();
    if browser.is_some() && node.is_some() && packages {
        return browser;
    }
    eprintln!("SKIPPED, NOTHING IS PROVEN: the console was not opened in a browser.");
    eprintln!("browser: {browser:?}, node: {node:?}, packages of console/: {packages}");
    eprintln!("`cargo xtask test` installs them; by hand: chromium, node 20, `npm ci` in console/");
    None
}

/// The files of tests; Node's own search would take their helpers for tests.
fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(sources().join("tests")).unwrap();
    let paths = entries.map(|entry| Path::new("tests").join(entry.unwrap().file_name()));
    let tests: Vec<PathBuf> = paths
        .filter(|path| path.to_string_lossy().ends_with(".test.mjs"))
        .collect();
    assert!(!tests.is_empty(), "there are tests of the console");
    tests
}

/// Runs the browser's tests on a server.
#[track_caller]
fn tested(browser: &str, address: &str, token: &str) {
    let ran = Command::new("node")
        .args(["--test", "--test-reporter=spec"])
        .args(files())
        .current_dir(sources())
        .env("CONSOLE_URL", format!("http://{address}"))
        .env("CONSOLE_TOKEN", token)
        .env("CONSOLE_BROWSER", browser)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    println!("{told}");
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{told}\n{errors}");
}

/// Each opens some dozen pages.
mod long {
    use super::{browser, folder, tested};
    use crate::place::send;
    use crate::serve::serve;
    use carril_testkit::postgres::Cluster;

    #[test]
    fn every_screen_does_what_it_says_on_sqlite() {
        let Some(browser) = browser() else { return };
        let bench = folder();
        let (running, address) = serve(&bench, &[]);
        tested(browser, &address, "");
        send("TERM", running.id());
        running.end().with(0);
    }

    #[test]
    fn every_screen_does_what_it_says_on_postgresql_with_a_token() {
        let Some(browser) = browser() else { return };
        let database = Cluster::get().database();
        let bench = folder().with_store(database.url());
        let made = bench.run(&["token", "create", "root", "--role", "admin", "--json"]);
        let token = made.with(0).whole_json()["token"].clone();
        let (running, address) = serve(&bench, &[]);
        tested(browser, &address, token.as_str().expect("a token"));
        send("TERM", running.id());
        running.end().with(0);
    }
}
