//! What is said of a whole process.

use super::*;

#[track_caller]
fn check_process(
    row: &ProcessRow,
    engine: bool,
    busy: &[Busy],
    failed: Option<&ExecutionRow>,
    cause: &str,
    sentence: &str,
    next: Option<Next>,
) {
    let causes = BTreeMap::from([
        (CauseKind::Queued, 4),
        (CauseKind::Running, 2),
        (CauseKind::Slot, 0),
    ]);
    let told = process(&ProcessFacts {
        now: NOW,
        engine,
        able: true,
        row,
        busy,
        causes: &causes,
        doubts: &[],
        failed,
    });
    assert_eq!(
        (told.cause, told.sentence.as_str(), told.next),
        (cause, sentence, next)
    );
}

#[test]
fn a_process_tells_how_far_it_is() {
    let row = process_row();
    let lanes = [busy(1, 7, "", 30), busy(2, 7, "", 95)];
    let sentence = "process 7 (funds) runs since 1 min 0 s: 4 of 10 executions are through; of the others 4 queued, 2 running; longest at work is F1 (`extract/ipa` since 1 min 10 s)";
    check_process(
        &row,
        true,
        &lanes,
        None,
        "running",
        sentence,
        Some(Next::Execution(ExecutionId(1))),
    );
    let sentence = "process 7 (funds) is unfinished (4 of 10 executions are through) and no engine has the store open, so nothing of it moves; `carril run` goes on with it";
    check_process(&row, false, &[], None, "no_engine", sentence, None);
    let after = ProcessRow {
        after: Some(ProcessId(6)),
        tally: Tally {
            total: 10,
            ..Tally::default()
        },
        ..process_row()
    };
    let sentence =
        "process 7 (funds) waits until process 6, of the same pipeline and parameters, has ended";
    check_process(
        &after,
        true,
        &[],
        None,
        "queued",
        sentence,
        Some(Next::Process(ProcessId(6))),
    );
    let stopping = ProcessRow {
        cancelling: Some(ProcessState::Cancelled),
        reason: Some("enough".to_owned()),
        ..process_row()
    };
    check_process(
        &stopping,
        true,
        &[],
        None,
        "running",
        "process 7 (funds) is being stopped (enough): 3 executions left",
        None,
    );
    let paused = ProcessRow {
        state: ProcessState::Paused,
        ..process_row()
    };
    // A run would not go on with it: whether there is an engine makes no difference.
    let sentence = "process 7 (funds) is paused (4 of 10 executions are through); nothing of it begins until somebody resumes it: `carril resume 7`";
    for engine in [true, false] {
        check_process(&paused, engine, &[], None, "paused", sentence, None);
    }
}

#[test]
fn a_process_tells_how_it_ended() {
    let ended = |state, tally| ProcessRow {
        state,
        tally,
        ended_at: Some(Timestamp(90_000_000)),
        ..process_row()
    };
    let tally = Tally {
        total: 10,
        succeeded: 9,
        skipped: 1,
        ..Tally::default()
    };
    check_process(
        &ended(ProcessState::Succeeded, tally),
        false,
        &[],
        None,
        "settled",
        "process 7 (funds) succeeded 10 s ago: 9 of 10 executions did, 1 skipped",
        None,
    );
    let all = Tally {
        succeeded: 10,
        skipped: 0,
        ..tally
    };
    check_process(
        &ended(ProcessState::Succeeded, all),
        false,
        &[],
        None,
        "settled",
        "process 7 (funds) succeeded 10 s ago: all of 10 executions did",
        None,
    );
    let undone = Tally {
        succeeded: 7,
        rolled_back: 2,
        ..tally
    };
    check_process(
        &ended(ProcessState::Succeeded, undone),
        false,
        &[],
        None,
        "settled",
        "process 7 (funds) succeeded 10 s ago: 7 of 10 executions did, 1 skipped, 2 rolled back",
        None,
    );

    let mut failed = case(ExecutionState::Failed, QUEUED).row;
    failed.failed_step = Some("extract/ipa".to_owned());
    failed.error = error("no such table: ipa");
    let tally = Tally {
        total: 10,
        succeeded: 8,
        failed: 2,
        ..Tally::default()
    };
    let sentence = "process 7 (funds) ended 10 s ago with errors: 2 of 10 executions failed; the first is execution 12 (F12) at `extract/ipa`: no such table: ipa [CAR0501]";
    let next = Some(Next::Execution(ExecutionId(12)));
    check_process(
        &ended(ProcessState::CompletedWithErrors, tally),
        true,
        &[],
        Some(&failed),
        "settled",
        sentence,
        next,
    );

    let aborted = ProcessRow {
        reason: Some("too many failed".to_owned()),
        ..ended(ProcessState::Failed, tally)
    };
    check_process(
        &aborted,
        true,
        &[],
        None,
        "settled",
        "process 7 (funds) failed 10 s ago: too many failed",
        None,
    );
    let cancelled = ProcessRow {
        reason: Some("enough".to_owned()),
        ..ended(ProcessState::Cancelled, tally)
    };
    check_process(
        &cancelled,
        true,
        &[],
        None,
        "settled",
        "process 7 (funds) was cancelled 10 s ago: enough; 10 of 10 executions were through",
        None,
    );
}
