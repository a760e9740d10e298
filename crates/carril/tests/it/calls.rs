//! HTTP steps in a running engine, against a server of this test: again when they were told to come back, in their time,
//! only where the settings allow it, and without a secret in the store.

use crate::harness::{House, end, executions, run, states};
use carril::model::contract::{AttemptRow, ErrorClass};
use carril::model::state::StepState;
use carril::{
    Carril, HttpCall, HttpSettings, Launch, Outcome, Pipeline, PipelineDefinition, Retry, Stage,
    Step,
};
use serde_json::json;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const CANARY: &str = "c4n4ry-of-the-store";

/// A server with an answer to the request with this number, from 0; no answer stalls. Every request is kept as it came.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(answer: impl Fn(usize, &str) -> Option<String> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let server = Self {
            address: listener.local_addr().expect("it is bound"),
            requests: Arc::default(),
        };
        let requests = Arc::clone(&server.requests);
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (requests, answer) = (Arc::clone(&requests), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &requests, answer.as_ref()));
            }
        });
        server
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn requests(&self) -> Vec<String> {
        self.requests
            .lock()
            .expect("no test panics with it")
            .clone()
    }

    /// A header of the request with this number.
    fn header(&self, number: usize, name: &str) -> String {
        let requests = self.requests();
        let line = requests[number].lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        });
        line.expect(name)
    }

    fn allowed(&self) -> HttpSettings {
        HttpSettings::default()
            .allow(&self.address.to_string())
            .expect("it is an address")
    }
}

fn serve(
    mut stream: TcpStream,
    requests: &Mutex<Vec<String>>,
    answer: &dyn Fn(usize, &str) -> Option<String>,
) {
    let mut bytes = Vec::new();
    let mut chunk = [0; 1024];
    while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
        }
    }
    let request = String::from_utf8_lossy(&bytes).into_owned();
    let number = {
        let mut requests = requests.lock().expect("no test panics with it");
        requests.push(request.clone());
        requests.len() - 1
    };
    match answer(number, &request) {
        Some(answer) => drop(stream.write_all(answer.as_bytes())),
        // Until the other side ends it.
        None => drop(stream.read(&mut chunk)),
    }
}

fn answer(status: &str, headers: &str, body: &str) -> Option<String> {
    let length = body.len();
    Some(format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    ))
}

async fn attempts(carril: &Carril, outcome: &Outcome, step: &str) -> Vec<AttemptRow> {
    let execution = executions(carril, outcome.process.id).await[0].id;
    let rows = carril.history().attempts(execution, None).await;
    let mut rows = rows.expect("the history is read");
    rows.retain(|row| row.step == step);
    rows
}

async fn open(house: &House, pipeline: &PipelineDefinition, settings: HttpSettings) -> Carril {
    let lookup = |name: &str| (name == "TOKEN").then(|| CANARY.to_owned());
    let options = house
        .options()
        .pipeline(pipeline)
        .lookup(Arc::new(lookup))
        .http(settings);
    carril::open(options).await.expect("the store opens")
}

fn one_step(step: Step) -> PipelineDefinition {
    Pipeline::new("calls")
        .entities_list(["A"])
        .stage(Stage::new("work").step(step))
        .build()
        .expect("the pipeline is right")
}

#[tokio::test]
async fn a_server_is_called_again_no_sooner_than_it_asked() {
    let server = Server::start(|number, _| match number {
        0 => answer("503 Service Unavailable", "retry-after: 1\r\n", "busy"),
        1 => answer(
            "201 Created",
            "content-type: application/json\r\n",
            r#"{"id": 7}"#,
        ),
        _ => answer("200 OK", "", ""),
    });
    let house = House::new();
    let text = format!(
        r#"
name = "notify"
[entities]
list = ["A 1"]
[[stage]]
name = "tell"
  [[stage.step]]
  name = "make"
  http = {{ method = "POST", url = "{}", json = {{ fund = "{{entity_key}}" }} }}
  retry = {{ attempts = 3, backoff = "1ms..2ms" }}
  [[stage.step]]
  name = "look"
  when = "steps.make.status == 201"
  http = {{ method = "GET", url = "{}" }}
"#,
        server.url("/funds/{entity_key}"),
        server.url("/made/{steps.make.body.id}"),
    );
    let pipeline = house.pipeline(&[("pipeline.toml", &text)]);
    let carril = open(&house, &pipeline, server.allowed()).await;
    let outcome = run(&carril, &pipeline, Launch::new()).await;
    assert_eq!(states(&carril, outcome.process.id).await, "A 1 succeeded");

    let rows = attempts(&carril, &outcome, "make").await;
    let states: Vec<StepState> = rows.iter().map(|row| row.state).collect();
    assert_eq!(states, [StepState::Failed, StepState::Succeeded]);
    let failure = rows[0].error.clone().expect("why it failed");
    assert_eq!(
        (failure.code.as_str(), failure.class),
        ("CAR0531", ErrorClass::Transient)
    );
    let ended = rows[0].ended.expect("it ended");
    let due = rows[0].retry_at.expect("it is tried again");
    assert_eq!(due.micros_since(ended), 1_000_000);
    assert!(rows[1].began >= due, "{rows:?}");
    assert_eq!(
        rows[1].output,
        Some(json!({"status": 201, "headers": {}, "body": {"id": 7}}))
    );

    assert_eq!(
        server.header(0, "idempotency-key"),
        server.header(1, "idempotency-key")
    );
    assert_ne!(
        server.header(0, "traceparent"),
        server.header(1, "traceparent")
    );
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(
        requests[0].starts_with("POST /funds/A%201 HTTP/1.1\r\n"),
        "{}",
        requests[0]
    );
    assert!(
        requests[2].starts_with("GET /made/7 HTTP/1.1\r\n"),
        "{}",
        requests[2]
    );
    assert_ne!(
        server.header(1, "idempotency-key"),
        server.header(2, "idempotency-key")
    );
    end(&carril).await;
}

#[tokio::test]
async fn the_time_of_a_step_is_that_of_its_whole_call() {
    let server = Server::start(|_, _| None);
    let call = HttpCall::get(server.url("/"));
    let step = Step::http("slow", call)
        .timeout(Duration::from_millis(200))
        .retry(Retry::never());
    let pipeline = one_step(step);
    let house = House::new();
    let carril = open(&house, &pipeline, server.allowed()).await;
    let outcome = run(&carril, &pipeline, Launch::new()).await;
    let rows = attempts(&carril, &outcome, "slow").await;
    let failure = rows[0].error.clone().expect("why it failed");
    assert_eq!(
        (failure.code.as_str(), failure.class),
        ("CAR0503", ErrorClass::Timeout)
    );
    end(&carril).await;
}

#[tokio::test]
async fn a_place_that_nobody_allowed_is_not_called() {
    let server = Server::start(|_, _| answer("200 OK", "", ""));
    let pipeline = one_step(Step::http("call", HttpCall::get(server.url("/"))));
    let house = House::new();
    let carril = open(&house, &pipeline, HttpSettings::default()).await;
    let outcome = run(&carril, &pipeline, Launch::new()).await;
    let rows = attempts(&carril, &outcome, "call").await;
    assert_eq!(rows.len(), 1, "no attempt changes that: {rows:?}");
    let failure = rows[0].error.clone().expect("why it failed");
    assert_eq!(failure.code, "CAR0533");
    assert!(server.requests().is_empty());
    end(&carril).await;
}

#[tokio::test]
async fn the_store_never_sees_a_secret() {
    let server = Server::start(|number, request| {
        let status = if number == 0 {
            "500 Internal Server Error"
        } else {
            "200 OK"
        };
        answer(status, "content-type: text/plain\r\n", request)
    });
    let call = HttpCall::post(server.url("/"))
        .header("Authorization", "Bearer ${secret:token}")
        .text("for {entity_key}");
    let step = Step::http("send", call)
        .retry(Retry::transient(2).backoff(Duration::from_millis(1), Duration::from_millis(1)));
    let pipeline = one_step(step);
    let house = House::new();
    let settings = server
        .allowed()
        .secret("token", "${env:TOKEN}")
        .expect("it is a reference");
    let carril = open(&house, &pipeline, settings).await;
    let outcome = run(&carril, &pipeline, Launch::new()).await;
    let rows = attempts(&carril, &outcome, "send").await;
    assert_eq!(rows.len(), 2, "{rows:?}");
    end(&carril).await;
    for number in [0, 1] {
        let sent = server.header(number, "authorization");
        assert_eq!(sent, format!("Bearer {CANARY}"));
    }
    let mut looked_at = 0;
    let mut echoed = false;
    for entry in std::fs::read_dir(house.path())
        .expect("the folder is there")
        .flatten()
    {
        let Ok(bytes) = std::fs::read(entry.path()) else {
            continue;
        };
        let has = |text: &str| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        assert!(!has(CANARY), "{}", entry.path().display());
        echoed |= has("Bearer ${secret:token}");
        looked_at += bytes.len();
    }
    assert!(
        looked_at > 10_000 && echoed,
        "the echo is there, without its secret"
    );
}

#[test]
fn a_call_built_in_rust_is_checked_by_the_same_rules() {
    let call = HttpCall::get("https://{entity_key}.example.org/")
        .json(json!({"day": "{nobody}"}))
        .status("ok")
        .redirects(11)
        .header("Host", "x");
    let wrong = Pipeline::new("calls")
        .entities_list(["A"])
        .stage(Stage::new("work").step(Step::http("call", call).env("A", "b")))
        .build()
        .expect_err("it is wrong");
    let told = format!("{wrong:?}");
    for part in [
        "no value can say where a call goes",
        "a GET request has no body",
        "`ok` is no status",
        "11 redirects are too many",
        "`Host` is not for steps",
        "has no use for `env`",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[test]
fn an_outline_says_what_is_called() {
    let pipeline = one_step(Step::http(
        "call",
        HttpCall::put("https://example.org/{entity_key}"),
    ));
    let outline = carril::outline(pipeline.plan());
    let text = format!("{outline:?}");
    assert!(
        text.contains("\"http\"") && text.contains("\"PUT https://example.org/{entity_key}\""),
        "{text}"
    );
}
