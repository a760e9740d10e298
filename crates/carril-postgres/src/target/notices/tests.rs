//! What a notice becomes, and who hears it; how much is kept is the log's own.

use super::{Ear, Ears, line, push};
use carril_model::contract::StepDone;
use std::sync::Arc;

#[test]
fn a_notice_says_its_code_and_all_that_it_has_to_say() {
    let told = line(
        "WARNING",
        "01000",
        "look",
        [("detail", Some("here")), ("hint", None)],
    );
    assert_eq!(told, "WARNING 01000: look\n  detail: here\n");
    let long = line(
        "NOTICE",
        "00000",
        &"ä".repeat(1 << 20),
        [("detail", None), ("hint", None)],
    );
    assert!(long.len() < 10_000, "{}", long.len());
}

#[test]
fn nothing_is_kept_for_nobody() {
    let (ears, ear) = (Ears::default(), Arc::new(Ear::default()));
    ears.enter(7, &ear);
    let listening = ears.listen(7);
    let told_now = |text: &str| {
        if let Some(heard) = ear.lock().as_ref() {
            push(heard, text);
        }
    };
    told_now("NOTICE 00000: for the first\n");
    let told = listening.told(Ok(StepDone::default()));
    let log = told.expect("it went well").log;
    assert_eq!(log.as_deref(), Some("NOTICE 00000: for the first\n"));
    assert!(ear.lock().is_none(), "nobody listens any more");
    let again = ears.listen(7).told(Ok(StepDone::default()));
    assert_eq!(
        again.expect("it went well").log,
        None,
        "the next begins anew"
    );
    // The connection is the next attempt's before what the first heard is read.
    let first = ears.listen(7);
    told_now("NOTICE 00000: one\n");
    let second = ears.listen(7);
    told_now("NOTICE 00000: two\n");
    let read = |of: super::Listening| of.told(Ok(StepDone::default())).expect("it went well").log;
    assert_eq!(read(first).as_deref(), Some("NOTICE 00000: one\n"));
    told_now("NOTICE 00000: three\n");
    assert_eq!(
        read(second).as_deref(),
        Some("NOTICE 00000: two\nNOTICE 00000: three\n")
    );
    drop(ear);
    let gone = ears.listen(7).told(Ok(StepDone::default()));
    assert_eq!(gone.expect("it went well").log, None);
}
