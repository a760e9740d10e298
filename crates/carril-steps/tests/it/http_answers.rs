//! What answers mean: statuses, outputs, sizes, lost connections, redirects.

use crate::http::{get, options, run, run_with};
use crate::server::{Answer, Server, answer};
use carril_model::contract::{ErrorClass, OUTPUT_BYTES_MAX, StepError};
use carril_model::definition::http::{HttpBody, HttpMethod, HttpResponse, StatusRange};
use serde_json::{Value, json};
use std::time::Duration;

async fn output_of(response: HttpResponse, kind: &str, body: &str) -> Result<Value, StepError> {
    let (kind, body) = (kind.to_owned(), body.to_owned());
    let server = Server::start(move |_| answer("200 OK", &[("content-type", &kind)], &body)).await;
    let mut http = get(server.url("/"));
    http.response = response;
    run(http)
        .await
        .map(|done| done.output.expect("a call has an output")["body"].clone())
}

#[tokio::test]
async fn the_answer_is_the_output() {
    let server = Server::start(|_| {
        let headers = [
            ("content-type", "application/json"),
            ("ETag", "\"7\""),
            ("x-a", "1"),
            ("x-a", "2"),
        ];
        answer("200 OK", &headers, r#"{"id": 7}"#)
    })
    .await;
    let mut http = get(server.url("/"));
    http.keep_headers = vec!["etag".to_owned(), "x-a".to_owned(), "x-none".to_owned()];
    let done = run(http).await.expect("200");
    let headers = json!({"etag": "\"7\"", "x-a": "1, 2"});
    assert_eq!(
        done.output,
        Some(json!({"status": 200, "headers": headers, "body": {"id": 7}}))
    );
    assert_eq!(done.log, None);
}

#[tokio::test]
async fn a_body_is_taken_as_the_step_says() {
    use HttpResponse::{Auto, Json, None, Text};
    let (json_kind, text_kind) = ("application/json", "text/plain");
    let cases = [
        (Auto, json_kind, "[1]", json!([1])),
        (Auto, text_kind, "[1]", json!("[1]")),
        (Json, text_kind, "[1]", json!([1])),
        (Text, json_kind, "[1]", json!("[1]")),
        (None, json_kind, "[1", json!(null)),
        (Json, json_kind, "", json!(null)),
    ];
    for (response, kind, body, expected) in cases {
        let found = output_of(response, kind, body).await;
        assert_eq!(found.as_ref(), Ok(&expected), "{response:?} {kind} {body}");
    }
    for response in [Auto, Json] {
        let error = output_of(response, json_kind, "[1")
            .await
            .expect_err("no JSON");
        assert_eq!(
            (error.code.as_str(), error.class),
            ("CAR0508", ErrorClass::Permanent)
        );
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_not_read_to_its_end() {
    let large = "x".repeat(OUTPUT_BYTES_MAX + 1);
    let error = output_of(HttpResponse::Text, "text/plain", &large).await;
    let error = error.expect_err("too large");
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0508", ErrorClass::Permanent)
    );
    // Fits as it comes, not as it is stored.
    let quotes = "\"".repeat(OUTPUT_BYTES_MAX - 1);
    let error = output_of(HttpResponse::Text, "text/plain", &quotes).await;
    assert!(error.expect_err("too large").message.contains("to store"));
    let kept = output_of(HttpResponse::None, "text/plain", &large).await;
    assert_eq!(kept, Ok(Value::Null));

    // Neither its length nor its end is told.
    let mut endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..100 {
        endless.extend_from_slice(b"400\r\n");
        endless.extend_from_slice(&[b'x'; 0x400]);
        endless.extend_from_slice(b"\r\n");
    }
    let server = Server::start(move |_| Answer::Stalls(endless.clone())).await;
    let error = run(get(server.url("/"))).await.expect_err("too large");
    assert_eq!(error.code, "CAR0508");
}

#[tokio::test]
async fn a_status_is_judged_by_the_step() {
    let status = |from, to| StatusRange { from, to };
    let cases = [
        ("200 OK", vec![StatusRange::SUCCESS], None),
        ("299 Odd", vec![StatusRange::SUCCESS], None),
        (
            "404 Not Found",
            vec![status(200, 200), status(404, 404)],
            None,
        ),
        (
            "200 OK",
            vec![status(404, 404)],
            Some(ErrorClass::Permanent),
        ),
        (
            "404 Not Found",
            vec![StatusRange::SUCCESS],
            Some(ErrorClass::Permanent),
        ),
        (
            "302 Found",
            vec![StatusRange::SUCCESS],
            Some(ErrorClass::Permanent),
        ),
        (
            "429 Too Many Requests",
            vec![StatusRange::SUCCESS],
            Some(ErrorClass::Transient),
        ),
        (
            "503 Service Unavailable",
            vec![StatusRange::SUCCESS],
            Some(ErrorClass::Transient),
        ),
        ("503 Service Unavailable", vec![status(500, 599)], None),
    ];
    for (line, expected, class) in cases {
        let server = Server::start(move |_| answer(line, &[], "what it says\u{1b}[2J")).await;
        let mut http = get(server.url("/"));
        http.status = expected;
        let outcome = run(http).await;
        assert_eq!(
            outcome.as_ref().err().map(|error| error.class),
            class,
            "{line}"
        );
        if let Err(error) = outcome {
            assert_eq!(error.code, "CAR0531");
            assert_eq!(error.native.as_deref(), line.split(' ').next());
            assert_eq!(error.log.as_deref(), Some("what it says"));
        }
    }
}

#[tokio::test]
async fn a_server_says_when_to_come_back() {
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    for (asked, seconds) in [("30", 30), ("Sun, 06 Nov 1994 08:51:37 GMT", 120)] {
        let headers = [date, ("retry-after", asked)];
        let server = Server::start(move |_| answer("503 Service Unavailable", &headers, "")).await;
        let error = run(get(server.url("/"))).await.expect_err("503");
        assert_eq!(error.retry_after, Some(Duration::from_secs(seconds)));
    }
}

#[tokio::test]
async fn a_refusal_is_kept_in_part() {
    let server = Server::start(|_| answer("400 Bad Request", &[], &"x".repeat(100_000))).await;
    let error = run(get(server.url("/"))).await.expect_err("400");
    let log = error.log.expect("what the server says");
    assert!(
        log.len() < 5_000 && log.contains("left out"),
        "{}",
        log.len()
    );
}

#[tokio::test]
async fn a_refusal_without_end_is_a_refusal() {
    let half = b"HTTP/1.1 404 Not Found\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    let server = Server::start(move |_| Answer::Stalls(half.clone())).await;
    let error = run(get(server.url("/"))).await.expect_err("404");
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0531", ErrorClass::Permanent)
    );
    assert_eq!(error.log.as_deref(), Some("half"));
}

#[tokio::test]
async fn a_connection_that_fails_may_succeed_later() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    let ends = Server::start(|_| Answer::Ends(Vec::new())).await;
    let garbled = Server::start(|_| Answer::Ends(b"no HTTP at all\r\n\r\n".to_vec())).await;
    let short = Server::start(move |_| Answer::Ends(half.clone())).await;
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    for url in [ends.url("/"), garbled.url("/"), short.url("/"), nobody] {
        let http = get(url);
        let error = run(http).await.expect_err("no answer");
        assert_eq!(
            (error.code.as_str(), error.class),
            ("CAR0532", ErrorClass::Transient)
        );
        assert!(!error.message.contains("http://"), "{}", error.message);
    }
}

/// Redirects `/a` to `/b`, that to `/c`, and answers everything else.
async fn chain() -> Server {
    Server::start(|received| match received.target.as_str() {
        "/a" => answer("307 Temporary Redirect", &[("location", "/b")], ""),
        "/b" => answer("302 Found", &[("location", "c?x=1")], ""),
        _ => answer("200 OK", &[], "there"),
    })
    .await
}

#[tokio::test]
async fn redirects_are_followed_as_far_as_the_step_says() {
    for (redirects, requests, succeeds) in
        [(0, 1, false), (1, 2, false), (2, 3, true), (10, 3, true)]
    {
        let server = chain().await;
        let mut http = get(server.url("/a"));
        http.method = HttpMethod::Post;
        http.body = Some(HttpBody::Text("sent".to_owned()));
        http.redirects = redirects;
        let outcome = run(http).await;
        assert_eq!(outcome.is_ok(), succeeds, "{redirects}: {outcome:?}");
        let received = server.received();
        assert_eq!(received.len(), requests, "{redirects}");
        if succeeds {
            let sent: Vec<(&str, &str, &str)> = received
                .iter()
                .map(|received| {
                    (
                        received.method.as_str(),
                        received.target.as_str(),
                        received.body.as_str(),
                    )
                })
                .collect();
            assert_eq!(
                sent,
                [
                    ("POST", "/a", "sent"),
                    ("POST", "/b", "sent"),
                    ("GET", "/c?x=1", "")
                ]
            );
        } else {
            let error = outcome.expect_err("a redirect too many");
            assert_eq!(
                (error.code.as_str(), error.class),
                ("CAR0531", ErrorClass::Permanent)
            );
        }
    }
}

#[tokio::test]
async fn a_redirect_that_is_expected_is_an_answer() {
    let server = chain().await;
    let mut http = get(server.url("/a"));
    http.status = vec![StatusRange { from: 307, to: 307 }];
    http.redirects = 5;
    http.keep_headers = vec!["location".to_owned()];
    let output = run(http).await.expect("307").output.expect("an output");
    assert_eq!(
        (&output["status"], &output["headers"]["location"]),
        (&json!(307), &json!("/b"))
    );
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_redirect_leads_nowhere_that_may_not_be_called() {
    let inner = Server::start(|_| answer("200 OK", &[], "metadata")).await;
    let port = inner.address.port();
    let targets = [
        format!("http://127.0.0.2:{port}/"),
        format!("http://[::ffff:127.0.0.2]:{port}/"),
        format!("http://0x7f000002:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        format!("http://localhost:{port}/"),
    ];
    for target in targets {
        let location = target.clone();
        let server =
            Server::start(move |_| answer("302 Found", &[("location", &location)], "")).await;
        let mut options = options();
        // Only the first server's own port, so that the name of this machine is forbidden as well.
        options.allow = carril_steps::http::AllowList::default();
        options.allow.add(&server.address.to_string()).unwrap();
        let mut http = get(server.url("/"));
        http.redirects = 3;
        let error = run_with(options, http).await.expect_err("forbidden");
        assert_eq!(
            (error.code.as_str(), error.class),
            ("CAR0533", ErrorClass::Permanent),
            "{target}: {error:?}"
        );
    }
    assert!(inner.received().is_empty());
}
