//! Programs that cannot be started.

use crate::harness::{Case, Stop, error_of};
use carril_model::contract::ErrorClass;
use std::fs;
use std::os::unix::fs::PermissionsExt;

async fn refusal(case: Case) -> String {
    let error = error_of(case).await;
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0509", ErrorClass::Permanent)
    );
    assert_eq!(error.log, None);
    error.message
}

#[tokio::test]
async fn a_program_that_is_not_there() {
    let message = refusal(Case::new(&["carril-no-such-program"])).await;
    assert!(
        message.contains("/usr/bin/carril-no-such-program is not there"),
        "{message}"
    );
    let message = refusal(Case::new(&["./no-such-program"])).await;
    assert!(
        message.starts_with("`./no-such-program` is not there"),
        "{message}"
    );
    let mut case = Case::new(&["sh"]);
    case.options.path.clear();
    assert!(refusal(case).await.contains("PATH is empty"));
}

#[tokio::test]
async fn a_program_that_cannot_be_executed() {
    let case = Case::new(&["./tool"]);
    let tool = case.folder.path().join("tool");
    fs::write(&tool, "echo no line that names an interpreter\n").unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o644)).unwrap();
    let error = case.run().await.unwrap_err();
    assert!(
        error.message.contains("may not be executed"),
        "{}",
        error.message
    );
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(refusal(case).await.contains("`#!` line"));
    assert!(refusal(Case::new(&["/"])).await.contains("is not a file"));
}

#[tokio::test]
async fn a_command_that_makes_no_sense() {
    assert!(refusal(Case::new(&[])).await.contains("`command` is empty"));
    assert!(refusal(Case::new(&[""])).await.contains("name is empty"));
    let mut case = Case::new(&["true"]);
    case.env.insert("A=B".to_owned(), "1".to_owned());
    assert!(refusal(case).await.contains("`A=B`"));
    let mut case = Case::new(&["true"]);
    case.options.directory = case.folder.path().join("none");
    assert!(refusal(case).await.contains("folder to start in"));
    // The runner's own folder is there, but it would be another's.
    let mut case = Case::new(&["true"]);
    case.kept = Some(case.folder.path().join("gone").display().to_string());
    let gone = format!("`{}`, is not there", case.kept.clone().unwrap());
    assert!(refusal(case).await.contains(&gone));
    // A single argument may have 128 KiB on Linux; more is refused by the system.
    assert!(
        refusal(Case::new(&["true", &"x".repeat(4 << 20)]))
            .await
            .contains("standard input")
    );
}

#[tokio::test]
async fn nothing_is_started_once_it_was_asked_to_stop() {
    let case = Case::new(&["touch", "made"]);
    let stop = Stop::new();
    stop.ask();
    let error = case.run_with(&stop).await.unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0505", ErrorClass::Cancelled)
    );
    assert!(!case.folder.path().join("made").exists());
}
