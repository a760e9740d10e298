//! Where calls may go: no address that is not public, in whatever form, by whatever name, unless the settings say so.

use crate::http::{get, options, run_with};
use crate::server::{Server, answer};
use carril_model::contract::{ErrorClass, Pending};
use carril_steps::http::{AllowList, HttpOptions, Names};
use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

/// Answers each question with the next of its answers.
struct Rebinding(Mutex<VecDeque<Vec<IpAddr>>>);

impl Rebinding {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        Arc::new(Self(Mutex::new(answers.iter().map(parse).collect())))
    }

    fn left(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl Names for Rebinding {
    fn resolve(&self, _host: String) -> Pending<'static, io::Result<Vec<IpAddr>>> {
        let next = self.0.lock().unwrap().pop_front();
        Box::pin(async { next.ok_or_else(|| io::Error::other("asked once too often")) })
    }
}

#[tokio::test]
async fn no_form_of_a_forbidden_address_is_called() {
    let server = Server::start(|_| answer("200 OK", &[], "")).await;
    let port = server.address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "0.0.0.0",
        "0",
        "localhost",
        "LOCALHOST",
        "169.254.169.254",
        "10.0.0.1",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
    ] {
        let http = get(format!("http://{host}:{port}/"));
        let error = run_with(HttpOptions::default(), http)
            .await
            .expect_err(host);
        assert_eq!(
            (error.code.as_str(), error.class),
            ("CAR0533", ErrorClass::Permanent),
            "{host}: {error:?}"
        );
        assert!(
            error.message.contains("is no public address"),
            "{host}: {}",
            error.message
        );
    }
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn what_the_settings_name_may_be_called() {
    let server = Server::start(|_| answer("200 OK", &[], "")).await;
    let port = server.address.port();
    let by_port = format!("127.0.0.1:{port}");
    let by_name = format!("service.internal:{port}");
    let cases = [
        (by_port.as_str(), "127.0.0.1", true),
        (by_port.as_str(), "2130706433", true),
        ("127.0.0.1:1", "127.0.0.1", false),
        ("127.0.0.0/8", "127.0.0.1", true),
        ("10.0.0.0/8", "127.0.0.1", false),
        (by_name.as_str(), "service.internal", true),
        ("service.internal", "service.internal", true),
        ("other.internal", "service.internal", false),
    ];
    for (entry, host, succeeds) in cases {
        let mut options = HttpOptions {
            names: Rebinding::new(&[&["127.0.0.1"]]),
            ..HttpOptions::default()
        };
        options.allow.add(entry).unwrap();
        let outcome = run_with(options, get(format!("http://{host}:{port}/"))).await;
        assert_eq!(outcome.is_ok(), succeeds, "{entry} {host}: {outcome:?}");
    }
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_called() {
    let server = Server::start(|_| answer("200 OK", &[], "")).await;
    let port = server.address.port();
    // The name is asked for once: what it would say the second time does not matter.
    let names = Rebinding::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let asked = HttpOptions {
        names: names.clone(),
        ..options()
    };
    let url = format!("http://rebinding.example:{port}/");
    run_with(asked, get(url.clone()))
        .await
        .expect("the address is allowed");
    assert_eq!((names.left(), server.received().len()), (1, 1));

    // One address that is forbidden among those that are not.
    for answers in [&["8.8.8.8", "10.0.0.1"], &["10.0.0.1", "127.0.0.1"]] {
        let names = Rebinding::new(&[answers]);
        let asked = HttpOptions { names, ..options() };
        let error = run_with(asked, get(url.clone()))
            .await
            .expect_err("one is forbidden");
        assert_eq!(error.code, "CAR0533");
        let text = "`rebinding.example` leads to 10.0.0.1";
        assert!(error.message.contains(text), "{}", error.message);
    }
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_name_without_address_may_have_one_later() {
    let options = HttpOptions {
        names: Rebinding::new(&[]),
        ..HttpOptions::default()
    };
    let error = run_with(options, get("http://nowhere.example/"))
        .await
        .expect_err("no address");
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0532", ErrorClass::Transient)
    );
    assert!(
        error.message.contains("asked once too often"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn an_allowed_host_is_no_pass_for_another() {
    let mut allow = AllowList::default();
    allow.add("one.internal").unwrap();
    let options = HttpOptions {
        allow,
        names: Rebinding::new(&[&["127.0.0.1"]]),
        ..HttpOptions::default()
    };
    let error = run_with(options, get("http://two.internal/"))
        .await
        .expect_err("forbidden");
    assert_eq!(error.code, "CAR0533");
}
