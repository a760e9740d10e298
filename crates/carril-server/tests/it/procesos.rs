//! The old API as its clients know it: names, shapes and statuses are written out here as they have them, and compared whole.

use crate::client::{Answer, PATIENCE, Request};
use crate::rig::{Place, Served};
use carril::model::import::{FlatTable, Options as Import, Source, map};
use carril::model::time::Timestamp;
use carril_server::House;
use carril_testkit::postgres::Cluster;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const TABLES: &str = "
create table bd_funds (id_fund integer primary key, fund_short_name text, portfolio_geneva text, flag_ubs integer);
insert into bd_funds values (101, 'MERLC', 'G101', 1), (102, 'ALTA', 'G102', 0), (103, 'BAJA', 'G103', 0);
create table done (fund integer not null, what text not null);
";

/// Lanes of the last day of a year wait for the signal `go`; fund 102 fails.
const PIPELINE: &str = r#"
name = "fund-report"
[params]
report_date = { type = "date" }
[entities]
target = "warehouse"
key = "id_fund"
sql = "select id_fund, fund_short_name, portfolio_geneva, flag_ubs from bd_funds order by id_fund"
[lanes]
overlap = "skip"
abort_when = { failed = "99%", after = 10 }
[[stage]]
name = "extract"
  [[stage.step]]
  name = "hold"
  when = "param.report_date == '2025-12-31'"
  signal = "go"
[[stage]]
name = "ipa"
  [[stage.step]]
  name = "staging"
  shared_writes = ["done"]
  sql = "insert into done values (:id_fund, case :id_fund when 102 then null else 'ipa' end)"
[[stage]]
name = "ubs"
when = "entity.flag_ubs"
  [[stage.step]]
  name = "compare"
  noop = true
"#;

/// A server of the fund pipeline.
async fn serve(place: &Place, change: impl FnOnce(&mut carril_server::Options)) -> Served {
    let folder = place.path().join("funds");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("pipeline.toml"), PIPELINE).unwrap();
    let warehouse = rusqlite::Connection::open(place.path().join("warehouse.db")).unwrap();
    warehouse.execute_batch(TABLES).unwrap();
    let mut options = place.options();
    options.procesos.pipeline = Some("fund-report".to_owned());
    change(&mut options);
    Served::begin(House::Engine(place.engine().await), options).await
}

async fn run(served: &Served, version: &str, date: &str) -> Answer {
    let path = format!("/api/procesos/{version}/ejecutar");
    served.post(&path, &json!({"fechaReporte": date})).await
}

/// What v3 says of a process once it is in this state.
async fn until(served: &Served, process: i64, state: &str) -> Value {
    let path = format!("/api/procesos/v3/proceso/{process}");
    let looking = async {
        let mut looks = tokio::time::interval(Duration::from_millis(10));
        loop {
            looks.tick().await;
            let told = served.get(&path).await.with(200).json();
            if told["estado"] == state {
                return told;
            }
        }
    };
    tokio::time::timeout(PATIENCE, looking)
        .await
        .expect("it becomes so in time")
}

/// The answer without what differs from run to run; asserts that times are there where they should be.
fn plain(mut told: Value) -> Value {
    for name in ["fechaInicio", "fechaFin"] {
        if let Some(time) = told.get_mut(name)
            && let Some(text) = time.as_str()
        {
            assert!(text.ends_with('Z'), "{text}");
            *time = json!("…");
        }
    }
    for list in ["ejecuciones", "fondos"] {
        if let Some(Value::Array(rows)) = told.get_mut(list) {
            *rows = rows.drain(..).map(plain).collect();
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn v3_launches_a_date_and_tells_of_its_process() {
    let place = Place::new();
    let served = serve(&place, |_| {}).await;
    let told = run(&served, "v3", "2025-10-24").await.with(202);
    assert_eq!(told.header("deprecation"), None);
    let told = told.json();
    let process = told["ID_Proceso"].as_i64().unwrap();
    let id = |at: usize| told["ejecuciones"][at]["ID_Ejecucion"].clone();
    let expected = json!({
        "ID_Proceso": process,
        "fechaReporte": "2025-10-24",
        "estado": "EN_PROGRESO",
        "totalFondos": 3,
        "ejecuciones": [
            {"ID_Ejecucion": id(0), "ID_Fund": 101, "FundShortName": "MERLC"},
            {"ID_Ejecucion": id(1), "ID_Fund": 102, "FundShortName": "ALTA"},
            {"ID_Ejecucion": id(2), "ID_Fund": 103, "FundShortName": "BAJA"},
        ],
        "siguiente": null,
    });
    // The three lanes may be through before the answer is written.
    let running = json!("EN_PROGRESO");
    let mut launched = told.clone();
    launched["estado"] = running;
    assert_eq!(launched, expected);
    let ended = until(&served, process, "COMPLETADO_CON_ERRORES").await;
    let error = ended["ejecuciones"][1]["error"].as_str().unwrap();
    assert!(error.contains("NOT NULL"), "{error}");
    let fund = |at: usize, state: &str, error: Value| {
        let mut fund = told["ejecuciones"][at].clone();
        fund["estado"] = json!(state);
        fund["fechaInicio"] = json!("…");
        fund["fechaFin"] = json!("…");
        fund["error"] = error;
        fund
    };
    let expected = json!({
        "ID_Proceso": process,
        "fechaReporte": "2025-10-24",
        "estado": "COMPLETADO_CON_ERRORES",
        "Etapa_Actual": null,
        "usuario": "local",
        "fechaInicio": "…",
        "fechaFin": "…",
        "totalFondos": 3,
        "fondosExitosos": 2,
        "fondosFallidos": 1,
        "fondosOmitidos": 0,
        "ejecuciones": [
            fund(0, "COMPLETADO", Value::Null),
            fund(1, "ERROR", ended["ejecuciones"][1]["error"].clone()),
            fund(2, "COMPLETADO", Value::Null),
        ],
        "siguiente": null,
    });
    assert_eq!(plain(ended), expected);
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn executions_come_in_pages() {
    let place = Place::new();
    let served = serve(&place, |_| {}).await;
    let process = run(&served, "v3", "2025-10-24").await.with(202).json()["ID_Proceso"].clone();
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/procesos/v3/proceso/{process}?limit=2{after}");
        let page = served.get(&path).await.with(200).json();
        let rows = page["ejecuciones"].as_array().unwrap();
        assert!(rows.len() <= 2);
        seen.extend(rows.iter().map(|row| row["ID_Fund"].clone()));
        let Some(next) = page["siguiente"].as_i64() else {
            break;
        };
        after = format!("&after={next}");
    }
    assert_eq!(json!(seen), json!([101, 102, 103]));
    served.end().await;
}

/// A client of v2 takes one id for the whole run, polls it, and reads a state per service of each fund.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_v2_goes_on_unchanged() {
    let place = Place::new();
    let served = serve(&place, |_| {}).await;
    let told = run(&served, "v2", "2025-10-24").await.with(202);
    goes(
        &told,
        "</api/procesos/v3/ejecutar>; rel=\"successor-version\"",
    );
    let mut told = told.json();
    let run = told["ID_Ejecucion"].as_i64().unwrap();
    told["estado"] = json!("EN_PROGRESO");
    let expected = json!({
        "ID_Ejecucion": run, "ID_Proceso": run, "fechaReporte": "2025-10-24", "estado": "EN_PROGRESO", "totalFondos": 3,
    });
    assert_eq!(told, expected);
    let ended = until(&served, run, "COMPLETADO_CON_ERRORES").await;
    let one = ended["ejecuciones"][1]["ID_Ejecucion"].clone();
    let successor = format!("</api/procesos/v3/proceso/{run}>; rel=\"successor-version\"");
    let mut answers = Vec::new();
    for id in [json!(run), one] {
        let told = served
            .get(&format!("/api/procesos/v2/proceso/{id}"))
            .await
            .with(200);
        goes(&told, &successor);
        answers.push(plain(told.json()));
    }
    assert_eq!(answers[0], answers[1], "both kinds of id tell the same");
    let id = |at: usize| ended["ejecuciones"][at]["ID_Ejecucion"].clone();
    let fund = |at: usize, fund: i64, name: &str, ipa: &str, ubs: &str| {
        json!({
            "ID_Ejecucion": id(at), "ID_Fund": fund, "FundShortName": name, "Portfolio_Geneva": format!("G{fund}"),
            "Estado_Process_Extract": "OMITIDO", "Estado_Process_IPA": ipa, "Estado_Process_UBS": ubs,
        })
    };
    let expected = json!({
        "ID_Ejecucion": run, "ID_Proceso": run, "fechaReporte": "2025-10-24", "estado": "COMPLETADO_CON_ERRORES",
        "totalFondos": 3, "fechaInicio": "…", "fechaFin": "…", "fondosExitosos": 2, "fondosFallidos": 1,
        "fondos": [
            fund(0, 101, "MERLC", "COMPLETADO", "COMPLETADO"),
            fund(1, 102, "ALTA", "ERROR", "PENDIENTE"),
            fund(2, 103, "BAJA", "COMPLETADO", "OMITIDO"),
        ],
    });
    assert_eq!(answers[0], expected);
    served.end().await;
}

/// The headers of what goes one day.
#[track_caller]
fn goes(told: &Answer, link: &str) {
    assert_eq!(told.header("deprecation"), Some("@1795478400"));
    assert_eq!(told.header("sunset"), Some("Wed, 30 Jun 2027 00:00:00 GMT"));
    assert_eq!(told.header("link"), Some(link));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_runs_is_not_launched_again() {
    let place = Place::new();
    let served = serve(&place, |_| {}).await;
    let first = run(&served, "v3", "2025-12-31").await.with(202).json();
    let process = first["ID_Proceso"].as_i64().unwrap();
    for version in ["v2", "v3"] {
        let again = run(&served, version, "2025-12-31").await;
        let again = again.refused(409, "CAR0931").json();
        assert_eq!(again["ID_Proceso"], process, "{version}");
    }
    let told = served
        .get(&format!("/api/procesos/v3/proceso/{process}"))
        .await;
    let told = told.with(200).json();
    assert_eq!(
        (&told["estado"], &told["Etapa_Actual"]),
        (&json!("EN_PROGRESO"), &json!("extract"))
    );
    let other = run(&served, "v3", "2025-12-30").await.with(202).json();
    assert_ne!(
        other["ID_Proceso"], process,
        "another date is another matter"
    );
    let go = format!("/api/v1/processes/{process}/signal");
    served.post(&go, &json!({"name": "go"})).await.with(202);
    until(&served, process, "COMPLETADO_CON_ERRORES").await;
    run(&served, "v3", "2025-12-31").await.with(202);
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_date_names_its_field() {
    let place = Place::new();
    let served = serve(&place, |_| {}).await;
    for version in ["v2", "v3"] {
        let path = format!("/api/procesos/{version}/ejecutar");
        for body in [
            json!({"fechaReporte": "2025-02-30"}),
            json!({"fechaReporte": "24/10/2025"}),
            json!({"fechaReporte": 20_251_024}),
            json!({"fechaReporte": null}),
            json!({"fecha": "2025-10-24"}),
            json!({}),
        ] {
            let told = served
                .post(&path, &body)
                .await
                .refused(400, "CAR0907")
                .json();
            assert_eq!(told["campo"], "fechaReporte", "{body}: {told}");
            let detail = told["detail"].as_str().unwrap();
            assert!(detail.contains("fechaReporte"), "{detail}");
        }
        served
            .post(&path, &json!([1]))
            .await
            .refused(400, "CAR0907");
    }
    let extra = json!({"fechaReporte": "2025-10-24", "usuario": "ana"});
    let told = served.post("/api/procesos/v2/ejecutar", &extra).await;
    told.with(202);
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_closed_is_gone_and_what_was_never_there_is_not_found() {
    let place = Place::new();
    let served = serve(&place, |options| options.procesos.v2 = false).await;
    let process = run(&served, "v3", "2025-10-24").await.with(202).json()["ID_Proceso"].clone();
    let closed = run(&served, "v2", "2025-10-25")
        .await
        .refused(410, "CAR0930");
    assert!(
        closed
            .header("link")
            .unwrap()
            .contains("/api/procesos/v3/ejecutar")
    );
    let path = format!("/api/procesos/v2/proceso/{process}");
    served.get(&path).await.refused(410, "CAR0930");
    served
        .get("/api/procesos/v3/proceso/77777")
        .await
        .refused(404, "CAR0803");
    served
        .get("/api/procesos/v3/proceso/x")
        .await
        .refused(404, "CAR0803");
    served.end().await;
    let place = Place::new();
    let served = serve(&place, |options| options.procesos.v3 = false).await;
    run(&served, "v3", "2025-10-24")
        .await
        .refused(410, "CAR0930");
    run(&served, "v2", "2025-10-24").await.with(202);
    served.end().await;
    let place = Place::new();
    let served = serve(&place, |options| options.procesos.pipeline = None).await;
    for version in ["v2", "v3"] {
        run(&served, version, "2025-10-24")
            .await
            .refused(404, "CAR0930");
    }
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_fit_no_pipeline_are_told() {
    let place = Place::new();
    let served = serve(&place, |options| {
        options.procesos.parameter = "dia".to_owned();
    })
    .await;
    run(&served, "v3", "2025-10-24")
        .await
        .refused(422, "CAR0930");
    served.end().await;
    let place = Place::new();
    let served = serve(&place, |options| {
        options.procesos.pipeline = Some("fund".to_owned());
    })
    .await;
    run(&served, "v3", "2025-10-24")
        .await
        .refused(404, "CAR0912");
    served.end().await;
}

fn table(name: &str, columns: &[&str], rows: &[&[&str]]) -> FlatTable {
    let cell = |text: &&str| (!text.is_empty()).then(|| (*text).to_owned());
    FlatTable {
        name: name.to_owned(),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        rows: rows
            .iter()
            .map(|row| row.iter().map(cell).collect())
            .collect(),
    }
}

/// One old run with two funds, as `carril import` maps it.
fn old() -> carril::model::contract::NewImport {
    let source = Source {
        runs: table(
            "logs.Ejecuciones",
            &[
                "ID_Ejecucion",
                "FechaReporte",
                "Estado",
                "FechaInicio",
                "FechaFin",
                "TotalFondos",
                "FondosExitosos",
                "FondosFallidos",
            ],
            &[&[
                "1766174087388",
                "2025-10-23",
                "COMPLETADO_CON_ERRORES",
                "2025-10-23 03:00:00",
                "2025-10-23 03:25:00",
                "2",
                "1",
                "1",
            ]],
        ),
        funds: table(
            "logs.Ejecucion_Fondos",
            &[
                "ID_Ejecucion",
                "ID_Fund",
                "FundShortName",
                "Portfolio_Geneva",
                "Estado_Process_IPA",
                "Estado_Process_PNL",
            ],
            &[
                &["1766174087388", "7", "SIETE", "G7", "COMPLETADO", "OMITIDO"],
                &["1766174087388", "8", "OCHO", "G8", "ERROR", "PENDIENTE"],
            ],
        ),
        people: None,
    };
    let options = Import {
        pipeline: "legacy".to_owned(),
        source: "logs".to_owned(),
        zone: "UTC".to_owned(),
        columns: BTreeMap::new(),
        states: BTreeMap::new(),
        partial: false,
        unfinished: false,
        now: Timestamp(1_790_000_000_000_000),
    };
    let mapped = map(&source, &options).expect("the columns are there");
    assert_eq!(mapped.counts.runs_mapped, 1, "{:?}", mapped.problems);
    mapped.import
}

/// The number that people wrote down before the move still finds its run, on both kinds of stores.
async fn is_found_by_its_old_id(place: &Place) {
    let served = serve(place, |_| {}).await;
    let House::Engine(carril) = &served.house else {
        panic!("it has an engine");
    };
    let done = carril.engine().import(old()).await.expect("it is written");
    let process = done.added[0].1.0;
    let told = served.get("/api/procesos/v2/proceso/1766174087388").await;
    let told = plain(told.with(200).json());
    let id = |at: usize| told["fondos"][at]["ID_Ejecucion"].clone();
    let fund = |at: usize, fund: i64, name: &str, ipa: &str, pnl: &str| {
        json!({
            "ID_Ejecucion": id(at), "ID_Fund": fund, "FundShortName": name, "Portfolio_Geneva": format!("G{fund}"),
            "Estado_Process_IPA": ipa, "Estado_Process_PNL": pnl,
        })
    };
    let expected = json!({
        "ID_Ejecucion": process, "ID_Proceso": process, "fechaReporte": "2025-10-23", "estado": "COMPLETADO_CON_ERRORES",
        "totalFondos": 2, "fechaInicio": "…", "fechaFin": "…", "fondosExitosos": 1, "fondosFallidos": 1,
        "fondos": [fund(0, 7, "SIETE", "COMPLETADO", "OMITIDO"), fund(1, 8, "OCHO", "ERROR", "PENDIENTE")],
    });
    assert_eq!(told, expected);
    served
        .get("/api/procesos/v3/proceso/1766174087388")
        .await
        .refused(404, "CAR0803");
    let rows = carril.history().query(
        "select \"ID_Anterior\", \"Estado\", \"FondosFallidos\" from logs_ejecuciones_v2",
        10,
    );
    let rows = rows.await.expect("they are told").rows;
    assert_eq!(
        json!(rows),
        json!([["1766174087388", "COMPLETADO_CON_ERRORES", 1]])
    );
    let rows = carril.history().query(
        "select \"ID_Fund\", \"FundShortName\", \"Estado_Process_IPA\", \"Estado_Process_CAPM\", \"Estado_Process_PNL\" from logs_ejecucion_fondos order by 1",
        10,
    );
    let rows = rows.await.expect("they are told").rows;
    let expected = json!([
        [7, "SIETE", "COMPLETADO", null, "OMITIDO"],
        [8, "OCHO", "ERROR", null, "PENDIENTE"],
    ]);
    assert_eq!(json!(rows), expected);
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_run_is_found_by_its_old_id() {
    is_found_by_its_old_id(&Place::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_run_is_found_by_its_old_id_on_postgresql() {
    let database = Cluster::get().database();
    is_found_by_its_old_id(&Place::on(&database)).await;
}

/// A server without an engine of its own leaves the launch to the one that there is.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_beside_the_engine_launches_too() {
    let place = Place::new();
    let first = serve(&place, |_| {}).await;
    let mut options = place.options();
    options.procesos.pipeline = Some("fund-report".to_owned());
    let beside = Served::begin(House::Reader(place.reader().await), options).await;
    let told = run(&beside, "v3", "2025-12-31").await.with(202).json();
    assert_eq!(told["totalFondos"], 3);
    let again = run(&beside, "v2", "2025-12-31")
        .await
        .refused(409, "CAR0931");
    assert_eq!(again.json()["ID_Proceso"], told["ID_Proceso"]);
    beside.end().await;
    first.end().await;
}

/// Asked twice with the same key, it is launched once.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_launches_once() {
    let place = Place::new();
    let served = serve(&place, |_| {}).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let request = Request::new("POST", "/api/procesos/v2/ejecutar")
            .json(&json!({"fechaReporte": "2025-12-31"}))
            .header("idempotency-key", "one");
        let told = request.send(served.address).await.with(202).json();
        ids.push(told["ID_Ejecucion"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    served.end().await;
}
