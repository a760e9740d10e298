//! What is done: launched once with a key, previewed and then done, on both kinds of stores.

use crate::client::Request;
use crate::rig::{Place, Served};
use carril_testkit::postgres::Cluster;
use serde_json::json;

const LAUNCH: &str = "/api/v1/pipelines/sizes/launch";

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_with_a_key_is_made_once() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let body = json!({"params": {"mode": "wait"}, "only": ["ada"]});
    let request = Request::new("POST", LAUNCH).header("idempotency-key", "monday");
    let request = request.json(&body);
    let first = request.clone().send(served.address).await.with(201);
    let id = first.json()["process"]["id"].as_i64().unwrap();
    let place = format!("/api/v1/processes/{id}");
    assert_eq!(first.header("location"), Some(place.as_str()));
    let second = request.send(served.address).await.with(200).json();
    assert_eq!(second["outcome"], "repeated");
    assert_eq!(second["process"]["id"], id);
    let third = served
        .post(LAUNCH, &json!({"params": {"mode": "wait"}}))
        .await;
    assert_eq!(third.with(200).json()["outcome"], "skipped");
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_says_what_would_be_touched_and_touches_nothing() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let told = served
        .post(&format!("{LAUNCH}?preview=true"), &json!({}))
        .await;
    let preview = told.with(200).json()["preview"].clone();
    assert_eq!(preview["executions"], 3);
    assert_eq!(preview["entities"], json!(["ada", "bela", "cleo"]));
    let none = served.get("/api/v1/processes").await.json();
    assert_eq!(none["processes"], json!([]));
    let id = served.launch("wait").await;
    served.waiting(id).await;
    for (verb, count) in [("cancel", 3), ("pause", 3), ("signal", 3)] {
        let path = format!("/api/v1/processes/{id}/{verb}?preview");
        let body = if verb == "signal" {
            json!({"name": "go"})
        } else {
            json!({})
        };
        let told = served.post(&path, &body).await.with(200).json();
        assert_eq!(told["preview"]["executions"], count, "{verb}: {told}");
    }
    let path = format!("/api/v1/processes/{id}/retry?preview=true");
    served.post(&path, &json!({})).await.refused(409, "CAR0423");
    let still = served.waiting(id).await;
    assert_eq!(still["process"]["state"], "running");
    assert_eq!(still["process"]["cancelling"], false);
    served.end().await;
}

async fn a_process_is_controlled(served: &Served) {
    let id = served.launch("wait").await;
    served.waiting(id).await;
    let process = |verb: &str| format!("/api/v1/processes/{id}/{verb}");
    let nothing = json!({});
    served.post(&process("pause"), &nothing).await.with(202);
    served.settled(id, "paused").await;
    served.post(&process("resume"), &nothing).await.with(202);
    served.settled(id, "running").await;
    let some = json!({"entities": ["ada"], "reason": "not today"});
    let cancelled = served.post(&process("cancel"), &some).await.with(202);
    assert_eq!(cancelled.json()["processes"], json!([id]));
    served
        .process(id, |told| told["process"]["entities"]["cancelled"] == 1)
        .await;
    let go = json!({"name": "go", "entities": ["bela", "cleo"]});
    served.post(&process("signal"), &go).await.with(202);
    served.settled(id, "completed_with_errors").await;
    served
        .post(&process("cancel"), &nothing)
        .await
        .refused(409, "CAR0422");
    let failed = json!({"failed": true});
    let preview = served.post(&process("retry?preview=true"), &failed).await;
    let preview = preview.with(200).json();
    assert_eq!(preview["preview"]["entities"], json!(["ada"]));
    served
        .post(&process("retry"), &json!({"failed": true}))
        .await
        .with(202);
    served
        .process(id, |told| told["process"]["waiting"] == 1)
        .await;
    served
        .post(&process("signal"), &json!({"name": "go"}))
        .await
        .with(202);
    served.settled(id, "succeeded").await;
    let purged = served.post(&process("purge"), &nothing).await.with(202);
    assert_eq!(purged.json()["processes"], json!([id]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_paused_resumed_cancelled_retried_and_purged() {
    let place = Place::new();
    let served = Served::of(&place).await;
    a_process_is_controlled(&served).await;
    let audit = served.get("/api/v1/audit?limit=500").await.with(200).json();
    let deeds = audit["deeds"].as_array().unwrap();
    let oldest = deeds.last().unwrap();
    assert_eq!(oldest["what"], format!("POST {LAUNCH}"));
    assert_eq!(oldest["who"], "local");
    assert_eq!(oldest["status"], 201);
    let refused = deeds.iter().find(|deed| deed["code"] == "CAR0422").unwrap();
    assert_eq!(refused["status"], 409);
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_on_a_store_on_postgresql() {
    let database = Cluster::get().database();
    let place = Place::on(&database);
    let served = Served::of(&place).await;
    a_process_is_controlled(&served).await;
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_is_held_open_and_let_go() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let id = served.launch("wait").await;
    served.waiting(id).await;
    let path = "/api/v1/resources/scales/breaker";
    let body = json!({"to": "open", "reason": "maintenance"});
    served.post(path, &body).await.with(202);
    let told = served.get("/api/v1/resources/scales").await.json();
    assert_eq!(told["breaker"]["state"], "open");
    assert_eq!(told["breaker"]["forced"], true);
    served.post(path, &json!({"to": "auto"})).await.with(202);
    let told = served.get("/api/v1/resources/scales").await.json();
    assert_eq!(told["breaker"]["state"], "closed");
    let path = "/api/v1/resources/nothing/breaker";
    served.post(path, &body).await.refused(404, "CAR0436");
    served.end().await;
}
