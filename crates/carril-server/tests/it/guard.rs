//! What attackers send: other names, other pages, slow and large requests, too many of them.

use crate::client::Request;
use crate::rig::{Place, Served};
use carril_server::House;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const LAUNCH: &str = "/api/v1/pipelines/sizes/launch";

#[tokio::test(flavor = "multi_thread")]
async fn another_name_is_not_answered() {
    let place = Place::new();
    let mut options = place.options();
    options.hosts = vec!["carril.test".to_owned()];
    let served = Served::begin(House::Engine(place.engine().await), options).await;
    for (host, is_ours) in [
        ("evil.example", false),
        ("localhost.evil.example", false),
        ("carril.test", true),
        ("127.0.0.1:80", true),
    ] {
        for path in ["/healthz", "/api/v1/processes", "/metrics"] {
            let request = Request::new("GET", path).header("host", host);
            let told = request.send(served.address).await;
            if is_ours {
                told.with(200);
            } else {
                told.refused(421, "CAR0904");
            }
        }
    }
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_elsewhere_change_nothing_and_read_nothing() {
    let place = Place::new();
    let mut options = place.options();
    options.origins = vec!["https://console.test".to_owned()];
    let served = Served::begin(House::Engine(place.engine().await), options).await;
    let launch = || Request::new("POST", LAUNCH).json(&json!({}));
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let told = launch().header(name, value).send(served.address).await;
        told.refused(403, "CAR0905");
    }
    let processes = served.get("/api/v1/processes").await.json();
    assert_eq!(processes["processes"], json!([]));
    let read = Request::new("GET", "/api/v1/processes").header("origin", "https://evil.example");
    let read = read.send(served.address).await.with(200);
    assert_eq!(read.header("access-control-allow-origin"), None);
    let ours = Request::new("GET", "/api/v1/processes").header("origin", "https://console.test");
    let ours = ours.send(served.address).await.with(200);
    let allowed = ours.header("access-control-allow-origin");
    assert_eq!(allowed, Some("https://console.test"));
    let asked = Request::new("OPTIONS", LAUNCH).header("origin", "https://console.test");
    asked.send(served.address).await.with(204);
    launch()
        .header("origin", "https://console.test")
        .send(served.address)
        .await
        .with(201);
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_browsers_to_be_careful() {
    let place = Place::new();
    let served = Served::of(&place).await;
    for path in ["/healthz", "/api/v1/processes", "/nothing", "/metrics"] {
        let told = served.get(path).await;
        let wanted = [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
            ("cross-origin-resource-policy", "same-origin"),
        ];
        for (name, value) in wanted {
            assert_eq!(told.header(name), Some(value), "{path} {name}");
        }
    }
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_has_bounds_and_is_json() {
    let place = Place::new();
    let served = Served::of(&place).await;
    let large = Request::new("POST", LAUNCH).header("content-length", "1100000");
    let told = large
        .header("content-type", "application/json")
        .send(served.address);
    told.await.refused(413, "CAR0906");
    // What a page elsewhere can send without asking first is no JSON.
    let mut stream = TcpStream::connect(served.address).await.unwrap();
    let head = format!(
        "POST {LAUNCH} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 415"), "{answer}");
    served.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_faster_than_one_may_be_waits_and_others_do_not() {
    let place = Place::new();
    let mut options = place.options();
    options.requests_per_second = 1;
    let served = Served::begin(House::Engine(place.engine().await), options).await;
    let mut refused = None;
    for _ in 0..20 {
        let told = served.get("/healthz").await;
        if told.status == 429 {
            refused = Some(told);
            break;
        }
    }
    let refused = refused.expect("twenty in a moment are too many");
    let refused = refused.refused(429, "CAR0909");
    assert!(refused.header("retry-after").is_some());
    served.end().await;
}

mod long {
    use super::*;

    /// Half a head, and a connection that says nothing.
    #[tokio::test(flavor = "multi_thread")]
    async fn who_is_slow_is_hung_up_on() {
        let place = Place::new();
        let served = Served::of(&place).await;
        for sent in ["", "GET /healthz HTTP/1.1\r\nhost: local"] {
            let mut stream = TcpStream::connect(served.address).await.unwrap();
            stream.write_all(sent.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let ended = stream.read_to_end(&mut answer);
            let ended = tokio::time::timeout(Duration::from_secs(15), ended).await;
            ended.expect("it is hung up on in time").unwrap();
        }
        served.end().await;
    }
}
