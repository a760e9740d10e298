//! What an HTTP call sends, and how it is stopped.

use crate::harness::{Stop, call_of, until, within_limit};
use crate::server::{Answer, Server, answer};
use carril_model::contract::{ErrorClass, StepCall, StepDone, StepError, StepRunner as _};
use carril_model::definition::http::{HttpBody, HttpMethod};
use carril_model::definition::{Action, Http};
use carril_steps::http::{HttpOptions, HttpRunner};
use serde_json::json;
use std::sync::Arc;

/// Options that let this machine be called.
pub(crate) fn options() -> HttpOptions {
    let mut options = HttpOptions::default();
    options.allow.add("127.0.0.1").unwrap();
    options
}

pub(crate) fn get(url: impl Into<String>) -> Http {
    Http::new(HttpMethod::Get, url)
}

pub(crate) fn call(http: Http) -> StepCall {
    let entity = json!({"flag_ubs": true, "size": 3});
    let params = json!({"report_date": "2025-06-30"});
    call_of(
        Action::Http(Box::new(http)),
        Some("IPA 01/ü"),
        &entity,
        &params,
    )
}

pub(crate) async fn run_with(options: HttpOptions, http: Http) -> Result<StepDone, StepError> {
    let call = call(http);
    let stop = Stop::new();
    within_limit(HttpRunner::new(options).run(&call, &stop)).await
}

pub(crate) async fn run(http: Http) -> Result<StepDone, StepError> {
    run_with(options(), http).await
}

#[tokio::test]
async fn a_call_sends_what_the_step_says() {
    let server = Server::start(|_| answer("201 Created", &[], "")).await;
    let mut http = get(server.url("/funds/{entity_key}?on={report_date}&n={entity.size}"));
    http.method = HttpMethod::Post;
    http.headers
        .insert("X-Team".to_owned(), "valuation {entity.size}".to_owned());
    http.body = Some(HttpBody::Json(json!({
        "date": "{param.report_date}", "size": "{entity.size}", "text": "{{size}} {size}"
    })));
    let done = run(http).await.expect("201 is a success");
    assert_eq!(
        done.output,
        Some(json!({"status": 201, "headers": {}, "body": null}))
    );
    let received = server.only();
    assert_eq!(received.method, "POST");
    assert_eq!(
        received.target,
        "/funds/IPA%2001%2F%C3%BC?on=2025-06-30&n=3"
    );
    assert_eq!(
        received.body,
        r#"{"date":"2025-06-30","size":3,"text":"{size} 3"}"#
    );
    let header = |name: &str| received.headers.get(name).map(String::as_str);
    assert_eq!(header("x-team"), Some("valuation 3"));
    assert_eq!(header("content-type"), Some("application/json"));
    assert_eq!(header("idempotency-key"), Some("42.2.extract.load"));
    assert_eq!(header("host"), Some(server.address.to_string().as_str()));
    assert!(header("user-agent").is_some_and(|agent| agent.starts_with("carril/")));
    assert_eq!(header("referer"), None);
    assert_eq!(header("accept-encoding"), None);
}

#[tokio::test]
async fn each_method_is_sent_as_it_is_written() {
    for method in HttpMethod::ALL {
        let server = Server::start(|received| match received.method.as_str() {
            "HEAD" => Answer::Whole(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n".to_vec()),
            _ => answer("200 OK", &[], "some text"),
        })
        .await;
        let mut http = get(server.url("/"));
        http.method = method;
        if method.takes_body() {
            http.body = Some(HttpBody::Text("for {entity_key}".to_owned()));
        }
        let done = run(http)
            .await
            .unwrap_or_else(|error| panic!("{method}: {error:?}"));
        let body = done.output.expect("a call has an output")["body"].clone();
        let expected = match method {
            HttpMethod::Head => json!(null),
            _ => json!("some text"),
        };
        assert_eq!(body, expected, "{method}");
        let received = server.only();
        assert_eq!(received.method, method.name());
        let sent = if method.takes_body() {
            "for IPA 01/ü"
        } else {
            ""
        };
        assert_eq!(received.body, sent, "{method}");
    }
}

#[tokio::test]
async fn attempts_share_a_key_and_a_trace_but_no_span() {
    let server = Server::start(|_| answer("200 OK", &[], "")).await;
    let runner = HttpRunner::new(options());
    for attempt in [1, 2] {
        let call = StepCall {
            attempt,
            ..call(get(server.url("/")))
        };
        runner.run(&call, &Stop::new()).await.expect("200");
    }
    let received = server.received();
    let header = |at: usize, name: &str| received[at].headers[name].clone();
    assert_eq!(header(0, "idempotency-key"), header(1, "idempotency-key"));
    let parents = [header(0, "traceparent"), header(1, "traceparent")];
    let parts: Vec<Vec<&str>> = parents
        .iter()
        .map(|parent| parent.split('-').collect())
        .collect();
    for parts in &parts {
        // W3C Trace Context, version 00.
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(
            (lengths, parts[0], parts[3]),
            (vec![2, 32, 16, 2], "00", "01")
        );
        for part in parts {
            assert!(
                part.bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            );
        }
        assert!(parts[1].bytes().any(|byte| byte != b'0'));
        assert!(parts[2].bytes().any(|byte| byte != b'0'));
    }
    assert_eq!(parts[0][1], parts[1][1]);
    assert_ne!(parts[0][2], parts[1][2]);
}

#[tokio::test]
async fn a_value_that_is_missing_sends_nothing() {
    let server = Server::start(|_| answer("200 OK", &[], "")).await;
    let error = run(get(server.url("/{nobody}")))
        .await
        .expect_err("no value");
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0510", ErrorClass::Permanent)
    );
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn a_secret_is_sent_and_never_seen_again() {
    const CANARY: &str = "c4n4ry-\"quoted\"";
    let mut options = options();
    options.secrets = Arc::new(|name| match name {
        "token" => Ok(CANARY.to_owned()),
        _ => Err(format!("there is no secret `{name}`")),
    });
    // A server that tells everybody what it was told.
    let server = Server::start(|received| {
        let token = &received.headers["authorization"];
        let body = json!({"echo": token, "in": [{"a": format!("x{token}y")}]}).to_string();
        let status = if received.target == "/good" {
            "200 OK"
        } else {
            "403 Forbidden"
        };
        let headers = [
            ("content-type", "application/json"),
            ("x-echo", token.as_str()),
        ];
        answer(status, &headers, &body)
    })
    .await;
    let with_secret = |path: &str| {
        let mut http = get(server.url(path));
        let text = "Bearer ${secret:token}".to_owned();
        http.headers.insert("Authorization".to_owned(), text);
        http.keep_headers = vec!["x-echo".to_owned()];
        http
    };
    let done = run_with(options.clone(), with_secret("/good"))
        .await
        .expect("200");
    let error = run_with(options.clone(), with_secret("/bad"))
        .await
        .expect_err("403");
    assert_eq!(
        server.received()[0].headers["authorization"],
        format!("Bearer {CANARY}")
    );
    let shown = format!(
        "{done:?} {} {error:?}",
        done.output.clone().unwrap_or_default()
    );
    assert!(!shown.contains("c4n4ry"), "{shown}");
    let output = done.output.expect("an output");
    assert_eq!(output["body"]["echo"], "Bearer ${secret:token}");
    assert_eq!(output["headers"]["x-echo"], "Bearer ${secret:token}");
    assert!(error.log.is_some_and(|log| log.contains("${secret:token}")));

    let mut http = get(server.url("/good"));
    http.headers
        .insert("X".to_owned(), "${secret:other}".to_owned());
    let error = run_with(options, http).await.expect_err("no such secret");
    assert_eq!(error.code, "CAR0534");
    assert!(
        error.message.contains("there is no secret `other`"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_wish_to_stop_ends_the_connection() {
    let server = Server::start(|_| Answer::Stalls(Vec::new())).await;
    let call = call(get(server.url("/")));
    let stop = Stop::new();
    let runner = HttpRunner::new(options());
    let asking = async {
        until("the request is there", || !server.received().is_empty()).await;
        stop.ask();
    };
    let (outcome, ()) =
        within_limit(async { tokio::join!(runner.run(&call, &stop), asking) }).await;
    let error = outcome.expect_err("it was stopped");
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0505", ErrorClass::Cancelled)
    );
    until("the connection has ended", || {
        server.connections_ended() == 1
    })
    .await;
}

#[tokio::test]
async fn a_wish_to_stop_also_ends_an_answer_half_way() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_vec();
    let server = Server::start(move |_| Answer::Stalls(half.clone())).await;
    let call = call(get(server.url("/")));
    let stop = Stop::new();
    let runner = HttpRunner::new(options());
    let asking = async {
        until("the request is there", || !server.received().is_empty()).await;
        stop.ask();
    };
    let (outcome, ()) =
        within_limit(async { tokio::join!(runner.run(&call, &stop), asking) }).await;
    assert_eq!(
        outcome.expect_err("it was stopped").class,
        ErrorClass::Cancelled
    );
    until("the connection has ended", || {
        server.connections_ended() == 1
    })
    .await;
}

#[tokio::test]
async fn who_is_asked_to_stop_before_sends_nothing() {
    let server = Server::start(|_| answer("200 OK", &[], "")).await;
    let call = call(get(server.url("/")));
    let stop = Stop::new();
    stop.ask();
    let outcome = HttpRunner::new(options()).run(&call, &stop).await;
    assert_eq!(
        outcome.expect_err("it was stopped").class,
        ErrorClass::Cancelled
    );
    assert!(server.received().is_empty());
}
