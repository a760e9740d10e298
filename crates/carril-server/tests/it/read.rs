//! What is read: every view of a process that ran, with the names that `--json` has; pages, tags, slips.

use crate::client::Request;
use crate::rig::{Place, Served};
use serde_json::{Value, json};

fn names(rows: &Value, key: &str) -> Vec<String> {
    let rows = rows.as_array().expect("a list");
    let text = |row: &Value| row[key].as_str().unwrap_or("null").to_owned();
    rows.iter().map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_launched_and_read_in_every_way() {
    let place = Place::new();
    let served = Served::of(&place).await;
    served.get("/healthz").await.with(200);
    let ready = served.get("/readyz").await.with(200).json();
    assert_eq!(ready, json!({"ready": true, "engine": true}));
    let id = served.launch("fail").await;
    let told = served.settled(id, "completed_with_errors").await;
    let process = &told["process"];
    assert_eq!(process["launched_by"], "local");
    assert_eq!(process["entities"]["succeeded"], 2);
    assert_eq!(process["entities"]["failed"], 1);
    let views = [
        ("executions", "executions"),
        ("timeline", "rows"),
        ("overlaps", "rows"),
        ("bottlenecks", "rows"),
        ("waits", "rows"),
        ("locks", "rows"),
    ];
    for (view, rows) in views {
        let path = format!("/api/v1/processes/{id}/{view}");
        let told = served.get(&path).await.with(200).json();
        assert!(told[rows].is_array(), "{view}: {told}");
        assert_eq!(told["process"], id, "{view}");
    }
    let path = format!("/api/v1/processes/{id}/executions?state=failed");
    let failed = served.get(&path).await.with(200).json();
    assert_eq!(names(&failed["executions"], "entity"), ["bela"]);
    let execution = failed["executions"][0]["id"].as_i64().unwrap();
    let path = format!("/api/v1/executions/{execution}");
    let one = served.get(&path).await.with(200).json();
    assert_eq!(one["execution"]["failed_step"], "collect/fail");
    let attempts = served.get(&format!("{path}/attempts")).await.with(200);
    let steps = names(&attempts.json()["attempts"], "step");
    assert_eq!(steps, ["hold", "rows", "hello", "fail"]);
    let logs = served.get(&format!("{path}/logs")).await.with(200).json();
    assert_eq!(logs["logs"][0]["text"], "hello bela\n");
    let why = served.get(&format!("/api/v1/why/{execution}")).await;
    let sentence = why.with(200).json()["sentence"].to_string();
    assert!(sentence.contains("fail"), "{sentence}");
    let path = "/api/v1/entities/bela/executions";
    let of_entity = served.get(path).await.with(200).json();
    assert_eq!(of_entity["executions"][0]["id"], execution);
    let nodes = served.get("/api/v1/nodes").await.with(200).json();
    assert_eq!(names(&nodes["nodes"], "command"), ["a test"]);
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_outputs_and_resources_are_told() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let id = served.launch("wait").await;
    served.waiting(id).await;
    let listed = served.get("/api/v1/resources").await.with(200).json();
    assert_eq!(names(&listed["resources"], "resource"), ["scales"]);
    let body = json!({"name": "go", "data": {"amount": 7}});
    let path = format!("/api/v1/processes/{id}/signal");
    served.post(&path, &body).await.with(202);
    served.settled(id, "succeeded").await;
    let path = format!("/api/v1/processes/{id}/executions?entity=cleo");
    let found = served.get(&path).await.with(200).json();
    let execution = found["executions"][0]["id"].as_i64().unwrap();
    let path = format!("/api/v1/executions/{execution}");
    let outputs = served.get(&format!("{path}/outputs")).await.with(200);
    let hold = outputs.json()["outputs"][0].clone();
    assert_eq!(hold["step"], "collect/hold");
    assert_eq!(hold["output"]["amount"], 7);
    let signals = served.get(&format!("{path}/signals")).await.with(200);
    assert_eq!(signals.json()["signals"][0]["taken_by"], "collect/hold");
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_on_where_the_last_one_ended() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let mut launched = Vec::new();
    for _ in 0..3 {
        let id = served.launch("run").await;
        served.settled(id, "succeeded").await;
        launched.insert(0, id);
    }
    let (mut path, mut seen) = ("/api/v1/processes?limit=2".to_owned(), Vec::new());
    loop {
        let page = served.get(&path).await.with(200).json();
        let rows = page["processes"].as_array().unwrap().clone();
        seen.extend(rows.iter().map(|row| row["id"].as_i64().unwrap()));
        let Some(next) = page["next"].as_i64() else {
            break;
        };
        path = format!("/api/v1/processes?limit=2&before={next}");
    }
    assert_eq!(seen, launched);
    let path = format!("/api/v1/processes/{}/executions?limit=1", launched[0]);
    let page = served.get(&path).await.with(200).json();
    let next = page["next"].as_i64().expect("there are more");
    let rest = served.get(&format!("{path}&after={next}")).await.json();
    assert_eq!(names(&rest["executions"], "entity"), ["bela"]);
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_changed_is_not_sent_again() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let id = served.launch("run").await;
    served.settled(id, "succeeded").await;
    let path = format!("/api/v1/processes/{id}");
    let first = served.get(&path).await.with(200);
    let tag = first.header("etag").expect("an answer has a tag");
    let again = Request::new("GET", &path).header("if-none-match", tag);
    let again = again.send(served.address).await.with(304);
    assert_eq!((again.body.as_str(), again.header("etag")), ("", Some(tag)));
    let other = Request::new("GET", &path).header("if-none-match", "\"another\"");
    other.send(served.address).await.with(200);
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slips_are_told_with_the_codes_of_the_command_line() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let cases = [
        ("/api/v1/processes/77", 404, "CAR0803"),
        ("/api/v1/processes/x", 404, "CAR0803"),
        ("/api/v1/executions/77", 404, "CAR0803"),
        ("/api/v1/why/nobody", 404, "CAR0416"),
        ("/api/v1/resources/nothing", 404, "CAR0438"),
        ("/api/v1/pipelines/nothing", 404, "CAR0912"),
        ("/api/v1/processes?stat=failed", 400, "CAR0907"),
        ("/api/v1/processes?state=broken", 400, "CAR0907"),
        ("/api/v1/processes?limit=501", 400, "CAR0907"),
        ("/api/v1/processes?before=x", 400, "CAR0907"),
        ("/api/v1/nothing", 404, "CAR0908"),
        ("/", 404, "CAR0908"),
        ("/api/v1/processes/1/cancel", 404, "CAR0908"),
    ];
    for (path, status, code) in cases {
        served.get(path).await.refused(status, code);
    }
    let posts = [
        (json!({"params": {"mod": "x"}}), 422, "CAR0401"),
        (json!({"parameters": {}}), 400, "CAR0907"),
        (json!({"params": {"mode": []}}), 400, "CAR0907"),
        (json!({"only": ["nobody"]}), 422, "CAR0403"),
        (json!({"lanes": 0}), 400, "CAR0907"),
    ];
    for (body, status, code) in posts {
        let told = served.post("/api/v1/pipelines/sizes/launch", &body).await;
        println!("{body} {}", told.body);
        told.refused(status, code);
    }
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_matrix_has_a_letter_for_each_execution_and_stage() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let id = served.launch("fail").await;
    served.settled(id, "completed_with_errors").await;
    let path = format!("/api/v1/processes/{id}/matrix");
    let told = served.get(&path).await.with(200).json();
    assert_eq!(
        told["stages"],
        json!([{"name": "collect", "per": "entity", "first": "collect/hold"}])
    );
    assert_eq!(told["entities"], json!(["ada", "bela", "cleo"]));
    assert_eq!(told["cells"], json!(["s", "f", "s"]));
    assert_eq!(told["states"], json!(["succeeded", "failed", "succeeded"]));
    assert_eq!(told["causes"], json!([null, null, null]));
    assert!(
        told["errors"][1].as_str().unwrap().starts_with("CAR"),
        "{told}"
    );
    assert!(told["micros"][0].as_i64().unwrap() > 0, "{told}");
    assert_eq!(told["next"], json!(null));
    let first = served
        .get(&format!("{path}?limit=2"))
        .await
        .with(200)
        .json();
    assert_eq!(first["next"], told["ids"][1]);
    let rest = format!("{path}?limit=2&after={}", first["next"]);
    let rest = served.get(&rest).await.with(200).json();
    assert_eq!(rest["entities"], json!(["cleo"]));
    assert_eq!(rest["cells"], json!(["s"]));
    assert_eq!(rest["next"], json!(null));
    served.get(&format!("{path}?limit=10001")).await.with(400);
    served
        .get("/api/v1/processes/99/matrix")
        .await
        .refused(404, "CAR0803");
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lanes_that_wait_are_told_with_their_cause() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let nothing = served.get("/api/v1/overview").await.with(200).json();
    assert_eq!(nothing["running"], 0);
    assert_eq!(nothing["causes"], json!({}));
    let id = served.launch("wait").await;
    served.waiting(id).await;
    let path = format!("/api/v1/processes/{id}/matrix");
    let told = served.get(&path).await.with(200).json();
    assert_eq!(told["cells"], json!(["w", "w", "w"]));
    assert_eq!(told["causes"], json!(["signal", "signal", "signal"]));
    let overview = served.get("/api/v1/overview").await.with(200).json();
    assert_eq!(overview["running"], 1);
    assert_eq!(overview["causes"], json!({"signal": 3}));
    assert_eq!(overview["late"], json!([]));
    served.end().await;
}
