//! What is said of a lock, for each kind of holder.

use super::super::tests::{Case, NOW, case, check};
use super::*;
use carril_model::account::Cause;
use carril_model::contract::LockRow;
use carril_model::id::{ExecutionId, Run};
use carril_model::state::ExecutionState;

const BEGIN: &str = "execution 12 (F12) waits since 1 min 0 s at `extract/ipa` for";

fn waiting(blocker: Blocker, through: Vec<Blocker>) -> Case {
    let cause = Cause::about(CauseKind::Lock, "positions");
    let mut waiting = case(ExecutionState::Running, cause);
    waiting.lock = Some(LockRow {
        execution: ExecutionId(12),
        entity: Some("F12".to_owned()),
        run: Run(1),
        step: "extract/ipa".to_owned(),
        began: Timestamp(40_000_000),
        micros: 50_000,
        lock: LockWait {
            target: "funds".to_owned(),
            table: Some("positions".to_owned()),
            kind: "transactionid".to_owned(),
            mode: "ShareLock".to_owned(),
            pid: 11,
            since: Timestamp(40_000_000),
            blocker,
            through,
            deadlock: false,
        },
    });
    waiting
}

fn psql(state: &str) -> Session {
    Session {
        pid: 4711,
        user: Some("ana".to_owned()),
        application: Some("psql".to_owned()),
        address: Some("10.0.0.7".to_owned()),
        state: Some(state.to_owned()),
        state_since: Some(Timestamp(NOW.0 - 4_100_000)),
        transaction_since: Some(Timestamp(NOW.0 - 65_000_000)),
        query: Some("update positions set amount = ?".to_owned()),
        hidden: false,
    }
}

fn ours(execution: i64) -> Blocker {
    Blocker::Execution {
        execution: ExecutionId(execution),
        step: "extract/ipa".to_owned(),
        pid: 21,
    }
}

#[test]
fn a_session_that_sits_idle_in_its_transaction_is_described_and_can_be_ended() {
    let case = waiting(
        Blocker::Session(Box::new(psql("idle in transaction"))),
        vec![],
    );
    let sentence = format!(
        "{BEGIN} a row of table `positions` that is locked in target `funds`, held by session 4711, which is not Carril's: user `ana`, application `psql`, from 10.0.0.7, idle in transaction since 4.1 s, its transaction is open since 1 min 5 s, its last statement was `update positions set amount = ?`; it does nothing now and keeps its locks until it commits or is ended; if nobody needs it, `select pg_terminate_backend(4711)` there ends it and takes back what it has not committed"
    );
    check(&case, "lock", &sentence, None);
}

#[test]
fn a_session_at_work_may_go_on_by_itself() {
    let mut session = psql("active");
    session.transaction_since = session.state_since;
    session.address = None;
    let mut case = waiting(Blocker::Session(Box::new(session)), vec![]);
    if let Some(row) = &mut case.lock {
        row.lock.kind = "relation".to_owned();
    }
    let sentence = format!(
        "{BEGIN} a lock on table `positions` in target `funds`, held by session 4711, which is not Carril's: user `ana`, application `psql`, active since 4.1 s, running `update positions set amount = ?`; it is at work and may go on by itself; `select pg_cancel_backend(4711)` there stops its statement, `select pg_terminate_backend(4711)` ends it"
    );
    check(&case, "lock", &sentence, None);
}

#[test]
fn what_the_database_hides_is_said_to_be_hidden() {
    let session = Session {
        pid: 4711,
        user: Some("ana".to_owned()),
        hidden: true,
        ..Session::default()
    };
    let case = waiting(Blocker::Session(Box::new(session)), vec![]);
    let sentence = format!(
        "{BEGIN} a row of table `positions` that is locked in target `funds`, held by session 4711, which is not Carril's: user `ana`; the database hides its state and statement from Carril's role, which `pg_read_all_stats` would show; if nobody needs it, `select pg_terminate_backend(4711)` there ends it and takes back what it has not committed"
    );
    check(&case, "lock", &sentence, None);
}

#[test]
fn an_execution_that_holds_it_is_the_next_link() {
    let sentence = format!(
        "{BEGIN} a row of table `positions` that is locked in target `funds`, held by execution 9, which is at `extract/ipa` (process 21 of the database)"
    );
    let next = Some(Next::Execution(ExecutionId(9)));
    check(&waiting(ours(9), vec![]), "lock", &sentence, next);
}

#[test]
fn the_root_is_told_and_who_stands_between_is_the_next_link() {
    let root = Session {
        pid: 5,
        ..Session::default()
    };
    let case = waiting(
        Blocker::Session(Box::new(root)),
        vec![ours(8), Blocker::Session(Box::new(psql("active")))],
    );
    let sentence = format!(
        "{BEGIN} a row of table `positions` that is locked in target `funds`, held by session 5, which is not Carril's; if nobody needs it, `select pg_terminate_backend(5)` there ends it and takes back what it has not committed; execution 8 (extract/ipa) and 1 other wait for the same one, before it"
    );
    let next = Some(Next::Execution(ExecutionId(8)));
    check(&case, "lock", &sentence, next);
}

#[test]
fn a_lock_of_which_no_record_is_there_says_so() {
    let cause = Cause::about(CauseKind::Lock, "positions");
    check(
        &case(ExecutionState::Running, cause),
        "lock",
        "execution 12 (F12) waits since 1 min 0 s for a lock in the database (positions); who holds it is not known",
        None,
    );
}
