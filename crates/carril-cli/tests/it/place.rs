//! A folder with a small pipeline, its warehouse and its store, and the `carril` command in it; and what hides from snapshots
//! what differs from run to run.

pub(crate) use crate::faults::bench::{Bench, Ended, Started, kill, until};
use serde_json::Value;

pub(crate) const SCHEMA: &str = "
create table who (name text not null, size integer not null, odd integer not null);
insert into who values ('ada', 3, 1), ('bela', 2, 0), ('cleo', 5, 1);
create table effect (name text not null);
create table own_rows (name text not null, size integer not null);
create table total_rows (label text not null, size integer not null);
";

/// Three stages; `fail` names an entity whose lane fails, `hold` one whose lane waits for the file `go`.
pub(crate) const PIPELINE: &str = r#"
name = "sizes"
description = "Adds up sizes."

[params]
fail = { type = "text", default = "" }
hold = { type = "text", default = "" }

[entities]
target = "warehouse"
key = "name"
sql = "select name, size, odd from who order by name"

[lanes]
max = 2

[workspace]
tables = ["own_rows", "total_rows"]
publish = [
    { from = "own_rows", into = "size_history", key = ["name"], current = "sizes" },
    { from = "total_rows", into = "total_history", key = ["label"], current = "totals", per = "process" },
]

[[stage]]
name = "collect"
  [[stage.step]]
  name = "rows"
  sql = "insert into own_rows select :entity_key, :size"
  resource = "scales"
  [[stage.step]]
  name = "odd"
  when = "entity.odd"
  sql = "update own_rows set size = size * 10"
  [[stage.step]]
  name = "hold"
  when = "param.hold == entity.key"
  command = ["sh", "-c", "touch ../waiting; until test -e ../go -o ! -e ../waiting; do sleep 0.02; done"]

[[stage]]
name = "tell"
  [[stage.step]]
  name = "hello"
  command = ["echo", "hello {entity_key}"]
  [[stage.step]]
  name = "fail"
  when = "param.fail == entity.key"
  shared_writes = ["effect"]
  sql = "insert into effect (name) values (null)"

[[stage]]
name = "total"
per = "process"
  [[stage.step]]
  name = "sum"
  sql = "insert into total_rows select 'all', coalesce(sum(size), 0) from sizes"
"#;

/// A folder with the pipeline above.
pub(crate) fn bench() -> Bench {
    Bench::new(SCHEMA, PIPELINE)
}

/// Sends a signal, by its name without `SIG`.
#[track_caller]
pub(crate) fn send(signal: &str, to: u32) {
    let ended = std::process::Command::new("kill")
        .args([format!("-{signal}"), to.to_string()])
        .status()
        .unwrap();
    assert!(ended.success(), "nobody took {signal}");
}

/// Every line of stdout as JSON.
#[track_caller]
pub(crate) fn lines(ended: &Ended) -> Vec<Value> {
    let read =
        |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    ended.stdout.lines().map(read).collect()
}

/// All of stdout as one JSON value.
#[track_caller]
pub(crate) fn object(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {}", ended.stdout))
}

/// The same value without times, spans, folders and names of machines and people.
pub(crate) fn steady(mut value: Value) -> Value {
    hide("", &mut value);
    value
}

fn hide(name: &str, value: &mut Value) {
    match value {
        Value::Object(fields) if name == "micros" || name == "time_micros" => {
            // Which causes there are depends on how fast the machine is.
            fields.retain(|cause, _| cause == "running");
            fields
                .iter_mut()
                .for_each(|(_, spent)| *spent = Value::from("[micros]"));
        }
        Value::Object(fields) => fields
            .iter_mut()
            .for_each(|(name, value)| hide(name, value)),
        // Whether a step waited is chance, too.
        Value::Array(_) if name == "waits" => *value = Value::from("[waits]"),
        Value::Array(values) => values.iter_mut().for_each(|value| hide(name, value)),
        Value::String(_) if name == "version" => *value = Value::from("[version]"),
        Value::Number(_) if name.ends_with("micros") => *value = Value::from("[micros]"),
        Value::Number(_) if name == "entities_per_hour" => *value = Value::from("[pace]"),
        Value::String(_) if name == "launched_by" => *value = Value::from("[somebody]"),
        Value::String(text) => *text = plain(text),
        _ => {}
    }
}

/// The same text without times, spans and folders.
pub(crate) fn plain(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let is_time =
            word.len() > 10 && word.ends_with('Z') && word.contains('T') && word.starts_with("20");
        let folder = word
            .find("sqlite:/")
            .map(|at| at + "sqlite:".len())
            .or_else(|| word.starts_with('/').then_some(0));
        words.push(match folder {
            _ if is_time => "[time]".to_owned(),
            Some(start) => {
                let name = word.rsplit('/').next().unwrap_or_default();
                format!("{}[folder]/{name}", &word[..start])
            }
            None => word.to_owned(),
        });
    }
    words.join(" ")
}
