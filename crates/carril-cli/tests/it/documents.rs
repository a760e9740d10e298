//! The references of what people and programs read know every view, every column and every field of JSON that there is; and tests that
//! documents name are there.

use crate::place::{Bench, bench, lines, object, until};
use serde_json::Value;
use std::path::Path;

/// Views that `carril sql` answers questions about.
const VIEWS: [&str; 8] = [
    "processes",
    "executions",
    "steps",
    "waits",
    "trace",
    "breakers",
    "breaker_changes",
    "lanes_changes",
];

fn reference(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// Words that a text has in code.
fn in_code(text: &str) -> Vec<&str> {
    let code = text.split('`').skip(1).step_by(2);
    code.flat_map(|code| code.split([' ', '(', ')', ',']))
        .collect()
}

#[test]
fn the_store_reference_knows_every_column_and_no_other() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    let text = reference("store.md");
    for view in VIEWS {
        let heading = |line: &&str| line.starts_with("## ") && in_code(line).contains(&view);
        let start = text.lines().position(|line| heading(&line));
        let start = start.unwrap_or_else(|| panic!("no section about `{view}`"));
        let section: Vec<&str> = text
            .lines()
            .skip(start + 1)
            .take_while(|line| !line.starts_with("## "))
            .collect();
        let names: Vec<&str> = section
            .iter()
            .skip_while(|line| !line.starts_with("| column |"))
            .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
            .flat_map(in_code)
            .collect();
        let all = format!("select * from {view} limit 1");
        bench.run(&["sql", &all]).with(0);
        let asked = format!("select name from pragma_table_info('{view}')");
        let columns = object(&bench.run(&["sql", &asked, "--json"]).with(0));
        let columns: Vec<&str> = columns["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row[0].as_str().unwrap())
            .collect();
        for column in &columns {
            assert!(names.contains(column), "`{view}` has `{column}`: {names:?}");
        }
        // Two views share a section; the first has all columns of the other.
        for name in names.iter().filter(|_| view != "breaker_changes") {
            assert!(columns.contains(name), "`{view}` has no `{name}`");
        }
    }
}

/// Every field, however deep; what people and pipelines name is left out.
fn fields(value: &Value, found: &mut Vec<String>) {
    const NAMED_BY_OTHERS: [&str; 8] = [
        "params",
        "attributes",
        "output",
        "targets",
        "micros",
        "time_micros",
        "data",
        "rows",
    ];
    match value {
        Value::Object(fields_of) => {
            for (name, value) in fields_of {
                found.push(name.clone());
                if !NAMED_BY_OTHERS.contains(&name.as_str()) {
                    fields(value, found);
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| fields(value, found)),
        _ => {}
    }
}

fn told(bench: &Bench, words: &[&str], exit: i32) -> Vec<String> {
    let mut words = words.to_vec();
    words.push("--json");
    let ended = bench.run(&words).with(exit);
    let mut found = Vec::new();
    // One value, or one on each line.
    match serde_json::from_str::<Value>(&ended.stdout) {
        Ok(whole) => fields(&whole, &mut found),
        Err(_) => lines(&ended)
            .iter()
            .for_each(|line| fields(line, &mut found)),
    }
    found
}

#[test]
fn the_command_line_s_reference_knows_every_field_of_json() {
    let bench = bench();
    let text = reference("cli.md");
    let known = in_code(&text);
    let mut asked = 0;
    let mut missing: Vec<String> = Vec::new();
    for (words, exit) in [
        (&["run", "--set", "fail=bela"][..], 5),
        (&["ps"], 0),
        (&["show", "1"], 0),
        (&["show", "3"], 0),
        (&["show", "bela"], 0),
        (&["logs", "1"], 0),
        (&["why", "1"], 0),
        (&["resources"], 0),
        (&["trace", "timeline"], 0),
        (&["trace", "overlaps"], 0),
        (&["trace", "bottlenecks"], 0),
        (&["trace", "waits"], 0),
        (&["sql", "select 1"], 0),
        (&["baseline", "set", "1"], 0),
        (&["baseline", "show"], 0),
        (&["doctor"], 0),
        (
            &["rollback", "--process", "1", "--entity", "ada", "--yes"],
            0,
        ),
        (&["prune", "--yes"], 0),
        (&["purge", "1", "--yes"], 0),
    ] {
        let told = told(&bench, words, exit);
        let unknown = told.iter().filter(|field| !known.contains(&field.as_str()));
        missing.extend(unknown.map(|field| format!("{} {field}", words[0])));
        asked += 1;
    }
    assert_eq!(asked, 19);
    missing.dedup();
    assert!(missing.is_empty(), "nothing is said of {missing:?}");
}

/// Asks a person, then waits for a signal.
const WAITS: &str = r#"
name = "orders"
[entities]
list = ["ada"]
[[stage]]
name = "pay"
  [[stage.step]]
  name = "ask"
  approval = "send it?"
  [[stage.step]]
  name = "paid"
  signal = "paid"
"#;

#[test]
fn it_knows_those_of_what_waits() {
    let bench = Bench::new("create table unused (x)", WAITS);
    let text = reference("cli.md");
    let known = in_code(&text);
    let run = bench.start(&["run", "--json"]);
    until("the question", || {
        let shown = bench.run(&["why", "ada"]);
        shown.stdout.contains("carril approve 2")
    });
    let mut told_of = Vec::new();
    told_of.extend(told(&bench, &["approve", "2", "--by", "zoe"], 0));
    told_of.extend(told(&bench, &["pause", "1"], 0));
    told_of.extend(told(&bench, &["signal", "2", "paid", "--data", "7"], 0));
    told_of.extend(told(&bench, &["resume", "1"], 0));
    run.end().with(0);
    let shown = told(&bench, &["show", "2"], 0);
    assert!(shown.iter().any(|field| field == "taken_by"), "{shown:?}");
    told_of.extend(shown);
    let missing: Vec<&String> = told_of
        .iter()
        .filter(|field| !known.contains(&field.as_str()))
        .collect();
    assert!(missing.is_empty(), "nothing is said of {missing:?}");
}

/// Everything that is written in Rust below a folder.
fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            all.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn tests_that_hold_a_fault_are_there() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut all = String::new();
    sources(&crates, &mut all);
    let text = std::fs::read_to_string(crates.join("../docs/operations/faults.md")).unwrap();
    let (_, table) = text.split_once("## Which test holds what").unwrap();
    let rows = table.lines().take_while(|line| !line.starts_with("## "));
    let held = rows.filter_map(|line| line.strip_prefix("| ")?.split(" | ").nth(2));
    let named: Vec<&str> = held
        .skip(1)
        .flat_map(in_code)
        .filter(|word| !word.is_empty())
        .collect();
    assert!(named.len() > 20, "{named:?}");
    for name in named {
        let there =
            all.contains(&format!("fn {name}()")) || all.contains(&format!("fn {name}(harness"));
        assert!(
            there,
            "docs/operations/faults.md names the test `{name}`, which is not there"
        );
    }
}
