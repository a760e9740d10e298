//! Each case is a situation and the sentence that is true of it. Times: it is second 100, and everything began at second 40
//! unless a case says otherwise.

mod of_process;

use super::*;
use crate::{Pipeline, Retry, Stage, Step};
use carril_model::account::{Cause, TimeAccount};
use carril_model::breaker::BreakerState;
use carril_model::contract::{ErrorClass, StepError, Tally};
use carril_model::definition::Version;
use carril_model::id::Run;
use carril_model::state::StepState;
use serde_json::Map;

pub(super) const NOW: Timestamp = Timestamp(100_000_000);
const THEN: Timestamp = Timestamp(40_000_000);

fn plan() -> Plan {
    let pipeline = Pipeline::new("funds")
        .entities_given()
        .resource("geneva", 2)
        .stage(
            Stage::new("extract")
                .step(Step::noop("ipa").resource("geneva").retry(Retry::any(5)))
                .step(Step::noop("ubs"))
                .step(Step::noop("mail").not_critical())
                .step(Step::noop("rate").fallback("1"))
                .step(Step::noop("old").fallback_step("new"))
                .step(Step::noop("new")),
        )
        .stage(Stage::new("cube").per_process().step(Step::noop("totals")))
        .build()
        .expect("it is right");
    Plan::clone(pipeline.plan())
}

/// A situation; cases change what they are about.
pub(super) struct Case {
    engine: bool,
    row: ExecutionRow,
    process: ProcessRow,
    attempts: Vec<AttemptRow>,
    ahead: Option<Ahead>,
    busy: Vec<Busy>,
    breakers: Vec<BreakerRow>,
    rivals: Vec<(ProcessId, i8)>,
    lanes: Option<u32>,
    pub(super) lock: Option<LockRow>,
    shares: Vec<Share>,
}

pub(super) fn case(state: ExecutionState, cause: Cause) -> Case {
    let row = ExecutionRow {
        id: ExecutionId(12),
        process: ProcessId(7),
        entity: Some("F12".to_owned()),
        attributes: Map::new(),
        run: Run(1),
        state,
        segment: 0,
        behind: None,
        rolling_back: false,
        cancelling: false,
        account: TimeAccount::open(cause, THEN),
        launched_at: THEN,
        started_at: None,
        ended_at: None,
        failed_step: None,
        error: None,
        warnings: 0,
    };
    Case {
        engine: true,
        row,
        process: process_row(),
        attempts: Vec::new(),
        ahead: None,
        busy: Vec::new(),
        breakers: Vec::new(),
        rivals: Vec::new(),
        lanes: None,
        lock: None,
        shares: Vec::new(),
    }
}

fn process_row() -> ProcessRow {
    ProcessRow {
        id: ProcessId(7),
        pipeline: "funds".to_owned(),
        version: Version("v".to_owned()),
        params: Map::new(),
        state: ProcessState::Running,
        reason: None,
        cancelling: None,
        reopened: false,
        segment: 0,
        open: 3,
        waiting: 0,
        lanes: 2,
        after: None,
        own: Some(ExecutionId(8)),
        own_state: None,
        own_segment: None,
        tally: Tally {
            total: 10,
            succeeded: 4,
            ..Tally::default()
        },
        targets: BTreeMap::new(),
        folder: None,
        priority: 0,
        launched_by: "somebody".to_owned(),
        launched_at: THEN,
        ended_at: None,
    }
}

fn attempt(step: &str, state: StepState, number: u32) -> AttemptRow {
    AttemptRow {
        execution: ExecutionId(12),
        run: Run(1),
        stage: "extract".to_owned(),
        step: step.to_owned(),
        attempt: number,
        state,
        began: THEN,
        ended: None,
        retry_at: None,
        fallback: false,
        carried_from: None,
        reason: None,
        rows: Vec::new(),
        output: None,
        error: None,
        waits: Vec::new(),
        node: None,
    }
}

fn busy(execution: i64, process: i64, uses: &str, began: i64) -> Busy {
    Busy {
        process: ProcessId(process),
        execution: ExecutionId(execution),
        entity: Some(format!("F{execution}")),
        uses: vec![uses.to_owned()],
        connected: None,
        engine: None,
        path: "extract/ipa".to_owned(),
        attempt: 1,
        began: Timestamp(began * 1_000_000),
    }
}

fn error(message: &str) -> Option<StepError> {
    Some(StepError::new("CAR0501", ErrorClass::Permanent, message))
}

fn told(case: &Case) -> Told {
    let Case {
        engine,
        row,
        process,
        attempts,
        ahead,
        busy,
        breakers,
        rivals,
        lanes,
        lock,
        shares,
    } = case;
    execution(&ExecutionFacts {
        now: NOW,
        engine: *engine,
        able: true,
        row,
        process,
        plan: &plan(),
        attempts,
        ahead: *ahead,
        busy,
        breakers,
        rivals,
        lanes: *lanes,
        lock: lock.as_ref(),
        shares,
    })
}

#[track_caller]
pub(super) fn check(case: &Case, cause: &str, sentence: &str, next: Option<Next>) {
    let told = told(case);
    assert_eq!(
        (told.cause, told.sentence.as_str(), told.next),
        (cause, sentence, next)
    );
}

const QUEUED: Cause = Cause::plain(CauseKind::Queued);

#[test]
fn queued_names_the_longest_lanes_when_all_are_busy() {
    let mut queued = case(ExecutionState::Pending, QUEUED);
    queued.busy = vec![
        busy(1, 7, "geneva", 30),
        busy(2, 7, "", 95),
        busy(3, 8, "", 96),
    ];
    let sentence = "execution 12 (F12) waits for a free lane since 1 min 0 s: 2 of 2 are busy, the longest with F1 (`extract/ipa` since 1 min 10 s), F2 (`extract/ipa` since 5.0 s)";
    check(
        &queued,
        "queued",
        sentence,
        Some(Next::Execution(ExecutionId(1))),
    );
}

#[test]
fn queued_names_the_process_that_comes_first_where_lanes_are_limited() {
    let mut queued = case(ExecutionState::Pending, QUEUED);
    queued.busy = vec![busy(3, 8, "", 96), busy(4, 8, "", 97), busy(5, 9, "", 97)];
    queued.rivals = vec![(ProcessId(9), 1), (ProcessId(8), 5), (ProcessId(10), 9)];
    let sentence = "execution 12 (F12) waits for a lane since 1 min 0 s; 0 of 2 are at a step; where the engine's lanes are all taken, process 8 (priority 5, 2 lanes at work) comes before it";
    check(
        &queued,
        "queued",
        sentence,
        Some(Next::Process(ProcessId(8))),
    );
    queued.lanes = Some(3);
    let limited = told(&queued).sentence;
    let end = "; its engine runs 3 lanes at once over all processes (`[engine] lanes`); when all of them are taken, process 8 (priority 5, 2 lanes at work) comes before it";
    assert!(limited.ends_with(end), "{limited}");
    queued.rivals.clear();
    let alone = told(&queued).sentence;
    assert!(alone.ends_with("(`[engine] lanes`)"), "{alone}");
    queued.lanes = None;
    queued.rivals = vec![(ProcessId(8), 0)];
    assert!(told(&queued).sentence.ends_with("takes turns with it"));
    queued.rivals = vec![(ProcessId(8), -1)];
    assert_eq!(told(&queued).next, None, "who comes later is not named");
}

#[test]
fn a_breaker_is_named_with_its_reason_and_until_when() {
    let waiting = Cause::about(CauseKind::Breaker, "api");
    let mut waiting = case(ExecutionState::Running, waiting);
    let row = BreakerRow {
        resource: "api".to_owned(),
        state: BreakerState::Open,
        until: Some(Timestamp(NOW.0 + 12_000_000)),
        reason: Some("5 uses in a row failed".to_owned()),
        ..BreakerRow::default()
    };
    let begin = "execution 12 (F12) waits since 1 min 0 s for the breaker of `api`";
    let mut said = |row: BreakerRow| {
        waiting.breakers = vec![row];
        told(&waiting).sentence
    };
    assert_eq!(
        said(row.clone()),
        format!("{begin}, which is open for 12 s more: 5 uses in a row failed")
    );
    let forced = BreakerRow {
        forced: true,
        until: None,
        reason: Some("maintenance".to_owned()),
        ..row.clone()
    };
    assert_eq!(
        said(forced),
        format!("{begin}, which is held open by hand until `carril breaker auto api`: maintenance")
    );
    let half = BreakerRow {
        state: BreakerState::HalfOpen,
        ..row
    };
    assert_eq!(
        said(half),
        format!("{begin}, which is half open and lets one try at a time through")
    );
}

#[test]
fn a_rate_is_named() {
    let waiting = Cause::about(CauseKind::Rate, "api");
    let waiting = case(ExecutionState::Running, waiting);
    assert_eq!(
        told(&waiting).sentence,
        "execution 12 (F12) waits since 1 min 0 s for the rate of `api`, which is used up"
    );
}

#[test]
fn two_parallel_steps_of_one_lane_are_one_lane() {
    let mut queued = case(ExecutionState::Pending, QUEUED);
    queued.busy = vec![busy(1, 7, "", 30), busy(1, 7, "", 31)];
    queued.ahead = Some(Ahead::Exactly(0));
    check(
        &queued,
        "queued",
        "execution 12 (F12) waits for a lane since 1 min 0 s; 1 of 2 is at a step; it is next in the queue",
        None,
    );
}

#[test]
fn a_place_in_the_queue_is_said_only_where_it_is_known() {
    let mut queued = case(ExecutionState::Pending, QUEUED);
    queued.busy = vec![busy(1, 7, "", 30)];
    let said = |queued: &Case| told(queued).sentence;
    let begin = "execution 12 (F12) waits for a lane since 1 min 0 s; 1 of 2 is at a step";
    assert_eq!(said(&queued), begin);
    queued.ahead = Some(Ahead::Exactly(1));
    assert_eq!(
        said(&queued),
        format!("{begin}; 1 other is before it in the queue")
    );
    queued.ahead = Some(Ahead::AtLeast(1_000));
    assert_eq!(
        said(&queued),
        format!("{begin}; more than 1000 others are before it in the queue")
    );
    queued.busy.push(busy(2, 7, "", 95));
    queued.ahead = Some(Ahead::Exactly(4));
    let sentence = said(&queued);
    assert!(
        sentence.contains("2 of 2 are busy")
            && sentence.ends_with("; 4 others are before it in the queue"),
        "{sentence}"
    );
}

#[test]
fn an_earlier_execution_of_the_same_key_comes_before_everything_else() {
    let mut behind = case(ExecutionState::Pending, Cause::plain(CauseKind::Key));
    behind.row.behind = Some(ExecutionId(5));
    let sentence = "execution 12 (F12) waits for execution 5, which was launched earlier with the same lane key";
    check(
        &behind,
        "key",
        sentence,
        Some(Next::Execution(ExecutionId(5))),
    );
}

#[test]
fn a_process_that_waits_for_another_holds_all_of_its_executions() {
    let mut after = case(ExecutionState::Pending, QUEUED);
    after.process.after = Some(ProcessId(6));
    let sentence =
        "execution 12 (F12) waits until process 6, of the same pipeline and parameters, has ended";
    check(
        &after,
        "queued",
        sentence,
        Some(Next::Process(ProcessId(6))),
    );
}

#[test]
fn paused_and_recovering_are_said() {
    let mut paused = case(ExecutionState::Pending, QUEUED);
    paused.process.state = ProcessState::Paused;
    check(
        &paused,
        "paused",
        "execution 12 (F12) waits because process 7 is paused; `carril resume 7` goes on with it",
        None,
    );
    paused.engine = false;
    check(
        &paused,
        "no_engine",
        "execution 12 (F12) is pending and no engine has the store open, so nothing of it moves; its process is paused, and `carril resume 7` goes on with it",
        None,
    );
    let recovering = case(ExecutionState::Pending, Cause::plain(CauseKind::Recovering));
    check(
        &recovering,
        "recovering",
        "execution 12 (F12) was running when its engine went away, and waits for a lane of the new one",
        None,
    );
}

#[test]
fn without_an_engine_nothing_moves() {
    for state in [
        ExecutionState::Pending,
        ExecutionState::Running,
        ExecutionState::Waiting,
    ] {
        let mut still = case(state, QUEUED);
        still.engine = false;
        let sentence = format!(
            "execution 12 (F12) is {state} and no engine has the store open, so nothing of it moves; `carril run` goes on with it"
        );
        check(&still, "no_engine", &sentence, None);
    }
}

#[test]
fn running_tells_every_step_that_is_at_work() {
    let mut running = case(ExecutionState::Running, Cause::plain(CauseKind::Running));
    check(
        &running,
        "running",
        "execution 12 (F12) runs since 1 min 0 s and is between two steps",
        None,
    );
    running.attempts = vec![
        attempt("ipa", StepState::Running, 2),
        attempt("ubs", StepState::Running, 1),
        attempt("old", StepState::Failed, 1),
    ];
    running.attempts[1].began = Timestamp(99_500_000);
    check(
        &running,
        "running",
        "execution 12 (F12) runs `extract/ipa` since 1 min 0 s (try 2) and `extract/ubs` since 500 ms",
        None,
    );
}

#[test]
fn a_slot_names_its_holders_over_all_processes() {
    let mut slot = case(
        ExecutionState::Running,
        Cause::about(CauseKind::Slot, "geneva"),
    );
    slot.busy = vec![
        busy(12, 7, "geneva", 10),
        busy(3, 7, "other", 20),
        busy(4, 8, "geneva", 90),
    ];
    let sentence = "execution 12 (F12) waits since 1 min 0 s for a slot of `geneva` (2 slots), held by F4 (`extract/ipa` since 10 s)";
    check(
        &slot,
        "slot",
        sentence,
        Some(Next::Execution(ExecutionId(4))),
    );
    slot.busy.clear();
    let sentence = "execution 12 (F12) waits since 1 min 0 s for a slot of `geneva` (2 slots); nobody is seen holding it now, so it is about to go on";
    check(&slot, "slot", sentence, None);
}

#[test]
fn a_slot_that_engines_share_names_them() {
    let mut slot = case(
        ExecutionState::Running,
        Cause::about(CauseKind::Slot, "geneva"),
    );
    let other = "engine 3 (`carril worker` on db1)".to_owned();
    slot.busy = vec![Busy {
        engine: Some(other.clone()),
        ..busy(4, 8, "geneva", 90)
    }];
    slot.shares = vec![Share {
        engine: other,
        slots: 2,
    }];
    let sentence = "execution 12 (F12) waits since 1 min 0 s for a slot of `geneva` (2 slots), held by F4 (`extract/ipa` since 10 s, on engine 3 (`carril worker` on db1)); engine 3 (`carril worker` on db1) may use 2";
    check(
        &slot,
        "slot",
        sentence,
        Some(Next::Execution(ExecutionId(4))),
    );
}

#[test]
fn a_connection_names_who_has_one() {
    let mut pool = case(
        ExecutionState::Running,
        Cause::about(CauseKind::Pool, "warehouse"),
    );
    let connected = |execution, began| Busy {
        connected: Some("warehouse".to_owned()),
        ..busy(execution, 7, "", began)
    };
    pool.busy = vec![connected(3, 88), connected(4, 90), busy(5, 7, "", 91)];
    let sentence = "execution 12 (F12) waits since 1 min 0 s for a connection of target `warehouse`: all are in use, held longest by F3 (`extract/ipa` since 12 s), F4 (`extract/ipa` since 10 s)";
    check(
        &pool,
        "pool",
        sentence,
        Some(Next::Execution(ExecutionId(3))),
    );
}

#[test]
fn a_targets_writer_is_a_slot_too() {
    let mut slot = case(
        ExecutionState::Running,
        Cause::about(CauseKind::Slot, "warehouse"),
    );
    slot.busy = vec![busy(4, 7, "warehouse", 90), busy(5, 7, "warehouse", 91)];
    let sentence = "execution 12 (F12) waits since 1 min 0 s for its turn to write to target `warehouse`, which takes one writer at a time, held longest by F4 (`extract/ipa` since 10 s), F5 (`extract/ipa` since 9.0 s)";
    check(
        &slot,
        "slot",
        sentence,
        Some(Next::Execution(ExecutionId(4))),
    );
}

#[test]
fn backoff_tells_when_it_is_tried_again_and_what_went_wrong() {
    let mut backoff = case(ExecutionState::Running, Cause::plain(CauseKind::Backoff));
    check(
        &backoff,
        "backoff",
        "execution 12 (F12) pauses before its next try",
        None,
    );
    let mut failed = attempt("ipa", StepState::Failed, 2);
    failed.retry_at = Some(Timestamp(103_500_000));
    failed.error = error("database is locked");
    backoff.attempts = vec![failed];
    let sentence = "execution 12 (F12) pauses before it tries `extract/ipa` again in 3.5 s (try 3 of 5): database is locked [CAR0501]";
    check(&backoff, "backoff", sentence, None);
}

#[test]
fn a_barrier_counts_who_is_missing() {
    let mut barrier = case(ExecutionState::Waiting, Cause::plain(CauseKind::Barrier));
    barrier.busy = vec![busy(3, 8, "", 1), busy(4, 7, "", 90)];
    let sentence = "execution 12 (F12) has done its part and waits until 3 lanes more are through `extract`; longest at work is F4 (`extract/ipa` since 10 s)";
    check(
        &barrier,
        "barrier",
        sentence,
        Some(Next::Execution(ExecutionId(4))),
    );
    barrier.process.segment = 1;
    barrier.busy.clear();
    check(
        &barrier,
        "barrier",
        "execution 12 (F12) waits for the stages that run once, `cube`",
        Some(Next::Execution(ExecutionId(8))),
    );
}

#[test]
fn what_was_asked_to_stop_says_so() {
    let mut stopping = case(ExecutionState::Running, Cause::plain(CauseKind::Running));
    stopping.row.cancelling = true;
    stopping.attempts = vec![attempt("ipa", StepState::Running, 1)];
    let sentence =
        "execution 12 (F12) was asked to stop and still runs `extract/ipa` since 1 min 0 s";
    check(&stopping, "running", sentence, None);
    let mut rolling_back = case(ExecutionState::Succeeded, QUEUED);
    rolling_back.row.rolling_back = true;
    check(
        &rolling_back,
        "rolling_back",
        "execution 12 (F12) is being rolled back: what it did is being removed",
        None,
    );
}

#[test]
fn what_is_over_says_how_it_ended() {
    let ended = |state| {
        let mut ended = case(state, Cause::plain(CauseKind::Running));
        ended.row.ended_at = Some(Timestamp(90_000_000));
        ended
            .row
            .account
            .switch(Cause::plain(CauseKind::Running), Timestamp(90_000_000));
        ended
    };
    let mut succeeded = ended(ExecutionState::Succeeded);
    succeeded.row.warnings = 1;
    let mut mail = attempt("mail", StepState::Failed, 1);
    mail.error = error("no such host");
    let mut rate = attempt("rate", StepState::Succeeded, 3);
    (rate.fallback, rate.error) = (true, error("no such host"));
    succeeded.attempts = vec![
        mail,
        rate,
        attempt("old", StepState::Failed, 1),
        attempt("new", StepState::Succeeded, 1),
    ];
    check(
        &succeeded,
        "settled",
        "execution 12 (F12) succeeded 10 s ago (50 s running); `extract/mail` failed, which is not critical: no such host [CAR0501]; `extract/rate` failed and its fallback value was taken: no such host [CAR0501]; `extract/old` failed and `extract/new` ran instead",
        None,
    );

    let mut failed = ended(ExecutionState::Failed);
    failed.row.failed_step = Some("extract/ipa".to_owned());
    failed.row.error = error("no such table: ipa").map(|error| StepError {
        place: Some("sql/ipa.sql:3:6".to_owned()),
        ..error
    });
    failed.attempts = vec![
        attempt("ipa", StepState::Failed, 1),
        attempt("ipa", StepState::Failed, 2),
    ];
    check(
        &failed,
        "settled",
        "execution 12 (F12) failed 10 s ago at `extract/ipa` after 2 tries: no such table: ipa [CAR0501] (sql/ipa.sql:3:6)",
        None,
    );

    let mut skipped = ended(ExecutionState::Skipped);
    skipped.attempts = vec![AttemptRow {
        reason: Some("`entity.flag` is false".to_owned()),
        ..attempt("ipa", StepState::Skipped, 0)
    }];
    check(
        &skipped,
        "settled",
        "execution 12 (F12) had nothing to do: every step was skipped, `extract/ipa` because `entity.flag` is false",
        None,
    );

    let mut cancelled = ended(ExecutionState::Cancelled);
    check(
        &cancelled,
        "settled",
        "execution 12 (F12) was cancelled 10 s ago, by request",
        None,
    );
    cancelled.process.reason = Some("the day is over".to_owned());
    check(
        &cancelled,
        "settled",
        "execution 12 (F12) was cancelled 10 s ago, because the day is over",
        None,
    );

    check(
        &ended(ExecutionState::RolledBack),
        "settled",
        "execution 12 (F12) was rolled back: what it did was removed",
        None,
    );
}
