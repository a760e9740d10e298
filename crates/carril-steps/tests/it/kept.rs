//! What is kept of a program: exit code, log, output, all within bounds.

use crate::harness::{Case, error_of, log_of};
use carril_model::contract::{ErrorClass, LOG_BYTES_MAX, OUTPUT_BYTES_MAX};
use serde_json::{Value, json};
use std::fs;

#[tokio::test]
async fn exit_codes_become_outcomes() {
    let done = Case::new(&["true"]).run().await.unwrap();
    assert_eq!((done.output, done.rows, done.log), (None, Vec::new(), None));
    for (code, class) in [
        (1, ErrorClass::Permanent),
        (75, ErrorClass::Transient),
        (255, ErrorClass::Permanent),
    ] {
        let error = error_of(Case::sh(&format!("echo said; exit {code}"))).await;
        assert_eq!((error.code.as_str(), error.class), ("CAR0507", class));
        assert_eq!(error.native, Some(code.to_string()));
        assert!(
            error.message.contains(&format!("exit code {code}")),
            "{}",
            error.message
        );
        assert_eq!(error.log.as_deref(), Some("said\n"));
    }
}

#[tokio::test]
async fn a_signal_is_named() {
    let error = error_of(Case::sh("echo said; kill -9 $$")).await;
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0507", ErrorClass::Permanent)
    );
    assert_eq!(error.message, "`sh` was killed by signal 9");
    assert_eq!(error.native.as_deref(), Some("signal 9"));
    assert_eq!(error.log.as_deref(), Some("said\n"));
}

#[tokio::test]
async fn the_log_has_both_outputs_in_order() {
    let log = log_of(Case::sh(
        "for i in 1 2 3; do echo out $i; echo err $i >&2; done",
    ))
    .await;
    assert_eq!(log, "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
}

#[tokio::test]
async fn control_characters_and_broken_text_do_not_reach_the_log() {
    let log = log_of(Case::sh(
        "printf 'a\\033[31mred\\033[0m\\a\\000 \\377 b\\r\\n'",
    ))
    .await;
    assert_eq!(log, "ared \u{fffd} b\n");
}

#[tokio::test]
async fn a_printer_of_a_gigabyte_is_neither_blocked_nor_kept() {
    let before = memory_peak_bytes();
    let case = Case::sh("echo first; head -c 1000000000 /dev/zero | tr '\\0' x; echo; echo last");
    let log = log_of(case).await;
    assert!(
        log.len() <= LOG_BYTES_MAX && log.len() > LOG_BYTES_MAX / 2,
        "{} bytes kept",
        log.len()
    );
    assert!(log.starts_with("first\nxxx") && log.ends_with("xxx\nlast\n"));
    let note = log
        .lines()
        .find(|line| line.ends_with(" bytes left out]"))
        .expect("the note is there");
    let left_out: usize = note
        .trim_start_matches('[')
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let shown = log.len() - note.len() - "\n\n".len();
    assert_eq!(left_out + shown, 1_000_000_000 + "first\n\nlast\n".len());
    let grown = memory_peak_bytes() - before;
    assert!(grown < 32 << 20, "memory grew by {grown} bytes");
}

#[tokio::test]
async fn a_gigabyte_of_json_is_refused_without_being_kept() {
    let before = memory_peak_bytes();
    let error = error_of(Case::sh("head -c 1000000000 /dev/zero").json()).await;
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0508", ErrorClass::Permanent)
    );
    assert!(
        error.message.contains("1000000000 bytes"),
        "{}",
        error.message
    );
    let grown = memory_peak_bytes() - before;
    assert!(grown < 32 << 20, "memory grew by {grown} bytes");
}

#[tokio::test]
async fn json_is_the_output_and_all_that_was_printed_the_log() {
    let done = Case::sh("echo loading >&2; printf '  {\"rows\": [1, 2.5, \"\\303\\274\"]}\\n\\n'")
        .json()
        .run()
        .await
        .unwrap();
    assert_eq!(done.output, Some(json!({"rows": [1, 2.5, "ü"]})));
    let log = done.log.unwrap();
    assert!(
        log.contains("loading\n") && log.contains("\"rows\""),
        "{log}"
    );
    assert_eq!(
        Case::sh("echo null").json().run().await.unwrap().output,
        Some(Value::Null)
    );
}

#[tokio::test]
async fn what_is_not_one_json_value_is_refused() {
    let cases = [
        ("true", "is empty"),
        ("echo", "is empty"),
        ("echo rows=1", "expected value"),
        ("echo '{\"a\": 1}{\"a\": 2}'", "trailing characters"),
        ("echo '{\"a\": 1'", "EOF"),
        ("printf '\"\\377\"'", "invalid unicode"),
        ("echo '[1e9999]'", "number out of range"),
        ("head -c 10000 /dev/zero | tr '\\0' '['", "recursion limit"),
    ];
    for (script, expected) in cases {
        let error = error_of(Case::sh(script).json()).await;
        assert_eq!(
            (error.code.as_str(), error.class),
            ("CAR0508", ErrorClass::Permanent),
            "{script}"
        );
        assert!(
            error.message.contains(expected),
            "{script}: {}",
            error.message
        );
    }
    // A program that says itself that it failed is believed first.
    assert_eq!(
        error_of(Case::sh("echo rows=1; exit 3").json()).await.code,
        "CAR0507"
    );
}

#[tokio::test]
async fn the_bound_of_an_output_is_exact() {
    let text = |letters: usize| {
        format!("printf '\"'; head -c {letters} /dev/zero | tr '\\0' x; printf '\"'")
    };
    let done = Case::sh(&text(OUTPUT_BYTES_MAX - 2))
        .json()
        .run()
        .await
        .unwrap();
    assert_eq!(
        done.output,
        Some(Value::String("x".repeat(OUTPUT_BYTES_MAX - 2)))
    );
    let error = error_of(Case::sh(&text(OUTPUT_BYTES_MAX - 1)).json()).await;
    assert!(error.message.contains("65537 bytes"), "{}", error.message);
    // Short as printed, long as stored.
    let numbers = "printf '[1'; for i in $(seq 10000); do printf ',1e15'; done; printf ']'";
    let error = error_of(Case::sh(numbers).json()).await;
    assert_eq!(error.code, "CAR0508");
    assert!(error.message.contains("to store"), "{}", error.message);
}

/// The most memory that this process has ever had.
fn memory_peak_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim()
        .trim_end_matches(" kB")
        .parse::<usize>()
        .unwrap()
        * 1024
}
