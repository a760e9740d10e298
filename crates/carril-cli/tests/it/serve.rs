//! `carril serve` and `carril token` as somebody runs them: begins, answers, is told to end, and leaves nothing behind.

use crate::place::{Bench, Started, bench, object, send, until};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

const LAUNCH: &str = "/api/v1/pipelines/sizes/launch";

/// A folder whose settings say where the warehouse is, as a server has no command line for each launch.
fn served() -> Bench {
    let bench = bench();
    let settings = "[targets]\nwarehouse = \"sqlite:warehouse.db\"\n";
    std::fs::write(bench.path("carril.toml"), settings).unwrap();
    bench
}

/// A server that listens, and where.
pub(crate) fn serve(bench: &Bench, more: &[&str]) -> (Started, String) {
    let mut words = vec!["serve", "--listen", "127.0.0.1:0", "--json"];
    words.extend(more);
    let file = bench.path("served.json");
    let mut command = bench.command(&words);
    command.env("NOTIFY_SOCKET", bench.path("notify"));
    let running = Started::telling_into(&mut command, &file);
    let mut url = None;
    until("the server to say where it listens", || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let line: Option<Value> = text.lines().next().and_then(|line| {
            let whole = text.contains('\n').then_some(line)?;
            serde_json::from_str(whole).ok()
        });
        url = line.and_then(|line| line["url"].as_str().map(str::to_owned));
        url.is_some()
    });
    let url = url.unwrap();
    (running, url.strip_prefix("http://").unwrap().to_owned())
}

/// Status and body of a request.
fn ask(address: &str, method: &str, path: &str, token: Option<&str>, body: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let token = token.map_or_else(String::new, |token| {
        format!("authorization: Bearer {token}\r\n")
    });
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n{token}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

#[test]
fn a_server_runs_what_is_launched_and_ends_when_it_is_told() {
    let bench = served();
    let manager = UnixDatagram::bind(bench.path("notify")).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let (running, address) = serve(&bench, &[]);
    let mut told = [0; 64];
    let length = manager.recv(&mut told).unwrap();
    assert_eq!(&told[..length], b"READY=1");
    assert_eq!(ask(&address, "GET", "/healthz", None, "").0, 200);
    let (status, launched) = ask(&address, "POST", LAUNCH, None, "{}");
    assert_eq!(status, 201, "{launched}");
    until("the process to end", || {
        let (_, told) = ask(&address, "GET", "/api/v1/processes/1", None, "");
        told["process"]["state"] == "succeeded"
    });
    // What the command line tells beside it is the same record.
    let shown = object(&bench.run(&["show", "1", "--json"]).with(0));
    let (_, asked) = ask(&address, "GET", "/api/v1/processes/1", None, "");
    assert_eq!(shown["process"], asked["process"]);
    assert_eq!(shown["report"], asked["report"]);
    send("TERM", running.id());
    let ended = running.end().with(0);
    assert!(ended.stderr.contains("letting running steps finish"));
    let length = manager.recv(&mut told).unwrap();
    assert_eq!(&told[..length], b"STOPPING=1");
    assert!(TcpStream::connect(&address).is_err(), "nobody listens");
    bench.run(&["nodes"]).with(0).saying("no engine is at work");
}

#[test]
fn a_server_that_is_ended_hands_back_and_leaves_no_orphan() {
    let bench = served();
    let (running, address) = serve(&bench, &["--grace", "250ms"]);
    let body = r#"{"params": {"hold": "ada"}}"#;
    assert_eq!(ask(&address, "POST", LAUNCH, None, body).0, 201);
    bench.until_file("waiting");
    send("INT", running.id());
    running.end().with(0);
    let listed = object(&bench.run(&["ps", "--json"]).with(0));
    assert_eq!(listed["processes"][0]["state"], "running");
    // The next server goes on with it.
    std::fs::write(bench.path("go"), "").unwrap();
    let (running, address) = serve(&bench, &[]);
    until("the process to end", || {
        let (_, told) = ask(&address, "GET", "/api/v1/processes/1", None, "");
        told["process"]["state"] == "succeeded"
    });
    send("TERM", running.id());
    running.end().with(0);
}

#[test]
fn two_servers_of_a_file_are_one_with_an_engine_and_one_without() {
    let bench = served();
    let (running, _) = serve(&bench, &[]);
    let refused = bench.run(&["serve", "--listen", "127.0.0.1:0"]).with(6);
    refused.saying("CAR0701").saying("--no-engine");
    let (second, address) = serve(&bench, &["--no-engine"]);
    let (status, launched) = ask(&address, "POST", LAUNCH, None, "{}");
    assert_eq!(status, 201, "{launched}");
    send("TERM", second.id());
    second.end().with(0);
    send("TERM", running.id());
    running.end().with(0);
}

#[test]
fn tokens_are_made_listed_and_revoked_and_lock_the_server() {
    let bench = served();
    let elsewhere = ["serve", "--listen", "0.0.0.0:0"];
    bench.run(&elsewhere).with(6).saying("CAR0910");
    let made = bench
        .run(&["token", "create", "ana", "--role", "operator"])
        .with(0);
    let secret = made.stdout.trim().to_owned();
    assert!(secret.starts_with("carril_"), "{secret}");
    bench
        .run(&["token", "create", "ana"])
        .with(6)
        .saying("CAR0914");
    bench
        .run(&["token", "create", "ben", "--role", "king"])
        .with(2);
    let listed = bench.run(&["token", "list"]).with(0);
    assert!(!listed.stdout.contains(&secret[7..]), "{}", listed.stdout);
    listed.telling("ana").telling("operator").telling("good");
    let (running, address) = serve(&bench, &[]);
    assert_eq!(ask(&address, "GET", "/api/v1/whoami", None, "").0, 401);
    let (status, who) = ask(&address, "GET", "/api/v1/whoami", Some(&secret), "");
    assert_eq!((status, &who["name"]), (200, &Value::from("ana")));
    let (status, problem) = ask(&address, "GET", "/api/v1/audit", Some(&secret), "");
    assert_eq!((status, &problem["code"]), (403, &Value::from("CAR0903")));
    bench.run(&["token", "revoke", "ana"]).with(0);
    assert_eq!(
        ask(&address, "GET", "/api/v1/whoami", Some(&secret), "").0,
        401
    );
    bench
        .run(&["token", "revoke", "ana"])
        .with(4)
        .saying("CAR0915");
    send("TERM", running.id());
    running.end().with(0);
}
