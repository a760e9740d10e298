//! What `retry` says before it does anything: which version runs, what is kept, and that it refuses before it announces.

use crate::place::{bench, object};
use serde_json::Value;
use std::fs;

#[test]
fn a_retry_says_which_version_runs() {
    let bench = bench();
    bench.run(&["run", "--set", "fail=bela"]).with(5);
    let file = bench.path("pipeline/pipeline.toml");
    let mended = fs::read_to_string(&file)
        .unwrap()
        .replace("values (null)", "values ('mended')");
    fs::write(&file, mended).unwrap();
    let version: String = bench.store("select substr(version, 1, 8) from definition");
    bench
        .run(&["retry", "1", "--failed", "--yes"])
        .with(5)
        .saying(&format!(
            "with the pipeline as it was launched (version {version}), not as its files are now"
        ))
        .saying("from what failed on; 2 steps that succeeded before are kept");
}

#[test]
fn nothing_is_said_to_be_kept_of_what_was_rolled_back() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    bench
        .run(&["rollback", "--process", "1", "--entity", "ada", "--yes"])
        .with(0);
    let ended = bench
        .run(&["retry", "--process", "1", "--entity", "ada", "--yes"])
        .with(0)
        .saying("from the beginning, as what they did was rolled back");
    assert!(!ended.stderr.contains("kept"), "{}", ended.stderr);
}

#[test]
fn what_was_rolled_back_is_not_denied() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    bench
        .run(&["rollback", "--process", "1", "--entity", "ada", "--yes"])
        .with(0);
    bench
        .run(&["retry", "1", "--failed", "--yes"])
        .with(6)
        .saying("nothing of process 1 (")
        .saying("failed or was cancelled; 1 entity is rolled back")
        .saying("`carril retry 1` runs what was rolled back again, too");
    bench.run(&["retry", "1", "--yes"]).with(0);
}

#[test]
fn a_retry_is_refused_before_it_is_announced() {
    let bench = bench();
    bench.run(&["run", "--set", "fail=bela"]).with(5);
    for (words, code) in [
        (["--from", "tell/hallo"], "CAR0424"),
        // Kept rows cannot be told from those that the later step would write again.
        (["--from", "collect/odd"], "CAR0425"),
    ] {
        let mut all = vec!["retry", "1", "--yes"];
        all.extend(words);
        let ended = bench.run(&all).with(6).saying(code);
        assert!(
            !ended.stderr.contains("again, from"),
            "announced and then refused: {}",
            ended.stderr
        );
    }
    bench
        .run(&["retry", "1", "--from", "tell/hallo", "--yes"])
        .with(6)
        .saying("did you mean `tell/hello`?");
    let runs: i64 = bench.store("select max(run) from execution");
    assert_eq!(runs, 1, "nothing was done");
}

#[test]
fn only_the_stages_of_the_process_itself_run_again() {
    let bench = bench();
    bench.run(&["run"]).with(0);
    let ended = bench
        .run(&["retry", "1", "--from", "total/sum", "--yes"])
        .with(0)
        .saying("run the stages of process 1 (sizes) itself again, from total/sum on");
    assert!(!ended.stderr.contains("executions"), "{}", ended.stderr);
    let runs: i64 =
        bench.store("select max(run) from execution e join entity n on n.execution_id = e.id");
    assert_eq!(runs, 1, "no lane ran again");
}

#[test]
fn what_it_took_leaves_out_the_time_before_a_retry() {
    let bench = bench();
    bench.run(&["run", "--set", "fail=bela"]).with(5);
    // Half an hour passes before somebody looks: all of the first run is put back by that much.
    let earlier = 30 * 60 * 1_000_000_i64;
    for (table, columns) in [
        ("process", ["launched_at", "ended_at"]),
        ("execution", ["started_at", "ended_at"]),
    ] {
        let set = columns.map(|column| format!("{column} = {column} - {earlier}"));
        bench.change(&format!("update {table} set {}", set.join(", ")));
    }
    let summary = bench
        .run(&["retry", "1", "--failed", "--yes", "--json"])
        .with(5)
        .json();
    let micros = |value: &Value| value["duration_micros"].as_i64().unwrap();
    assert!(micros(&summary["process"]) < earlier, "{summary}");
    assert!(
        summary["entities_per_hour"].as_u64().unwrap() > 6,
        "{summary}"
    );
    let listed = object(&bench.run(&["ps", "--json"]).with(0));
    assert_eq!(micros(&listed["processes"][0]), micros(&summary["process"]));
    let shown = bench.run(&["show", "1"]).with(0).stdout;
    assert!(
        shown.contains("in all its runs, without the time between them"),
        "{shown}"
    );
    bench.run(&["rollback", "1", "--yes"]).with(0);
    let shown = object(&bench.run(&["show", "1", "--json"]).with(0));
    assert!(micros(&shown["process"]) < earlier, "{shown}");
}

#[test]
fn an_error_in_sql_written_in_place_names_its_line() {
    let bench = bench();
    let file = bench.path("pipeline/pipeline.toml");
    let place = |moved: &str| {
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{moved}{text}")).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        bench.run(&["run", "--set", "fail=bela", "--quiet"]).with(5);
        let shown = object(&bench.run(&["show", "bela", "--json"]).with(0));
        let line = text
            .lines()
            .position(|line| line.contains("insert into effect"))
            .unwrap();
        let column = text.lines().nth(line).unwrap().find("insert").unwrap();
        let wanted = format!("pipeline.toml:{}:{}", line + 1, column + 1);
        let error = &shown["executions"][0]["error"];
        assert_eq!(error["place"], wanted, "{error}");
    };
    place("");
    // The same pipeline to Carril, at another line to whoever looks for it.
    place("# A comment more.\n");
    assert_eq!(bench.store::<i64>("select count(*) from definition"), 1);
}
