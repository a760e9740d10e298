//! HTTP steps from the command line: what is told before, while and after, whom they believe, and that no secret is seen.
//!
//! The certificate beside this file is good until 2126 for `localhost`; its key guards nothing else.

use crate::place::{Bench, object};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::thread;

const CANARY: &str = "c4n4ry-of-the-command";

/// Answers every request on a port of its own with what it was sent; those to `/no` with a refusal.
fn server(tls: Option<ServerConfig>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let tls = tls.map(Arc::new);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let tls = tls.clone();
            thread::spawn(move || match tls {
                None => answer(stream),
                Some(tls) => {
                    let session = ServerConnection::new(tls).unwrap();
                    answer(StreamOwned::new(session, stream));
                }
            });
        }
    });
    port
}

fn answer(mut stream: impl Read + Write) {
    let mut request = Vec::new();
    let mut chunk = [0; 1024];
    while !request.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&chunk[..count]),
        }
    }
    let status = if request.starts_with(b"GET /no") {
        "403 Forbidden"
    } else {
        "200 OK"
    };
    let length = request.len();
    let head =
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    // Whoever went away does not want it.
    let _ = stream.write_all(&[head.as_bytes(), &request].concat());
    let _ = stream.flush();
}

fn bench(url: &str, settings: &str) -> Bench {
    let pipeline = format!(
        r#"
name = "calls"
[entities]
list = ["yes", "no"]
[[stage]]
name = "work"
  [[stage.step]]
  name = "call"
  http = {{ method = "GET", url = "{url}/{{entity_key}}", headers = {{ Authorization = "Bearer ${{secret:token}}" }} }}
  retry = {{ attempts = 1 }}
"#
    );
    let bench = Bench::new("", &pipeline);
    std::fs::write(bench.path("carril.toml"), settings).unwrap();
    bench
}

fn settings(port: u16) -> String {
    format!(
        "[http]\nallow = [\"localhost:{port}\", \"127.0.0.1:{port}\"]\n[secrets]\ntoken = \"${{env:TOKEN}}\"\n"
    )
}

#[test]
fn a_call_is_told_and_its_secret_is_not() {
    let port = server(None);
    let bench = bench(&format!("http://127.0.0.1:{port}"), "");
    let without = bench.run(&["check", "pipeline"]).with(0);
    let told = format!("{}{}", without.stdout, without.stderr);
    assert!(
        told.contains("CAR0534") && told.contains("there is no secret `token`"),
        "{told}"
    );

    std::fs::write(bench.path("carril.toml"), settings(port)).unwrap();
    let checked = bench.run(&["check", "pipeline"]).with(0);
    assert!(!checked.stderr.contains("CAR0534") && !checked.stdout.contains("CAR0534"));
    let plan = object(&bench.run(&["plan", "pipeline", "--json"]).with(0));
    let step = plan.to_string();
    let call = format!("GET http://127.0.0.1:{port}/{{entity_key}}");
    assert!(step.contains("\"http\"") && step.contains(&call), "{step}");

    let mut run = bench.command(&["run"]);
    // A proxy that nobody is; and the log of everything.
    run.env("TOKEN", CANARY)
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("http_proxy", "http://127.0.0.1:1")
        .env("CARRIL_LOG", "trace");
    let ended = crate::place::Ended::from(run.output().unwrap()).with(5);
    let mut all = format!("{}{}", ended.stdout, ended.stderr);
    assert!(all.contains("the answer is 403 Forbidden"), "{all}");
    assert!(
        all.contains("TRACE") || all.contains("DEBUG"),
        "the log is on: {all}"
    );
    for words in [
        &["show", "1"][..],
        &["show", "2", "--json"],
        &["show", "3", "--json"],
        &["logs", "3"],
        &["why", "3"],
    ] {
        let ended = bench.run(words).with(0);
        all.push_str(&ended.stdout);
        all.push_str(&ended.stderr);
    }
    assert!(
        all.contains("Bearer ${secret:token}"),
        "the refusal is in the log: {all}"
    );
    assert!(!all.contains(CANARY), "{all}");
    for entry in std::fs::read_dir(bench.path("")).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        let is_there = bytes
            .windows(CANARY.len())
            .any(|part| part == CANARY.as_bytes());
        assert!(!is_there, "{}", entry.path().display());
    }
}

#[test]
fn a_server_is_believed_if_the_machine_believes_its_certificate() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/calls");
    let certificate = folder.join("localhost.pem");
    let chain = CertificateDer::pem_file_iter(&certificate)
        .unwrap()
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("localhost.key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let port = server(Some(tls));
    for (host, believed, code, says) in [
        ("localhost", true, 5, "the answer is 403 Forbidden"),
        (
            "localhost",
            false,
            5,
            "invalid peer certificate: UnknownIssuer",
        ),
        ("127.0.0.1", true, 5, "certificate not valid for name"),
    ] {
        let bench = bench(&format!("https://{host}:{port}"), &settings(port));
        let mut run = bench.command(&["run"]);
        run.env("TOKEN", "t").env_remove("SSL_CERT_DIR");
        if believed {
            run.env("SSL_CERT_FILE", &certificate);
        }
        let ended = crate::place::Ended::from(run.output().unwrap()).with(code);
        assert!(
            ended.stderr.contains(says) || ended.stdout.contains(says),
            "{host}: {}{}",
            ended.stdout,
            ended.stderr
        );
    }
}
