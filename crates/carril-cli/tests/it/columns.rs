//! A pipeline whose executions share their tables, from `workspace migrate` over its run to its rollback, and as a purge leaves it.

use crate::faults::bench::{Bench, kill, until};
use rusqlite::Connection;
use serde_json::json;

/// Tables as they were before anybody thought of executions, with rows of that time in them.
const SCHEMA: &str = "
create table who (name text not null);
insert into who values ('ada'), ('bela'), ('cleo');
create table feed (name text not null, line integer not null);
insert into feed select name, n.value from who, json_each('[1, 2, 3]') as n;
create table work (name text not null, line integer not null);
insert into work values ('old', 1);
create table total (name text not null, lines integer not null);
create table house (lanes integer not null);
";

const PIPELINE: &str = r#"
name = "shared"
[entities]
target = "warehouse"
key = "name"
sql = "select name from who"
[workspace]
isolation = "column"
column = "ID_Ejecucion"
tables = ["work", "total", "house"]
KEEP
publish = [
  { from = "total", into = "total_history", key = ["name"], current = "total_now" },
  { from = "house", into = "house_history", key = ["lanes"], current = "house_now", per = "process" },
]
[[stage]]
name = "lane"
  [[stage.step]]
  name = "work"
  sql = "delete from work; insert into work (name, line) select name, line from feed where name = :name"
  [[stage.step]]
  name = "total"
  sql = "insert into total (ID_Ejecucion, name, lines) select :execution_id, :name, count(*) from work where ID_Ejecucion = :execution_id"
  [[stage.step]]
  name = "hold"
  retry = { attempts = 1 }
  command = ["sh", "-c", "test ! -e hold.{name}"]
[[stage]]
name = "house"
per = "process"
  [[stage.step]]
  name = "lanes"
  sql = "insert into house (lanes) select count(*) from total_now"
"#;

fn pipeline(keep: &str) -> String {
    PIPELINE.replace("KEEP", &format!("keep = \"{keep}\""))
}

/// A bench whose tables have the column, given by the statements that were printed.
fn migrated(keep: &str) -> Bench {
    let bench = Bench::new(SCHEMA, &pipeline(keep));
    apply(&bench, &[]);
    bench
}

fn words<'a>(bench: &'a Bench, words: &[&'a str], rest: &[&'a str]) -> Vec<String> {
    let mut all: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    all.push(bench.path("pipeline").display().to_string());
    all.extend(rest.iter().map(|word| (*word).to_owned()));
    all.push("--target".to_owned());
    all.push(format!(
        "warehouse=sqlite:{}",
        bench.path("warehouse.db").display()
    ));
    all
}

fn told(bench: &Bench, command: &[&str], rest: &[&str]) -> crate::faults::bench::Ended {
    let all = words(bench, command, rest);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    bench.run(&all)
}

/// Runs what `workspace migrate` prints, and gives it.
fn apply(bench: &Bench, rest: &[&str]) -> String {
    let printed = told(bench, &["workspace", "migrate"], rest).with(0).stdout;
    Connection::open(bench.path("warehouse.db"))
        .unwrap()
        .execute_batch(&printed)
        .unwrap();
    printed
}

#[test]
fn existing_tables_are_migrated_by_what_is_printed_and_back() {
    let bench = Bench::new(SCHEMA, &pipeline("failed"));
    let checked = told(&bench, &["check"], &["--json"]).with(3).whole_json();
    let findings = checked["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 3, "{checked}");
    assert!(
        findings.iter().all(|finding| finding["code"] == "CAR0310"),
        "{checked}"
    );
    told(&bench, &["check"], &[])
        .with(3)
        .telling("alter table work add column ID_Ejecucion integer; create index work_by_ID_Ejecucion on work (ID_Ejecucion);");

    let up = apply(&bench, &[]);
    assert_eq!(
        up.lines().take(2).collect::<Vec<_>>(),
        [
            "alter table work add column ID_Ejecucion integer;",
            "create index work_by_ID_Ejecucion on work (ID_Ejecucion);"
        ]
    );
    told(&bench, &["check"], &[]).with(0);
    let nothing = told(&bench, &["workspace", "migrate"], &[])
        .with(0)
        .saying("nothing to do");
    assert_eq!(nothing.stdout, "");

    let down = told(&bench, &["workspace", "migrate"], &["--down", "--json"])
        .with(0)
        .whole_json();
    assert_eq!(
        down,
        json!({
            "target": "warehouse", "column": "ID_Ejecucion", "down": true, "notes": [],
            "statements": [
                "drop index work_by_ID_Ejecucion", "alter table work drop column ID_Ejecucion",
                "drop index total_by_ID_Ejecucion", "alter table total drop column ID_Ejecucion",
                "drop index house_by_ID_Ejecucion", "alter table house drop column ID_Ejecucion",
            ]
        })
    );
    apply(&bench, &["--down"]);
    assert_eq!(
        bench.warehouse::<String>("select group_concat(name) from pragma_table_info('work')"),
        "name,line"
    );
    told(&bench, &["workspace", "migrate"], &["--down"])
        .with(0)
        .saying("nothing to do");
}

#[test]
fn tables_of_ones_own_have_nothing_to_migrate() {
    let own = pipeline("failed").replace("isolation = \"column\"\ncolumn = \"ID_Ejecucion\"\n", "");
    let bench = Bench::new(SCHEMA, &own);
    told(&bench, &["workspace", "migrate"], &[])
        .with(2)
        .saying("tables of its own");
}

#[test]
fn lanes_share_tables_and_leave_nothing_when_they_have_done_well() {
    let bench = migrated("failed");
    let summary = bench.run(&["run", "--json"]).with(0).json();
    assert_eq!(summary["process"]["state"], "succeeded");
    assert_eq!(
        bench.warehouse::<String>(
            "select group_concat(name || lines) from (select * from total_now order by name)"
        ),
        "ada3,bela3,cleo3"
    );
    assert_eq!(bench.warehouse::<i64>("select lanes from house_now"), 3);
    // Rows of before belong to no execution: no lane's `delete from work` has met them, and nobody removed them.
    assert_eq!(
        bench.warehouse::<String>("select group_concat(name) from work"),
        "old"
    );
    assert_eq!(bench.warehouse::<i64>("select (select count(*) from total) + (select count(*) from house) + (select count(*) from carril_workspace)"), 0);
    assert!(bench.lane_files().is_empty());
}

#[test]
fn a_failed_lane_keeps_its_rows_and_is_retried_from_where_it_failed() {
    let bench = migrated("failed");
    std::fs::write(bench.path("pipeline/hold.bela"), "").unwrap();
    bench.run(&["run", "--json"]).with(5);
    assert_eq!(
        bench.warehouse::<String>(
            "select group_concat(distinct name) from work where ID_Ejecucion is not null"
        ),
        "bela"
    );
    std::fs::remove_file(bench.path("pipeline/hold.bela")).unwrap();
    let from_the_middle = bench.run(&["retry", "1", "--from", "lane/total", "--yes", "--json"]);
    // What succeeded has removed its rows, so its first step cannot be kept.
    from_the_middle.with(6);
    bench
        .run(&[
            "retry",
            "1",
            "--failed",
            "--from",
            "lane/total",
            "--yes",
            "--json",
        ])
        .with(0);
    assert_eq!(
        bench.warehouse::<i64>("select sum(lines) from total_now"),
        9
    );
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from work where ID_Ejecucion is not null"),
        0
    );
}

#[test]
fn a_rollback_removes_one_executions_rows_and_nobody_elses() {
    let bench = migrated("always");
    bench.run(&["run", "--json"]).with(0);
    let of = |name: &str| {
        bench.store::<i64>(&format!(
            "select execution_id from executions where entity_key = '{name}'"
        ))
    };
    let bela = of("bela");
    let before = bench.warehouse::<i64>("select count(*) from work");
    assert_eq!(before, 10);
    let rolled = bench
        .run(&[
            "rollback",
            "--process",
            "1",
            "--entity",
            "bela",
            "--yes",
            "--json",
        ])
        .with(0)
        .json();
    let rows: Vec<(&str, u64)> = rolled["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["table"].as_str().unwrap(),
                row["deleted"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(rows, [("total", 1), ("total_history", 1), ("work", 3)]);
    assert_eq!(
        bench.warehouse::<i64>(&format!(
            "select count(*) from work where ID_Ejecucion = {bela}"
        )),
        0
    );
    assert_eq!(bench.warehouse::<i64>("select count(*) from work"), 7);
    until("the house is counted again", || {
        bench.warehouse::<i64>("select max(lanes) from house_now") == 2
    });
}

/// Killed while one lane holds and others have done: the next engine goes on, each lane's rows are there once.
#[test]
fn a_killed_run_goes_on_and_every_row_is_there_once() {
    let slow = pipeline("always").replace(
        "\"test ! -e hold.{name}\"",
        "\"touch came.{name}; while test -e hold.{name}; do sleep 0.02; done\"",
    );
    let bench = Bench::new(SCHEMA, &slow);
    apply(&bench, &[]);
    std::fs::write(bench.path("pipeline/hold.cleo"), "").unwrap();
    let running = bench.start(&["run", "--json"]);
    bench.until_file("pipeline/came.cleo");
    kill(running);
    std::fs::remove_file(bench.path("pipeline/hold.cleo")).unwrap();
    bench.run(&["run", "--json"]).with(0);
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from work where ID_Ejecucion is not null"),
        9
    );
    assert_eq!(
        bench.warehouse::<i64>("select sum(lines) from total_now"),
        9
    );
    assert_eq!(bench.warehouse::<i64>("select count(*) from total"), 3);
}

/// Killed at the commits of steps and publications, and between batches of a rollback: what comes of it is what would have come.
#[cfg(feature = "failpoints")]
#[test]
fn killed_at_any_commit_the_outcome_is_the_same() {
    let state = "select (select count(*) from work where ID_Ejecucion is not null) || ' ' || (select sum(lines) from total_now) || ' '
        || (select count(*) from total) || ' ' || (select group_concat(lanes) from house_now)";
    for point in [
        "target::sql::before_commit",
        "target::sql::after_commit",
        "target::publish::before_commit",
        "target::publish::after_commit",
    ] {
        for nth in [1, 3] {
            let bench = migrated("always");
            let mut dying = bench.command(&["run", "--json"]);
            let ended = dying
                .env("CARRIL_KILL_AT", format!("{point}:{nth}"))
                .output()
                .unwrap();
            assert_eq!(ended.status.code(), None, "{point}:{nth} was not reached");
            bench.run(&["run", "--json"]).with(0);
            assert_eq!(bench.warehouse::<String>(state), "9 9 3 3", "{point}:{nth}");
            let mut dying = bench.command(&["rollback", "1", "--yes"]);
            let ended = dying
                .env("CARRIL_KILL_AT", "target::column::half:2")
                .output()
                .unwrap();
            assert_eq!(ended.status.code(), None, "the rollback was not killed");
            bench.run(&["purge", "1", "--yes"]).with(0);
            let left = "select (select count(*) from work where ID_Ejecucion is not null) + (select count(*) from total) + (select count(*) from total_history) + (select count(*) from carril_workspace) + (select count(*) from carril_fence)";
            assert_eq!(bench.warehouse::<i64>(left), 0, "{point}:{nth}");
        }
    }
}
