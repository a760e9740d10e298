//! A warehouse, a store and the engine over both, in a folder of their own; and how their rows are compared.

use crate::runner::folder;
use carril::model::contract::{ExecutionFilter, ExecutionRow, ProcessRow, Selection};
use carril::model::id::{ExecutionId, ProcessId};
use carril::{Asked, Carril, Launch, OpenOptions, Outcome, PipelineDefinition, RollbackReport};
use funds_example::generate;
use jiff::civil::date;
use rusqlite::Connection;
use rusqlite::types::{FromSql, Value};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// The report date of made-up funds.
pub(crate) const DATE: &str = "2025-06-30";

/// Longest wait for something that must happen; a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// The tables that an execution leaves rows in, with the column that says whose they are.
pub(crate) const PUBLISHED: [&str; 3] = [
    "fund_report_history",
    "fund_position_history",
    "fund_cube_history",
];

pub(crate) struct House {
    folder: TempDir,
}

impl House {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    /// With this many made-up funds.
    pub(crate) fn generated(funds: u32) -> Self {
        let house = Self::new();
        generate(&house.warehouse_file(), funds, date(2025, 6, 30)).unwrap();
        house
    }

    pub(crate) fn warehouse_file(&self) -> PathBuf {
        self.folder.path().join("warehouse.db")
    }

    pub(crate) fn warehouse(&self) -> Connection {
        let connection = Connection::open(self.warehouse_file()).unwrap();
        connection.busy_timeout(PATIENCE).unwrap();
        connection
    }

    /// Opens the store; the pipeline's target is the warehouse.
    pub(crate) async fn open(&self) -> Carril {
        let options = OpenOptions::new("carril.db")
            .folder(self.folder.path())
            .workspaces(self.folder.path().join("lanes"))
            .node("test", "a test")
            .target("warehouse", "sqlite:warehouse.db");
        carril::open(options).await.unwrap()
    }

    /// `carril check` has nothing to say against the example's pipeline on this warehouse.
    pub(crate) async fn assert_pipeline_is_right(&self, carril: &Carril) {
        let loaded = carril::pipeline::load_dir(&folder());
        let url = format!("sqlite:{}", self.warehouse_file().display());
        let urls = BTreeMap::from([("warehouse".to_owned(), url)]);
        let report = carril::check(&loaded, carril.targets(), &urls).await;
        let asked = report.asked.get("warehouse");
        assert!(matches!(asked, Some(Asked::Answered(_))), "{asked:?}");
        assert_eq!(report.findings, []);
    }

    /// The example's own pipeline with changes to its text and more SQL files, in a folder beside the warehouse.
    pub(crate) fn changed_pipeline(
        &self,
        change: impl FnOnce(String) -> String,
        files: &[(&str, &str)],
    ) -> PipelineDefinition {
        let copy = self.folder.path().join("pipeline");
        copy_folder(&folder().join("sql"), &copy.join("sql"));
        let text = fs::read_to_string(folder().join("pipeline.toml")).unwrap();
        let changed = change(text.clone());
        assert_ne!(text, changed, "the change has met nothing");
        fs::write(copy.join("pipeline.toml"), changed).unwrap();
        for (path, sql) in files {
            fs::write(copy.join(path), sql).unwrap();
        }
        load(&copy)
    }

    /// Files that an execution has left in the folder of the lanes' own files.
    pub(crate) fn lane_files(&self, execution: ExecutionId) -> Vec<PathBuf> {
        let begin = format!("e{execution}-");
        let mut files = self.lane_files_of_all();
        files.retain(|file| {
            file.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with(&begin)
        });
        files
    }

    /// Every file of lanes that is there.
    pub(crate) fn lane_files_of_all(&self) -> Vec<PathBuf> {
        let mut files = files_below(&self.folder.path().join("lanes"));
        files.retain(|file| file.file_name().unwrap().to_string_lossy().starts_with('e'));
        files
    }

    pub(crate) fn one<T: FromSql>(&self, sql: &str) -> T {
        one(&self.warehouse(), sql)
    }

    /// Rows as text, each whole; the order is that of the text.
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        let connection = self.warehouse();
        let mut statement = connection
            .prepare(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        let mut texts = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<Value> = (0..columns).map(|index| row.get(index).unwrap()).collect();
            texts.push(format!("{values:?}"));
        }
        texts.sort_unstable();
        texts
    }

    /// The report without what a second computation may have otherwise: which execution, and when.
    pub(crate) fn report(&self, only: &str) -> Vec<String> {
        let columns = self
            .rows("select name from pragma_table_info('report_rows')")
            .iter()
            .map(|text| {
                text.trim_start_matches("[Text(\"")
                    .trim_end_matches("\")]")
                    .to_owned()
            })
            .collect::<Vec<_>>()
            .join(", ");
        self.rows(&format!("select {columns} from fund_report where {only}"))
    }

    /// What stands in every published table and in Carril's own tables of the warehouse, of all but some executions.
    pub(crate) fn all_but(
        &self,
        executions: &[ExecutionId],
    ) -> BTreeMap<&'static str, Vec<String>> {
        let left_out = executions
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        let tables = PUBLISHED
            .into_iter()
            .chain(["carril_publication", "carril_fence"]);
        let rows = |table| {
            self.rows(&format!(
                "select * from {table} where execution_id not in ({left_out})"
            ))
        };
        tables.map(|table| (table, rows(table))).collect()
    }

    /// Rows of an execution in the warehouse, by table; tables without any are left out.
    pub(crate) fn left_by(&self, execution: ExecutionId) -> Vec<(&'static str, i64)> {
        let count = |table: &str| {
            self.one::<i64>(&format!(
                "select count(*) from {table} where execution_id = {execution}"
            ))
        };
        PUBLISHED
            .into_iter()
            .chain(["carril_publication", "carril_fence"])
            .map(|table| (table, count(table)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// The execution whose row stands in the report for a fund.
    pub(crate) fn execution_of(&self, id_fund: i64) -> ExecutionId {
        ExecutionId(self.one(&format!(
            "select execution_id from fund_report where id_fund = {id_fund}"
        )))
    }

    /// The cube is the sum of the report's funds, in every dimension that is over all of them.
    pub(crate) fn assert_cube_is_the_sum(&self, date: &str, funds: i64) {
        let counted: i64 = self.one(&format!(
            "select coalesce((select funds from fund_cube where report_date = '{date}' and dimension = 'house'), 0)"
        ));
        assert_eq!(counted, funds, "funds in the cube of {date}");
        for dimension in ["house", "asset_class"] {
            let off: f64 = self.one(&format!(
                "select abs(coalesce((select sum(market_value) from fund_cube where report_date = '{date}' and dimension = '{dimension}'), 0)
                     - coalesce((select sum(market_value) from fund_report where report_date = '{date}'), 0))"
            ));
            assert!(off < 0.1, "{date}, {dimension}: off by {off}");
        }
    }
}

/// The example's own pipeline.
pub(crate) fn pipeline() -> PipelineDefinition {
    load(&folder())
}

fn load(folder: &Path) -> PipelineDefinition {
    PipelineDefinition::from_loaded(carril::pipeline::load_dir(folder)).unwrap()
}

pub(crate) async fn run(carril: &Carril, pipeline: &PipelineDefinition, date: &str) -> Outcome {
    let launch = Launch::new().set("report_date", date);
    in_time(carril.run(pipeline, launch)).await.unwrap()
}

pub(crate) async fn settled(carril: &Carril, process: ProcessId) -> ProcessRow {
    in_time(carril.engine().wait(process)).await.unwrap()
}

/// Rolls back as people do, after a look at what it would touch, and waits until the process has settled again.
pub(crate) async fn roll_back(
    carril: &Carril,
    selection: Selection,
) -> (RollbackReport, ProcessRow) {
    let preview = in_time(carril.engine().rollback_preview(&selection))
        .await
        .unwrap();
    let report = in_time(carril.engine().roll_back(selection)).await.unwrap();
    assert_eq!(
        preview, report,
        "what was announced is what has been removed"
    );
    let row = settled(carril, report.processes[0]).await;
    (report, row)
}

/// Retries and waits until the process has settled again.
pub(crate) async fn retry(carril: &Carril, selection: Selection, from: Option<&str>) -> ProcessRow {
    let processes = in_time(carril.engine().retry(selection, from))
        .await
        .unwrap();
    assert_eq!(processes.len(), 1);
    settled(carril, processes[0]).await
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work)
        .await
        .expect("it ends in time")
}

pub(crate) async fn executions(carril: &Carril, process: ProcessId) -> Vec<ExecutionRow> {
    let filter = ExecutionFilter {
        max: 1_000,
        ..ExecutionFilter::default()
    };
    carril.history().executions(process, &filter).await.unwrap()
}

pub(crate) async fn end(carril: &Carril) {
    carril.shutdown(Duration::from_secs(10)).await.unwrap();
}

pub(crate) fn one<T: FromSql>(connection: &Connection, sql: &str) -> T {
    connection
        .query_row(sql, [], |row| row.get(0))
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return files;
    };
    for entry in entries {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            files.extend(files_below(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files
}
