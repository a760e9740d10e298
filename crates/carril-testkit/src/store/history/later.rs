//! What comes after a run: wishes of other programs, rollbacks, the next run.

use super::*;
use carril_model::contract::ProcessChange;

/// A wish is left found answered and taken back.
pub fn a_wish_is_left_found_answered_and_taken_back(house: &mut House) {
    let now = house.harness.now();
    let cancel = Wish::Cancel {
        selection: Selection::Process(ProcessId(1)),
        reason: "stop".to_owned(),
    };
    let retry = Wish::Retry {
        selection: Selection::Executions(vec![ExecutionId(7)]),
        from: Some("load/first".to_owned()),
    };
    let first = house
        .harness
        .wait(house.history.post(&cancel, now))
        .expect("it is left");
    let later = house.harness.tick(1);
    let second = house
        .harness
        .wait(house.history.post(&retry, later))
        .expect("it is left");
    let found = house
        .harness
        .wait(house.harness.store().requests())
        .expect("they are found");
    assert_eq!(
        found.iter().map(|request| request.id).collect::<Vec<_>>(),
        [first, second],
        "the oldest first"
    );
    assert_eq!(
        found
            .iter()
            .map(|request| &request.wish)
            .collect::<Vec<_>>(),
        [&cancel, &retry]
    );
    assert_eq!(house.harness.wait(house.history.answer_of(first)), Ok(None));
    let answer = Answer::Refused {
        code: "CAR0404".to_owned(),
        message: "no".to_owned(),
    };
    house
        .harness
        .wait(house.harness.store().answer(first, &answer, now))
        .expect("it is answered");
    assert_eq!(
        house.harness.wait(house.history.answer_of(first)),
        Ok(Some(answer.clone()))
    );
    assert_eq!(
        house.harness.wait(house.history.withdraw(first)),
        Ok(false),
        "an answered wish cannot be taken back"
    );
    assert_eq!(house.harness.wait(house.history.withdraw(second)), Ok(true));
    assert_eq!(
        house.harness.wait(house.history.withdraw(second)),
        Ok(false)
    );
    let late = Answer::Accepted {
        processes: Vec::new(),
        message: "late".to_owned(),
    };
    house
        .harness
        .wait(house.harness.store().answer(second, &late, now))
        .expect("nobody reads it");
    house
        .harness
        .wait(house.harness.store().answer(first, &late, now))
        .expect("the first answer stands");
    assert_eq!(
        house.harness.wait(house.history.answer_of(first)),
        Ok(Some(answer))
    );
    assert_eq!(
        house.harness.wait(house.harness.store().requests()),
        Ok(Vec::new())
    );
    let third = house
        .harness
        .wait(house.history.post(&cancel, now))
        .expect("it is left");
    assert!(third > second, "a number is not used twice");
    assert_eq!(
        house.harness.wait(house.history.answer_of(RequestId(99))),
        Ok(None)
    );
}

/// Rollbacks and reruns leave their history.
pub fn rollbacks_and_reruns_leave_their_history(house: &mut House) {
    let (process, claimed) = house.harness.running(1);
    let id = claimed[0].owned.execution;
    house.harness.settle(&claimed, ExecutionState::Succeeded);
    let owned = house
        .harness
        .wait(
            house
                .harness
                .store()
                .begin_rollback(&[id], house.harness.now()),
        )
        .expect("it begins");
    assert!(house.execution(id).rolling_back);
    assert_eq!(
        house.execution(id).account.cause().kind,
        CauseKind::RollingBack
    );
    let at = house.harness.tick(5);
    house.harness.accept(
        owned[0],
        Change::RolledBack {
            at,
            rows: rows("published"),
        },
    );
    assert_eq!(
        (house.execution(id).state, house.execution(id).rolling_back),
        (ExecutionState::RolledBack, false)
    );
    let rerun = Rerun {
        execution: id,
        expected: Run(1),
        segment: 0,
        carried: Vec::new(),
    };
    house
        .harness
        .wait(house.harness.store().rerun(process, &[rerun], at))
        .expect("it runs again");
    assert_eq!(
        (house.execution(id).run, house.execution(id).ended_at),
        (Run(2), None)
    );
    let kept = house.raw(&format!(
        "SELECT run, state, rolled_back_at, removed FROM run_history WHERE execution_id = {}",
        id.0
    ));
    let kept: Vec<&str> = kept.trim().splitn(4, '|').collect();
    let succeeded = ExecutionState::Succeeded.code();
    assert_eq!(
        kept[..3],
        ["1".to_owned(), succeeded.to_string(), at.0.to_string()],
        "the run that was rolled back is kept"
    );
    assert_eq!(
        serde_json::from_str::<Vec<TableRows>>(kept[3]).expect("it reads"),
        rows("published")
    );
}

/// The time between an end and a retry is nobodys work.
pub fn the_time_between_an_end_and_a_retry_is_nobodys_work(house: &mut House) {
    let (process, claimed) = house.harness.running(2);
    let worked = |house: &House| {
        let now = house.harness.now();
        house
            .harness
            .wait(house.history.worked_micros(process, now))
            .expect("it is asked")
    };
    let launched = house.execution(claimed[0].owned.execution).launched_at;
    house.harness.tick(700);
    let first_look = house.harness.now().micros_since(launched);
    assert_eq!(worked(house), first_look, "both lanes at once count once");
    house.harness.settle(&claimed, ExecutionState::Failed);
    let id = claimed[0].owned.execution;
    let ended = house.execution(id).ended_at.expect("it has ended");
    let first_run = ended.micros_since(launched);
    let day = 24 * 3_600 * 1_000_000;
    house.harness.tick(day);
    assert_eq!(worked(house), first_run, "nothing ran meanwhile");
    let rerun = Rerun {
        execution: id,
        expected: Run(1),
        segment: 0,
        carried: Vec::new(),
    };
    let at = house.harness.now();
    house
        .harness
        .wait(house.harness.store().rerun(process, &[rerun], at))
        .expect("it runs again");
    let again = house.harness.claim(process, 1);
    let started = house.execution(id).started_at.expect("it has a lane");
    house.harness.tick(300);
    house.harness.settle(&again, ExecutionState::Succeeded);
    let ended = house.execution(id).ended_at.expect("it has ended again");
    house.harness.tick(day);
    assert_eq!(worked(house), first_run + ended.micros_since(started));
}

/// A cancel is decided, then a lane comes to its barrier, then the cancel is written: the lane ends when it came there, not before.
pub fn nobody_ends_before_the_last_that_is_known_of_them(house: &mut House) {
    let mut spec = house.harness.spec_in_segments(2);
    spec.open = 2;
    let (process, claimed) = house.harness.launch(&spec);
    let decided = house.harness.now();
    let came = house.harness.tick(40);
    house.harness.park(&claimed[0], 2);
    house.harness.change(ProcessChange::Cancel {
        process,
        state: ProcessState::Failed,
        reason: "too many failed".to_owned(),
        at: decided,
    });
    let row = house.execution(claimed[0].owned.execution);
    assert_eq!(row.state, ExecutionState::Cancelled);
    assert_eq!((row.ended_at, row.account.since()), (Some(came), came));
    let charged: i64 = row.account.sums().values().sum();
    assert_eq!(charged, came.micros_since(row.launched_at));
}
