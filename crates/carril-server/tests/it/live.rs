//! Live events: as they happen, after a break, of one process, beside another engine; and streams that end.

use crate::client::{Event, Request};
use crate::rig::{Place, Served};
use carril::model::contract::Role;
use carril_server::House;
use serde_json::json;
use std::time::Duration;

fn is_settled(id: i64) -> impl Fn(&Event) -> bool {
    move |event| {
        event.name == "process" && event.data["process"] == id && event.data["state"] == "succeeded"
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_as_they_happen_and_go_on_after_a_break() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let mut stream = Request::new("GET", "/api/v1/events")
        .stream(served.address)
        .await;
    let hello = stream.next().await.unwrap();
    assert_eq!(hello.name, "hello");
    let begin = hello.data["position"].as_str().unwrap().to_owned();
    let id = served.launch("run").await;
    let seen = stream.until_one(is_settled(id)).await;
    let settled: Vec<_> = seen
        .iter()
        .filter(|event| event.name == "settled")
        .collect();
    assert_eq!(settled.len(), 3, "{seen:?}");
    let steps = seen.iter().filter(|event| event.name == "step");
    assert!(steps.count() >= 6, "{seen:?}");
    drop(stream);
    // From the beginning, and from the middle: what comes is what came after it.
    let ids: Vec<String> = seen.iter().filter_map(|event| event.id.clone()).collect();
    for (after, wanted) in [(begin.as_str(), &ids[..]), (&ids[2], &ids[3..])] {
        let request = Request::new("GET", "/api/v1/events").header("last-event-id", after);
        let mut again = request.stream(served.address).await;
        let hello = again.next().await.unwrap();
        assert_eq!(hello.data["resumed"], true);
        let seen = again.until_one(is_settled(id)).await;
        let told: Vec<String> = seen.iter().filter_map(|event| event.id.clone()).collect();
        assert_eq!(told, wanted);
    }
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_to_another_server_is_told_to_read_again() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let request = Request::new("GET", "/api/v1/events").header("last-event-id", "1f-12");
    let mut stream = request.stream(served.address).await;
    assert_eq!(stream.next().await.unwrap().data["resumed"], false);
    let resync = stream.next().await.unwrap();
    assert_eq!(resync.name, "resync");
    assert_eq!(resync.data["reason"], "restarted");
    let wrong = Request::new("GET", "/api/v1/events").header("last-event-id", "yesterday");
    wrong.send(served.address).await.refused(400, "CAR0907");
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_one_process_tells_of_no_other() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let first = served.launch_one("wait", "ada").await;
    served
        .process(first, |told| told["process"]["waiting"] == 1)
        .await;
    let path = format!("/api/v1/events?process={first}");
    let mut stream = Request::new("GET", &path).stream(served.address).await;
    let other = served.launch_one("run", "bela").await;
    served.settled(other, "succeeded").await;
    let signal = format!("/api/v1/processes/{first}/signal");
    served.post(&signal, &json!({"name": "go"})).await.with(202);
    let seen = stream.until_one(is_settled(first)).await;
    let others = seen.iter().filter(|event| event.data["process"] == other);
    assert_eq!(others.count(), 0, "{seen:?}");
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_programs_engine_does_is_told_too() {
    let place = Place::new();
    let engine = place.engine().await;
    let served = Served::begin(House::Reader(place.reader().await), place.options()).await;
    let mut stream = Request::new("GET", "/api/v1/events")
        .stream(served.address)
        .await;
    assert_eq!(stream.next().await.unwrap().name, "hello");
    let id = served.launch("run").await;
    stream.until_one(is_settled(id)).await;
    served.end().await;
    engine.shutdown(Duration::from_secs(10)).await.unwrap();
}

/// Whoever read the process just before it ended, and opened the stream just after, hears of the end.
#[tokio::test(flavor = "multi_thread")]
async fn an_end_just_before_the_first_stream_is_told() {
    let place = Place::new();
    let engine = place.engine().await;
    let served = Served::begin(House::Reader(place.reader().await), place.options()).await;
    let id = served.launch("run").await;
    served.settled(id, "succeeded").await;
    let mut stream = Request::new("GET", "/api/v1/events")
        .stream(served.address)
        .await;
    stream.until_one(is_settled(id)).await;
    served.end().await;
    engine.shutdown(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_want_a_token_and_end_with_their_server() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let token = served.token("viewer", Role::Viewer).await;
    let bare = Request::new("GET", "/api/v1/events")
        .send(served.address)
        .await;
    bare.refused(401, "CAR0901");
    let request = Request::new("GET", "/api/v1/events").token(&token);
    let mut stream = request.stream(served.address).await;
    assert_eq!(stream.next().await.unwrap().name, "hello");
    served.end().await;
    assert!(stream.next().await.is_none());
}
