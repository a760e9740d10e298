//! Swim-lanes and the trace for Perfetto, of a run whose lanes wait for each other.

use crate::rig::{Place, Served};
use serde_json::{Value, json};

fn names(rows: &Value, key: &str) -> Vec<String> {
    let rows = rows.as_array().expect("a list");
    let text = |row: &Value| row[key].as_str().unwrap_or("null").to_owned();
    rows.iter().map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn swimlanes_tell_attempts_waits_and_who_held_what_was_waited_for() {
    let place = Place::new();
    // One slot that each lane holds long enough for the others to wait.
    let file = place.path().join("sizes/pipeline.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let text = text.replace("slots = 2", "slots = 1").replace(
        r#"command = ["echo", "hello {entity_key}"]"#,
        "command = [\"sh\", \"-c\", \"sleep 0.05\"]\n  resource = \"scales\"",
    );
    std::fs::write(&file, text).unwrap();
    let served = Served::of(&place).await;
    let id = served.launch("run").await;
    served.settled(id, "succeeded").await;
    let path = format!("/api/v1/processes/{id}/swimlanes");
    let told = served.get(&path).await.with(200).json();
    assert_eq!(told["holders"], true);
    let lanes = told["lanes"].as_array().unwrap();
    let mut ids = Vec::new();
    let (mut slots, mut held) = (0, 0);
    for lane in lanes {
        ids.push(lane["execution"].as_i64().unwrap());
        for step in lane["steps"].as_array().unwrap() {
            assert_eq!(step["state"], "succeeded", "{step}");
            assert_eq!(step["resources"], json!(["scales"]), "{step}");
        }
        for wait in lane["waits"].as_array().unwrap() {
            if wait["cause"] == "slot" {
                slots += 1;
                assert_eq!(wait["about"], "scales", "{wait}");
                held += i32::from(!wait["holder"].is_null());
                assert_ne!(wait["holder"], lane["execution"], "{wait}");
            }
        }
    }
    assert!(slots >= 2 && held >= 1, "{told}");
    let first = served
        .get(&format!("{path}?limit=1"))
        .await
        .with(200)
        .json();
    assert_eq!(first["next"], ids[0]);
    let rest = served
        .get(&format!("{path}?limit=10&after={}", ids[0]))
        .await
        .json();
    assert_eq!(
        (rest["lanes"].as_array().unwrap().len(), &rest["next"]),
        (ids.len() - 1, &Value::Null)
    );
    let one = served.get(&format!("{path}?entity=bela")).await.json();
    assert_eq!(names(&one["lanes"], "entity"), ["bela"]);
    let trace = served
        .get(&format!("/api/v1/processes/{id}/trace"))
        .await
        .with(200);
    let name = format!("attachment; filename=\"carril-{id}.json\"");
    assert_eq!(trace.header("content-disposition"), Some(name.as_str()));
    let events = trace.json()["traceEvents"].as_array().unwrap().clone();
    let steps = events.iter().filter(|event| event["cat"] == "step").count();
    let drawn: usize = lanes
        .iter()
        .map(|lane| lane["steps"].as_array().unwrap().len())
        .sum();
    assert_eq!(
        steps, drawn,
        "the export has every attempt of the lanes, and no other"
    );
    served
        .get("/api/v1/processes/77/trace")
        .await
        .refused(404, "CAR0803");
    served
        .get(&format!("{path}?state=broken"))
        .await
        .refused(400, "CAR0907");
    served.end().await;
}
