//! The smallest thing that runs `pipeline.toml` as an engine does on SQLite: each execution in a file of its own with
//! empty copies of the workspace's tables, the warehouse attached read-only, steps in order, then published under its
//! execution id. No journal, no retries, no lanes at once.

use funds_example::apply_schema;
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::Value;
use rusqlite::{Batch, Connection, OpenFlags};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Values by their name, with the colon.
pub(crate) type Values = BTreeMap<String, Value>;

#[derive(Deserialize)]
pub(crate) struct Pipeline {
    entities: Entities,
    pub(crate) workspace: Workspace,
    pub(crate) stage: Vec<Stage>,
}

#[derive(Deserialize)]
struct Entities {
    key: String,
    sql: String,
}

#[derive(Deserialize)]
pub(crate) struct Workspace {
    pub(crate) tables: Vec<String>,
    pub(crate) publish: Vec<Publish>,
}

#[derive(Deserialize)]
pub(crate) struct Publish {
    pub(crate) from: String,
    pub(crate) into: String,
    key: Vec<String>,
    current: String,
    #[serde(default)]
    per: Per,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Per {
    #[default]
    Entity,
    Process,
}

#[derive(Deserialize)]
pub(crate) struct Stage {
    #[serde(default)]
    per: Per,
    when: Option<String>,
    step: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    name: String,
    when: Option<String>,
    sql: String,
}

/// The folder with `pipeline.toml`.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn pipeline() -> Pipeline {
    let text = fs::read_to_string(folder().join("pipeline.toml")).unwrap();
    toml::from_str(&text).unwrap()
}

/// A warehouse in a folder of its own, and the executions that ran on it.
pub(crate) struct Warehouse {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
    /// How many times in a row each step runs; the outcome may not depend on it.
    pub(crate) times: u32,
    executions: i64,
}

impl Warehouse {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("warehouse.db");
        Self {
            folder,
            path,
            times: 1,
            executions: 0,
        }
    }

    pub(crate) fn open(&self) -> Connection {
        let connection = Connection::open(&self.path).unwrap();
        connection
            .pragma_update(None, "synchronous", "off")
            .unwrap();
        connection
    }

    /// Runs the pipeline for a date; returns how many funds ran.
    pub(crate) fn run(&mut self, report_date: &str) -> usize {
        let pipeline = pipeline();
        let warehouse = self.open();
        apply_schema(&warehouse).unwrap();
        make_history(&warehouse, &pipeline.workspace.publish);
        let params = Values::from([(
            ":report_date".to_owned(),
            Value::Text(report_date.to_owned()),
        )]);
        let entities = entities(&warehouse, &pipeline.entities, &params);
        for entity in &entities {
            let mut values = params.clone();
            values.extend(entity.clone());
            self.execution(&warehouse, &pipeline, &values, Per::Entity);
        }
        self.execution(&warehouse, &pipeline, &params, Per::Process);
        entities.len()
    }

    fn execution(
        &mut self,
        warehouse: &Connection,
        pipeline: &Pipeline,
        values: &Values,
        per: Per,
    ) {
        self.executions += 1;
        let file = self
            .folder
            .path()
            .join(format!("execution-{}.db", self.executions));
        let lane = Connection::open(&file).unwrap();
        lane.pragma_update(None, "synchronous", "off").unwrap();
        lane.pragma_update(None, "journal_mode", "off").unwrap();
        for table in &pipeline.workspace.tables {
            let sql: String = warehouse
                .query_row(
                    "select sql from sqlite_schema where name = ?1",
                    [table],
                    |row| row.get(0),
                )
                .unwrap_or_else(|error| panic!("`{table}` is no table of the warehouse: {error}"));
            lane.execute_batch(&sql).unwrap();
        }
        attach(&lane, &self.path, "warehouse");
        for stage in pipeline.stage.iter().filter(|stage| stage.per == per) {
            if !holds(stage.when.as_deref(), values) {
                continue;
            }
            for step in stage
                .step
                .iter()
                .filter(|step| holds(step.when.as_deref(), values))
            {
                for _ in 0..self.times {
                    run_step(&lane, step, values);
                }
            }
        }
        drop(lane);
        attach(warehouse, &file, "lane");
        for publish in pipeline
            .workspace
            .publish
            .iter()
            .filter(|publish| publish.per == per)
        {
            let sql = format!(
                "insert into {} select {}, '2026-01-01T00:00:00Z', * from lane.{}",
                publish.into, self.executions, publish.from
            );
            warehouse.execute(&sql, []).unwrap();
        }
        warehouse.execute_batch("detach lane").unwrap();
        fs::remove_file(file).unwrap();
    }
}

/// Attaches a file so that nothing can be written to it.
pub(crate) fn attach(connection: &Connection, file: &Path, name: &str) {
    let uri = format!("file:{}?mode=ro", file.display());
    connection
        .execute(&format!("attach ?1 as {name}"), [uri])
        .unwrap();
}

/// What is executed one statement after the other, each with those values that it names.
pub(crate) fn run_sql(connection: &Connection, sql: &str, values: &Values) -> rusqlite::Result<()> {
    let mut statements = Batch::new(connection, sql);
    while let Some(mut statement) = statements.next()? {
        for index in 1..=statement.parameter_count() {
            let name = statement
                .parameter_name(index)
                .expect("every parameter has a name")
                .to_owned();
            let value = values
                .get(&name)
                .unwrap_or_else(|| panic!("nothing provides `{name}`"));
            statement.raw_bind_parameter(index, value)?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}

fn run_step(lane: &Connection, step: &Step, values: &Values) {
    let sql = fs::read_to_string(folder().join(&step.sql)).unwrap();
    let transaction = lane.unchecked_transaction().unwrap();
    run_sql(&transaction, &sql, values)
        .unwrap_or_else(|error| panic!("step `{}`: {error}", step.name));
    transaction.commit().unwrap();
}

fn holds(when: Option<&str>, values: &Values) -> bool {
    let Some(when) = when else { return true };
    let name = when
        .strip_prefix("entity.")
        .expect("the example's conditions are flags of the entity");
    match &values[&format!(":{name}")] {
        Value::Integer(flag) => *flag != 0,
        other => panic!("`{when}` is {other:?}"),
    }
}

fn entities(warehouse: &Connection, entities: &Entities, params: &Values) -> Vec<Values> {
    let sql = fs::read_to_string(folder().join(&entities.sql)).unwrap();
    let mut statement = warehouse.prepare(&sql).unwrap();
    let columns: Vec<String> = statement
        .column_names()
        .map(|name| format!(":{name}"))
        .collect();
    assert!(columns.contains(&format!(":{}", entities.key)));
    for (name, value) in params {
        let index = statement
            .parameter_index(name)
            .unwrap()
            .expect("the query names every parameter");
        statement.raw_bind_parameter(index, value).unwrap();
    }
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let values = columns
            .iter()
            .enumerate()
            .map(|(index, name)| (name.clone(), row.get(index).unwrap()));
        found.push(values.collect());
    }
    found
}

fn make_history(warehouse: &Connection, publish: &[Publish]) {
    for one in publish {
        let columns: Vec<String> = warehouse
            .prepare(&format!(
                "select name || ' ' || type from pragma_table_info('{}')",
                one.from
            ))
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        let key = one.key.join(", ");
        let same = one
            .key
            .iter()
            .map(|column| format!("n.{column} = h.{column}"))
            .collect::<Vec<_>>()
            .join(" and ");
        let sql = format!(
            "create table if not exists {into} (
                 execution_id bigint not null, published_at text not null, {columns}, primary key (execution_id, {key})
             );
             create index if not exists {into}_by_key on {into} ({key}, execution_id);
             create view if not exists {current} as select * from {into} h
             where not exists (select 1 from {into} n where {same} and n.execution_id > h.execution_id);",
            into = one.into,
            columns = columns.join(", "),
            current = one.current,
        );
        warehouse.execute_batch(&sql).unwrap();
    }
}

/// Every row of some tables, as text, to compare what two ways have led to.
pub(crate) fn dump(path: &Path, tables: &[&str]) -> String {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut text = String::new();
    for table in tables {
        let mut statement = connection
            .prepare(&format!("select * from {table} order by 1, 2, 3"))
            .unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<Value> = (0..columns).map(|index| row.get(index).unwrap()).collect();
            text.push_str(&format!("{table} {values:?}\n"));
        }
    }
    text
}

/// The source tables and dimensions.
pub(crate) const SOURCES: [&str; 12] = [
    "bd_funds",
    "bd_instruments",
    "bd_feed_days",
    "bd_bonds",
    "homol_ipa",
    "homol_capm",
    "homol_posmodrf",
    "homol_sona",
    "homol_sona_totals",
    "homol_derivados",
    "homol_ubs",
    "homol_ubs_totals",
];
