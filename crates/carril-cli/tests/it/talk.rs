//! stdout is data, stderr is talk; errors as text and as JSON; what `--quiet`, `--verbose` and `--color` change; secrets.

use crate::place::{bench, lines, object};
use serde_json::Value;
use std::fs;
use std::process::Stdio;

#[test]
fn version_is_one_line() {
    let bench = bench();
    let ended = bench.command(&["--version"]).output().unwrap();
    let version = format!("carril {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8_lossy(&ended.stdout), version);
}

#[test]
fn a_run_s_stdout_is_its_summary_only() {
    let bench = bench();
    let ended = bench
        .run(&["run", "--set", "fail=bela"])
        .with(5)
        .saying("process 1: 3 entities in 2 lanes")
        .saying("failed bela");
    assert!(
        ended
            .stdout
            .starts_with("process 1 · sizes · completed_with_errors\n"),
        "{}",
        ended.stdout
    );
    assert!(!ended.stdout.contains('\u{1b}'), "no colours into a file");
    assert!(ended.stdout.contains("carril why "), "{}", ended.stdout);
}

#[test]
fn json_lines_are_nothing_but_json() {
    let bench = bench();
    let ended = bench.run(&["run", "--json"]).with(0);
    let lines = lines(&ended);
    let events: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["event"].as_str())
        .collect();
    assert_eq!(events.first(), Some(&"begin"));
    assert_eq!(events.last(), Some(&"summary"));
    assert_eq!(
        events.iter().filter(|event| **event == "settled").count(),
        4,
        "three entities and the process's own: {events:?}"
    );
    assert_eq!(events.len(), lines.len(), "every line has its event");
}

#[test]
fn quiet_leaves_results_and_errors() {
    let bench = bench();
    let ended = bench.run(&["run", "--quiet"]).with(0);
    assert_eq!(ended.stderr, "");
    assert!(ended.stdout.contains("succeeded"));
    let ended = bench.run(&["run", "--quiet", "--json"]).with(0);
    assert_eq!(lines(&ended).len(), 1, "only the summary");
    bench
        .run(&["show", "4711", "--quiet"])
        .with(4)
        .saying("CAR0803");
}

#[test]
fn errors_have_code_and_help() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    let ended = bench.run(&["show", "4711"]).with(4);
    assert_eq!(ended.stdout, "");
    assert!(
        ended.stderr.starts_with("error[CAR0803]: `4711` is "),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("\n  help: "), "{}", ended.stderr);
}

#[test]
fn errors_are_one_json_object_on_stderr() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    for (words, exit) in [
        (&["show", "4711", "--json"][..], 4),
        (&["show", "--json"], 2),
        (&["cancel", "1", "--json"], 6),
    ] {
        let ended = bench.run(words).with(exit);
        assert_eq!(ended.stdout, "");
        let error: serde_json::Value = serde_json::from_str(&ended.stderr).unwrap();
        assert_eq!(error["error"]["exit"], exit, "{}", ended.stderr);
        assert!(
            error["error"]["code"].as_str().unwrap().starts_with("CAR"),
            "{}",
            ended.stderr
        );
    }
    let ended = bench.run(&["run", "--json", "--set", "x=1"]).with(3);
    let error: serde_json::Value = serde_json::from_str(&ended.stderr).unwrap();
    assert_eq!(error["error"]["findings"][0]["code"], "CAR0401");
}

#[test]
fn colours_come_when_they_are_wanted() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    let coloured = bench.run(&["ps", "--color", "always"]).with(0);
    assert!(
        coloured.stdout.contains("\u{1b}[32msucceeded"),
        "{:?}",
        coloured.stdout
    );
    let plain = bench.run(&["ps"]).with(0);
    assert!(!plain.stdout.contains('\u{1b}'));
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let bench = bench();
    let mut child = bench
        .command(&["run", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(
        bench.warehouse::<i64>("select count(*) from sizes"),
        3,
        "the work was done"
    );
}

#[test]
fn the_log_names_process_and_execution() {
    let bench = bench();
    let silent = bench.run(&["run"]).with(0);
    assert!(!silent.stderr.contains("INFO"), "{}", silent.stderr);
    let mut command = bench.command(&["run", "--set", "fail=bela"]);
    let ended = command
        .env("CARRIL_LOG", "carril_engine=debug")
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&ended.stderr);
    let lane = log
        .lines()
        .find(|line| line.contains("lane{"))
        .unwrap_or_else(|| panic!("no lane says anything: {log}"));
    assert!(
        lane.contains("process=") && lane.contains("execution="),
        "{lane}"
    );
}

/// What a collector of logs reads: every line is an object, and every line of a lane says whose it is.
#[test]
fn the_log_is_written_as_objects_for_programs() {
    let bench = bench();
    let ended = bench
        .run(&["run", "--quiet", "--log-format", "json"])
        .with(0);
    let lines: Vec<Value> = ended
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let settled: Vec<&Value> = lines
        .iter()
        .filter(|line| line["message"] == "the execution has settled")
        .collect();
    // Three lanes, and the process's own execution.
    assert_eq!(settled.len(), 4, "{lines:?}");
    let of_lanes = settled.iter().filter(|line| line["entity"].is_string());
    assert_eq!(of_lanes.count(), 3, "{lines:?}");
    for line in settled {
        assert!(
            line["process"].is_i64() && line["execution"].is_i64(),
            "{line}"
        );
        assert_eq!(
            (&line["level"], &line["state"]),
            (&"info".into(), &"succeeded".into())
        );
        let time = line["time"].as_str().unwrap_or_default();
        assert!(time.starts_with("20") && time.ends_with('Z'), "{line}");
    }
}

#[test]
fn secrets_are_never_shown_or_kept() {
    let bench = bench();
    let secret = "s3cr3t-folder";
    fs::create_dir(bench.path(secret)).unwrap();
    fs::rename(
        bench.path("warehouse.db"),
        bench.path(secret).join("warehouse.db"),
    )
    .unwrap();
    let folder = bench.path("pipeline").display().to_string();
    let store = bench.path("carril.db").display().to_string();
    let run = |words: &[&str], value: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_carril"));
        command
            .args(words)
            .args(["--store", &store])
            .current_dir(bench.path(""));
        command.env("HIDDEN", value).env("CARRIL_LOG", "debug");
        let ended = command.output().unwrap();
        format!(
            "{}{}",
            String::from_utf8_lossy(&ended.stdout),
            String::from_utf8_lossy(&ended.stderr)
        )
    };
    let url = "warehouse=sqlite:${env:HIDDEN}/warehouse.db";
    let said = [
        run(&["check", &folder, "--target", url], secret),
        run(&["plan", &folder, "--target", url], secret),
        run(&["run", &folder, "--target", url], secret),
        run(&["show", "1", "--json"], secret),
        run(
            &["run", &folder, "--target", url],
            &format!("{secret}-missing"),
        ),
    ];
    assert!(said[2].contains("succeeded"), "{}", said[2]);
    assert!(said[4].contains("CAR0511"), "{}", said[4]);
    for text in said {
        assert!(!text.contains(secret), "{text}");
    }
    let kept = fs::read(bench.path("carril.db")).unwrap();
    assert!(
        !kept
            .windows(secret.len())
            .any(|part| part == secret.as_bytes()),
        "it is in the store"
    );
}

#[test]
fn what_the_summary_says_to_try_next_works() {
    let bench = bench();
    let summary = bench
        .run(&["run", "--json", "--set", "fail=bela"])
        .with(5)
        .json();
    let next: Vec<&str> = summary["next"]
        .as_array()
        .unwrap()
        .iter()
        .map(|command| command.as_str().unwrap())
        .collect();
    assert!(next.len() >= 5, "{next:?}");
    for line in next {
        let mut words = line
            .split(' ')
            .skip(1)
            .map(|word| word.trim_matches('\'').to_owned())
            .collect::<Vec<_>>();
        let changes = matches!(words[0].as_str(), "retry" | "rollback" | "cancel");
        words.push("--json".to_owned());
        if changes {
            words.push("--yes".to_owned());
        }
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_carril"));
        let ended: crate::place::Ended = command
            .args(&words)
            .current_dir(bench.path(""))
            .output()
            .unwrap()
            .into();
        // The lane that failed fails again; everything else does what it says.
        let expected = if words[0] == "retry" { 5 } else { 0 };
        let ended = ended.with(expected);
        if !changes {
            object(&ended);
        }
    }
}
