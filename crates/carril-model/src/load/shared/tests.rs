//! Which writes are refused, what is only noted, and that the old design of one staging table under one id is refused.

use super::*;
use crate::load::{Files, Loaded, parse};
use std::collections::BTreeMap;

struct Folder(BTreeMap<&'static str, String>);

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        Ok(self.0.get(path).cloned())
    }
}

/// A lane's step and a process's step with this SQL; the workspace has `own_rows` and publishes it.
fn pipeline(sql: &str, shared_writes: &str) -> Loaded {
    let toml = format!(
        r#"name = "p"
[entities]
target = "warehouse"
key = "id"
sql = "select id from funds"
[workspace]
tables = ["own_rows"]
publish = [{{ from = "own_rows", into = "history", key = ["id"] }}]
[[stage]]
name = "lane"
  [[stage.step]]
  name = "write"
  sql = "sql/write.sql"
  shared_writes = [{shared_writes}]
[[stage]]
name = "total"
per = "process"
  [[stage.step]]
  name = "sum"
  sql = "insert into totals select 1"
  shared_writes = ["totals"]
"#
    );
    parse(&Folder(BTreeMap::from([
        ("pipeline.toml", toml),
        ("sql/write.sql", sql.to_owned()),
    ])))
}

fn judged(sql: &str, shared_writes: &str) -> Vec<String> {
    let loaded = pipeline(sql, shared_writes);
    assert_eq!(loaded.findings, []);
    let plan = Plan::new(loaded.definition.unwrap());
    let own = plan.definition().workspace.as_ref().unwrap().tables.clone();
    let inspections: Vec<(StepId, Inspection)> = plan
        .steps()
        .iter()
        .filter_map(|planned| match &plan.step(planned.id).action {
            Action::Sql { sql, .. } => Some((planned.id, static_inspection(sql, &own))),
            _ => None,
        })
        .collect();
    assert_eq!(inspections.len(), 2);
    shared_rows(&plan, &loaded.places, &inspections)
        .iter()
        .map(Finding::render)
        .collect()
}

#[test]
fn own_tables_and_what_is_said_to_be_shared_are_silent() {
    assert!(
        judged(
            "delete from own_rows; insert into Own_Rows select * from funds",
            ""
        )
        .is_empty()
    );
    assert!(judged("update FUNDS set x = 1 where id = :entity_key", "\"funds\"").is_empty());
}

#[test]
fn one_staging_table_under_one_id_is_refused() {
    let sql = "delete from staging.Rows where ID_Ejecucion = :process_id and ID_Fund = :entity_key;\n\ninsert into staging.Rows (ID_Ejecucion, ID_Fund)\nselect :process_id, :entity_key;\n";
    let expected = "error[CAR0301]: every lane that runs `write` writes `staging.Rows`, which all lanes share\n  --> sql/write.sql:1:13\n   |\n 1 | delete from staging.Rows where ID_Ejecucion = :process_id and ID_Fund = :entity_key;\n   |             ^^^^^^^^^^^^\n   = help: put `staging.Rows` into `[workspace] tables`, so that each lane has its own, and publish what should be seen; or, if lanes really write apart, say `shared_writes = [\"staging.Rows\"]` in this step\n";
    assert_eq!(judged(sql, ""), [expected]);
}

#[test]
fn a_trigger_that_writes_is_named() {
    let loaded = pipeline("insert into own_rows values (1)", "");
    let plan = Plan::new(loaded.definition.unwrap());
    let through = Access {
        table: "log".to_owned(),
        writes: true,
        own: false,
        through: Some("own_rows_logged".to_owned()),
        offset: 12,
    };
    let read = Access {
        table: "funds".to_owned(),
        writes: false,
        own: false,
        through: None,
        offset: 0,
    };
    let inspection = Inspection {
        accesses: vec![read, through],
        ..Inspection::default()
    };
    let findings = shared_rows(
        &plan,
        &loaded.places,
        &[(plan.find("write").unwrap(), inspection)],
    );
    assert_eq!(findings.len(), 1);
    assert!(
        findings[0]
            .message
            .contains("writes `log` (through `own_rows_logged`)"),
        "{}",
        findings[0]
    );
    assert_eq!(
        findings[0]
            .place
            .as_ref()
            .map(|place| (place.line, place.column, place.length)),
        Some((1, 13, 8))
    );
}

#[test]
fn what_cannot_be_seen_is_a_note_and_no_pass() {
    let findings = judged(
        "insert into own_rows select 1; call refresh(:entity_key)",
        "\"other\"",
    );
    assert_eq!(findings.len(), 1);
    assert!(findings[0].starts_with("note[CAR0302]: not checked for shared rows: what `CALL` does cannot be told from its words\n  --> sql/write.sql:1:32\n"), "{}", findings[0]);
}

#[test]
fn a_table_that_is_said_to_be_shared_and_not_written_is_a_warning() {
    let findings = judged(
        "insert into fund_rows select 1",
        "\"fund_rows\", \"fund_row\"",
    );
    assert_eq!(findings.len(), 1);
    assert!(
        findings[0].starts_with(
            "warning[CAR0309]: `write` does not write `fund_row`\n   --> pipeline.toml:14:33\n"
        ),
        "{}",
        findings[0]
    );
    assert!(
        findings[0].contains("did you mean `fund_rows`?"),
        "{}",
        findings[0]
    );
}

#[test]
fn steps_behind_a_stage_that_publishes_keep_their_places() {
    let loaded = pipeline("select 1", "");
    let plan = Plan::new(loaded.definition.unwrap());
    let inspection = Inspection {
        not_seen: vec![(12, "why".to_owned())],
        ..Inspection::default()
    };
    let findings = shared_rows(
        &plan,
        &loaded.places,
        &[(plan.find("sum").unwrap(), inspection)],
    );
    assert_eq!(
        findings[0]
            .place
            .as_ref()
            .map(|place| (place.line, place.column)),
        Some((20, 22))
    );
}

#[test]
fn sql_that_cannot_be_read_is_not_passed() {
    let sql = SqlText {
        start: None,
        file: "a.sql".to_owned(),
        text: "delete from t where x = 'open".to_owned(),
    };
    let inspection = static_inspection(&sql, &[]);
    assert!(inspection.accesses.is_empty());
    assert_eq!(inspection.not_seen.len(), 1);
}

#[test]
fn a_process_step_that_writes_what_it_can_only_read_is_refused() {
    let loaded = pipeline("select 1", "");
    let mut definition = loaded.definition.unwrap();
    definition.stages[1].steps[0].shared_writes.clear();
    let plan = Plan::new(definition);
    let sum = plan.find("sum").unwrap();
    let Action::Sql { sql, .. } = &plan.step(sum).action else {
        panic!("it is SQL");
    };
    let inspections = [(sum, static_inspection(sql, &["own_rows".to_owned()]))];
    let findings = shared_rows(&plan, &loaded.places, &inspections);
    assert_eq!(findings.len(), 1);
    assert_eq!(
        (findings[0].code.as_str(), findings[0].message.as_str()),
        (
            "CAR0301",
            "`sum` writes `totals`, which is not in the workspace and can only be read there"
        )
    );
}
