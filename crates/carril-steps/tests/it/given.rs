//! What a program is given: arguments, variables, the document, open files.

use crate::harness::{Case, PATH, error_of, log_of};
use carril_model::contract::ErrorClass;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;

/// Arguments that a shell, a terminal or a careless program would take for something else.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "two words",
    "line\nbreak",
    "tab\there",
    "'single' \"double\" `back`",
    "$(touch made) `touch made` $HOME ${IFS}",
    "; touch made; # && || | > made",
    "-rf",
    "--help",
    "-",
    "--",
    "*",
    "~",
    "back\\slash\\",
    "%s%n",
    "schön € 日本",
];

/// The text whose braces are braces.
fn braces(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

#[tokio::test]
async fn hostile_arguments_arrive_as_data() {
    let mut case = Case::sh("printf '<%s>\\n' \"$@\"");
    case.argv.push("sh".to_owned());
    case.argv
        .extend(HOSTILE.iter().map(|argument| braces(argument)));
    let expected: String = HOSTILE
        .iter()
        .map(|argument| format!("<{argument}>\n"))
        .collect();
    let done = case.run().await.unwrap();
    assert_eq!(done.log.as_deref(), Some(expected.as_str()));
    assert_eq!(
        fs::read_dir(case.folder.path()).unwrap().count(),
        0,
        "nothing was executed"
    );
}

#[tokio::test]
async fn hostile_values_stay_in_their_argument() {
    for value in HOSTILE {
        let mut case = Case::sh("printf '<%s>' \"$#\" \"$1\" \"$KEY\" \"$CARRIL_ENTITY_KEY\"");
        case.argv
            .extend(["sh".to_owned(), "--key={entity_key}".to_owned()]);
        case.env.insert("KEY".to_owned(), "{entity_key}".to_owned());
        case.entity_key = Some((*value).to_owned());
        let done = case.run().await.unwrap();
        assert_eq!(
            done.log,
            Some(format!("<1><--key={value}><{value}><{value}>"))
        );
    }
}

#[tokio::test]
async fn values_of_all_kinds_fill_the_arguments() {
    let mut case = Case::new(&["printf", "%s\\n"]);
    case.argv.extend(
        [
            "{execution_id}",
            "{process_id}",
            "{run}",
            "{param.report_date}",
            "{entity.size}",
            "{{x}}",
        ]
        .map(str::to_owned),
    );
    assert_eq!(log_of(case).await, "42\n7\n2\n2025-06-30\n3\n{x}\n");
}

#[tokio::test]
async fn a_missing_value_fails_before_anything_runs() {
    for argument in ["{param.none}", "{\"a\": 1}"] {
        let case = Case::new(&["touch", "made", argument]);
        let error = case.run().await.unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.class),
            ("CAR0510", ErrorClass::Permanent)
        );
        assert!(!case.folder.path().join("made").exists());
    }
}

#[tokio::test]
async fn only_the_listed_variables_are_there() {
    let mut case = Case::new(&["env"]);
    case.env.insert("MODE".to_owned(), "full".to_owned());
    // What Carril says about itself cannot be overridden by a step.
    case.env.insert("CARRIL_RUN".to_owned(), "99".to_owned());
    let log = log_of(case).await;
    let expected = BTreeSet::from([
        format!("PATH={PATH}"),
        "CARRIL_EXECUTION_ID=42".to_owned(),
        "CARRIL_PROCESS_ID=7".to_owned(),
        "CARRIL_RUN=2".to_owned(),
        "CARRIL_ATTEMPT=3".to_owned(),
        "CARRIL_IDEMPOTENCY_KEY=42.2.extract.load".to_owned(),
        "CARRIL_ENTITY_KEY=IPA 01".to_owned(),
        "MODE=full".to_owned(),
    ]);
    assert_eq!(
        log.lines().map(str::to_owned).collect::<BTreeSet<_>>(),
        expected
    );
}

#[tokio::test]
async fn a_step_of_the_whole_process_has_no_entity() {
    let mut case = Case::sh("env | grep -c CARRIL_ENTITY_KEY; cat");
    case.entity_key = None;
    case.entity = json!({});
    let log = log_of(case).await;
    let (count, document) = log.split_once('\n').unwrap();
    assert_eq!(count, "0");
    assert_eq!(
        serde_json::from_str::<Value>(document).unwrap()["entity_key"],
        Value::Null
    );
}

#[tokio::test]
async fn a_path_of_the_step_counts_for_the_search_too() {
    let mut case = Case::new(&["own-tool"]);
    let tool = case.folder.path().join("tools/own-tool");
    fs::create_dir(tool.parent().unwrap()).unwrap();
    fs::write(&tool, "#!/bin/sh\necho \"$0 in $PATH\"\n").unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    case.env.insert("PATH".to_owned(), "tools".to_owned());
    let file = tool.display().to_string();
    assert_eq!(log_of(case).await, format!("{file} in tools\n"));
}

#[tokio::test]
async fn the_document_on_standard_input_tells_whose_work_it_is() {
    let done = Case::sh("cat").json().run().await.unwrap();
    let expected = json!({
        "process": 7,
        "execution": 42,
        "run": 2,
        "attempt": 3,
        "step": "extract/load",
        "entity_key": "IPA 01",
        "entity": {"flag_ubs": true, "size": 3},
        "params": {"report_date": "2025-06-30"},
        "idempotency_key": "42.2.extract.load",
    });
    assert_eq!(done.output, Some(expected));
}

/// A document far larger than a pipe holds, so that writing it has to wait for the program.
fn with_long_input(mut case: Case, bytes: usize) -> Case {
    case.params = json!({"list": "x".repeat(bytes)});
    case
}

#[tokio::test]
async fn input_that_nobody_reads_hangs_nobody() {
    // Not read, closed at once, read in part, and unread by a program that prints a lot.
    assert_eq!(
        log_of(with_long_input(Case::sh("echo done"), 10_000_000)).await,
        "done\n"
    );
    assert_eq!(
        log_of(with_long_input(Case::sh("exec <&-; echo done"), 10_000_000)).await,
        "done\n"
    );
    assert_eq!(
        log_of(with_long_input(Case::sh("head -c 10"), 10_000_000)).await,
        "{\"process\""
    );
    let printer = with_long_input(
        Case::sh("head -c 5000000 /dev/zero | tr '\\0' x"),
        10_000_000,
    );
    assert!(log_of(printer).await.contains(" bytes left out]\n"));
}

#[tokio::test]
async fn closed_input_is_not_tried_again_and_again() {
    let before = thread_cpu_ticks();
    let case = with_long_input(Case::sh("exec <&-; sleep 0.5"), 1_000_000);
    case.run().await.unwrap();
    // Half a second is fifty ticks; preparing the input takes a few.
    let used = thread_cpu_ticks() - before;
    assert!(used < 20, "{used} ticks of processor time");
}

/// Processor time of this thread, in hundredths of a second.
fn thread_cpu_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let times = fields.split(' ').skip(11).take(2);
    times.map(|field| field.parse::<u64>().unwrap()).sum()
}

#[tokio::test]
async fn long_input_arrives_whole_while_output_is_read() {
    let printed = log_of(with_long_input(
        Case::sh("tee /dev/stderr | wc -c"),
        10_000_000,
    ))
    .await;
    let bytes: usize = printed.lines().last().unwrap().trim().parse().unwrap();
    assert!(bytes > 10_000_000, "{bytes} bytes arrived");
}

#[tokio::test]
async fn no_open_file_of_ours_is_passed_on() {
    let case = Case::sh("ls -l /proc/self/fd");
    let ours = case.folder.path().join("ours");
    let _open = File::create(&ours).unwrap();
    let log = log_of(case).await;
    assert!(log.contains("pipe:["), "the listing was made: {log}");
    assert!(!log.contains(ours.to_str().unwrap()), "{log}");
    // Nothing but pipes and what `ls` opened itself; no event queue, no socket of the runtime.
    assert!(
        !log.contains("anon_inode") && !log.contains("socket:"),
        "{log}"
    );
}

#[tokio::test]
async fn a_program_sees_the_name_that_the_step_wrote() {
    assert_eq!(log_of(Case::sh("echo \"$0\"")).await, "sh\n");
}

#[tokio::test]
async fn it_starts_in_the_given_folder() {
    let case = Case::new(&["pwd"]);
    let folder = case.folder.path().canonicalize().unwrap();
    assert_eq!(log_of(case).await, format!("{}\n", folder.display()));
}

#[tokio::test]
async fn it_starts_in_the_folder_that_its_process_keeps() {
    let mut case = Case::new(&["./own-tool"]);
    let own = case.folder.path().canonicalize().unwrap().join("own");
    fs::create_dir(&own).unwrap();
    let tool = own.join("own-tool");
    fs::write(&tool, "#!/bin/sh\npwd\n").unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    case.kept = Some(own.display().to_string());
    assert_eq!(log_of(case).await, format!("{}\n", own.display()));
}

#[tokio::test]
async fn a_value_with_a_nul_is_refused() {
    let mut case = Case::new(&["true"]);
    case.entity_key = Some("a\0b".to_owned());
    assert_eq!(error_of(case).await.code, "CAR0510");
}
