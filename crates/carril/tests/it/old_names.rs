//! The names of the old fund system over real runs, on both kinds of stores: the three questions that people ask of the trace, as
//! they ask them, against what the history answers.

use crate::harness::{House, end, run};
use carril::model::contract::QueryAnswer;
use carril::model::state::ExecutionState;
use carril::{Carril, Launch, OpenOptions, PipelineDefinition};
use carril_testkit::postgres::Cluster;
use serde_json::{Value, json};

const WAREHOUSE: &str = "
create table bd_funds (id_fund integer primary key, fund_short_name text, portfolio_geneva text, flag_ubs integer);
insert into bd_funds values (101, 'MERLC', 'G101', 1), (102, 'ALTA', 'G102', 0), (103, 'BAJA', 'G103', 0);
create table done (fund integer not null, what text not null);
";

const PIPELINE: &str = r#"
name = "fund-report"
[params]
report_date = { type = "date" }
[entities]
target = "warehouse"
key = "id_fund"
sql = "select id_fund, fund_short_name, portfolio_geneva, flag_ubs from bd_funds order by id_fund"
[[stage]]
name = "ipa"
  [[stage.step]]
  name = "staging"
  resource = "geneva"
  shared_writes = ["done"]
  sql = "insert into done values (:id_fund, 'ipa')"
[[stage]]
name = "ubs"
when = "entity.flag_ubs"
  [[stage.step]]
  name = "compare"
  shared_writes = ["done"]
  sql = "insert into done values (:id_fund, 'ubs')"
[[stage]]
name = "pnl"
  [[stage.step]]
  name = "changes"
  resource = "capm"
  shared_writes = ["done"]
  sql = "insert into done values (:id_fund, case :id_fund when 102 then null else 'pnl' end)"
[[stage]]
name = "report"
  [[stage.step]]
  name = "row"
  noop = true
"#;

/// The words that differ between the stores: the gap between two moments in milliseconds.
struct Words {
    gap: &'static str,
}

const SQLITE: Words = Words {
    gap: "abs(julianday(b.Timestamp) - julianday(a.Timestamp)) * 86400000.0",
};
const POSTGRES: Words = Words {
    gap: "abs(extract(epoch from b.\"Timestamp\" - a.\"Timestamp\")) * 1000",
};

async fn ask(carril: &Carril, sql: &str) -> Vec<Vec<Value>> {
    let asked = carril.history().query(sql, 1_000).await;
    let QueryAnswer { rows, cut, .. } = asked.expect("it is answered");
    assert!(!cut);
    rows
}

/// One process in which fund 102 fails.
async fn goes(house: &House, store: &str, words: &Words) {
    let pipeline: PipelineDefinition = house.pipeline(&[("pipeline.toml", PIPELINE)]);
    let options = OpenOptions::new(store)
        .folder(house.path())
        .target("warehouse", "sqlite:warehouse.db")
        .pipeline(&pipeline);
    let carril = carril::open(options).await.expect("the store opens");
    let launch = Launch::new().set("report_date", "2025-10-24").by("ana");
    let process = run(&carril, &pipeline, launch).await.process.id;
    tables(&carril, process.0).await;
    questions(&carril, process.0, words).await;
    end(&carril).await;
}

async fn tables(carril: &Carril, process: i64) {
    let told = ask(carril, "select \"ID_Proceso\", \"FechaReporte\", \"Estado\", \"Etapa_Actual\", \"Usuario\", \"TotalFondos\", \"FondosExitosos\", \"FondosFallidos\", \"FondosOmitidos\", \"ID_Anterior\" from logs_procesos").await;
    let expected = json!([
        process,
        "2025-10-24",
        "COMPLETADO_CON_ERRORES",
        null,
        "ana",
        3,
        2,
        1,
        0,
        null
    ]);
    assert_eq!(json!(told), json!([expected]));
    let told = ask(carril, "select \"ID_Fund\", \"FechaReporte\", \"Estado\" from logs_ejecuciones order by \"ID_Fund\"").await;
    let expected = json!([
        [101, "2025-10-24", "COMPLETADO"],
        [102, "2025-10-24", "ERROR"],
        [103, "2025-10-24", "COMPLETADO"],
    ]);
    assert_eq!(json!(told), expected);
    let told = ask(carril, "select \"ID_Fund\", \"FundShortName\", \"Portfolio_Geneva\", \"Estado_Process_IPA\", \"Estado_Process_CAPM\", \"Estado_Process_UBS\", \"Estado_Process_PNL\", \"Estados\" from logs_ejecucion_fondos order by \"ID_Fund\"").await;
    assert_eq!(
        json!(told[0][..7]),
        json!([
            101,
            "MERLC",
            "G101",
            "COMPLETADO",
            null,
            "COMPLETADO",
            "COMPLETADO"
        ])
    );
    assert_eq!(
        json!(told[1][..7]),
        json!([102, "ALTA", "G102", "COMPLETADO", null, "OMITIDO", "ERROR"])
    );
    let stages: Value = serde_json::from_str(told[1][7].as_str().expect("a text")).expect("JSON");
    assert_eq!(
        stages,
        json!({"ipa": "COMPLETADO", "ubs": "OMITIDO", "pnl": "ERROR"})
    );
}

async fn questions(carril: &Carril, process: i64, words: &Words) {
    let Words { gap } = words;
    let overlaps = format!(
        "select a.\"Recurso\", a.\"ID_Fund\", b.\"ID_Fund\", {gap} as gap from logs_trace_records a \
         join logs_trace_records b on b.\"ID_Proceso\" = a.\"ID_Proceso\" and b.\"Recurso\" = a.\"Recurso\" and b.\"Tipo_Evento\" = 'START' \
           and b.\"ID_Fund\" > a.\"ID_Fund\" \
         where a.\"ID_Proceso\" = {process} and a.\"Tipo_Evento\" = 'START' and {gap} < 600000 order by gap desc"
    );
    let told = ask(carril, &overlaps).await;
    let pairs: Vec<Value> = told.iter().map(|row| json!(row[..3])).collect();
    for resource in ["geneva", "capm"] {
        for (one, other) in [(101, 102), (101, 103), (102, 103)] {
            assert!(pairs.contains(&json!([resource, one, other])), "{pairs:?}");
        }
    }
    let gaps: Vec<f64> = told.iter().filter_map(|row| row[3].as_f64()).collect();
    assert_eq!(gaps.len(), told.len());
    assert!(
        gaps.is_sorted_by(|longer, shorter| longer >= shorter),
        "{gaps:?}"
    );
    let bottlenecks = format!(
        "select \"Recurso\", sum(case \"Tipo_Evento\" when 'START' then 1 else 0 end), avg(\"Duracion_Ms\"), max(\"Duracion_Ms\"), \
           sum(case \"Tipo_Evento\" when 'LOCK' then 1 else 0 end) as locks \
         from logs_trace_records where \"ID_Proceso\" = {process} and \"Recurso\" in ('geneva', 'capm') group by \"Recurso\" order by locks desc, 1"
    );
    let told = ask(carril, &bottlenecks).await;
    let known = carril
        .history()
        .bottlenecks(carril::model::id::ProcessId(process), 100)
        .await;
    let known = known.expect("they are told");
    for (row, resource) in told.iter().zip(["capm", "geneva"]) {
        assert_eq!(
            (&row[0], &row[1], &row[4]),
            (&json!(resource), &json!(3), &json!(0))
        );
        let known = known
            .iter()
            .find(|known| known.resource == resource)
            .expect("it is told");
        let most = row[3].as_f64().expect("a number");
        assert!(
            (most * 1_000.0 - known.max_micros as f64).abs() < 1.0,
            "{most} {known:?}"
        );
    }
    let timeline = format!(
        "select \"ID_Fund\", \"Etapa\", min(case when \"Tipo_Evento\" = 'START' then \"Timestamp\" end), max(case when \"Tipo_Evento\" = 'END' then \"Timestamp\" end) \
         from logs_trace_records where \"ID_Proceso\" = {process} and \"Etapa\" is not null group by \"ID_Fund\", \"Etapa\" order by 1, 3"
    );
    let told = ask(carril, &timeline).await;
    let stages: Vec<Value> = told
        .iter()
        .map(|row| json!([row[0], row[1], row[3].is_null()]))
        .collect();
    let expected = json!([
        [101, "ipa", false],
        [101, "ubs", false],
        [101, "pnl", false],
        [101, "report", false],
        [102, "ipa", false],
        [102, "pnl", true],
        [103, "ipa", false],
        [103, "pnl", false],
        [103, "report", false],
    ]);
    assert_eq!(json!(stages), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_shows_under_the_old_names_in_a_file() {
    let house = House::with_warehouse(WAREHOUSE);
    goes(&house, "carril.db", &SQLITE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_shows_under_the_old_names_on_postgresql() {
    let house = House::with_warehouse(WAREHOUSE);
    let database = Cluster::get().database();
    goes(&house, &database.url(), &POSTGRES).await;
}

/// A failed lane is told as one, whichever name it is asked by.
#[tokio::test(flavor = "multi_thread")]
async fn the_old_words_and_ours_count_the_same() {
    let house = House::with_warehouse(WAREHOUSE);
    let pipeline = house.pipeline(&[("pipeline.toml", PIPELINE)]);
    let carril = house.open(&[&pipeline]).await;
    let launch = Launch::new().set("report_date", "2025-10-24");
    let process = run(&carril, &pipeline, launch).await.process.id;
    let rows = crate::harness::executions(&carril, process).await;
    let failed = rows
        .iter()
        .filter(|row| row.state == ExecutionState::Failed);
    let told = ask(
        &carril,
        "select count(*) from logs_Ejecuciones where Estado = 'ERROR'",
    )
    .await;
    assert_eq!(told, [[json!(failed.count())]]);
    end(&carril).await;
}
