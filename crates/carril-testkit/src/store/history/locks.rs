//! Waits for locks: kept while they last, told by whom and by table, and apart from other waits.

use super::*;
use carril_model::lock::{Blocker, LockWait, Session};

fn by(pid: i32) -> Blocker {
    Blocker::Session(Box::new(Session {
        pid,
        user: Some("ana".to_owned()),
        application: Some("psql".to_owned()),
        query: Some("update positions set amount = ?".to_owned()),
        ..Session::default()
    }))
}

fn lock(table: &str, since: Timestamp, blocker: Blocker) -> LockWait {
    LockWait {
        target: "funds".to_owned(),
        table: Some(table.to_owned()),
        kind: "transactionid".to_owned(),
        mode: "ShareLock".to_owned(),
        pid: 11,
        since,
        blocker,
        through: Vec::new(),
        deadlock: false,
    }
}

fn waited(step: u16, lock: LockWait, until: Timestamp) -> Change {
    Change::Waited {
        step: Some(StepId(step)),
        cause: Cause::about(CauseKind::Lock, lock.about()),
        from: lock.since,
        until,
        lock: Some(Box::new(lock)),
    }
}

/// A wait for a lock is kept while it lasts and told with its holder.
pub fn a_wait_for_a_lock_is_kept_while_it_lasts(house: &mut House) {
    let (_, claimed) = house.harness.running(1);
    let owned = claimed[0].owned;
    let since = house.harness.now();
    let at = |micros: i64| Timestamp(since.0 + micros);
    house.harness.tick(900_000);
    let of = |house: &House| {
        let found = house.harness.wait(house.history.lock_of(owned.execution));
        found.expect("it is asked")
    };
    assert_eq!(of(house), None);
    let first = lock("positions", at(10), by(7));
    house
        .harness
        .accept(owned, waited(0, first.clone(), at(60_010)));
    let told = of(house).expect("it is there");
    assert_eq!((told.began, told.micros), (at(10), 60_000));
    assert_eq!((told.step.as_str(), &told.lock), ("load/first", &first));
    // The same wait, of which more is known: told twice in one group, the last counts.
    let mut more = first;
    more.through = vec![Blocker::Execution {
        execution: ExecutionId(99),
        step: "load/first".to_owned(),
        pid: 8,
    }];
    let records = [60_020, 700_010].map(|until| Record {
        owned,
        change: waited(0, more.clone(), at(until)),
    });
    assert_eq!(
        house.harness.records(records.to_vec()),
        [Verdict::Done, Verdict::Done]
    );
    let told = of(house).expect("it is there");
    assert_eq!((told.micros, &told.lock), (700_000, &more));
    // The next one of the run is the latest.
    let next = lock("prices", at(800_000), Blocker::Prepared);
    house
        .harness
        .accept(owned, waited(0, next.clone(), at(900_000)));
    assert_eq!(of(house).expect("it is there").lock, next);
}

/// Waits for locks are told longest first and summed by table and holder.
pub fn waits_for_locks_are_told_and_summed_by_table_and_holder(house: &mut House) {
    let (process, claimed) = house.harness.running(2);
    let since = house.harness.now();
    let at = |micros: i64| Timestamp(since.0 + micros);
    house.harness.tick(10_000);
    let ours = || Blocker::Execution {
        execution: claimed[0].owned.execution,
        step: "load/first".to_owned(),
        pid: 8,
    };
    for (who, table, blocker, from, until) in [
        (0, "positions", by(7), 0, 400),
        (1, "positions", by(7), 10, 610),
        (1, "positions", ours(), 700, 800),
        (0, "prices", by(7), 500, 550),
    ] {
        let wait = lock(table, at(from), blocker);
        house
            .harness
            .accept(claimed[who].owned, waited(0, wait, at(until)));
    }
    // Another kind of wait is none for a lock.
    let slot = Change::Waited {
        step: Some(StepId(0)),
        cause: Cause::about(CauseKind::Slot, "geneva"),
        from: at(0),
        until: at(9_000),
        lock: None,
    };
    house.harness.accept(claimed[0].owned, slot);
    let [first, second] = [0, 1].map(|who| claimed[who].owned.execution);
    let rows = house.harness.wait(house.history.locks(process, 3));
    let rows = rows.expect("they are asked");
    let told: Vec<_> = rows.iter().map(|row| (row.execution, row.micros)).collect();
    assert_eq!(told, [(second, 600), (first, 400), (second, 100)]);
    assert_eq!(rows[0].entity.as_deref(), Some("e00001"));
    let costs = house.harness.wait(house.history.lock_costs(process, 9));
    let costs = costs.expect("they are asked");
    let told: Vec<_> = costs
        .iter()
        .map(|row| {
            let sums = (row.waits, row.total_micros, row.max_micros);
            (row.about.as_str(), row.foreign, sums, row.worst)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("positions", true, (2, 1_000, 600), second),
            ("positions", false, (1, 100, 100), second),
            ("prices", true, (1, 50, 50), first),
        ]
    );
    assert_eq!(costs[0].blocker, "psql (user ana, pid 7)");
    assert_eq!(costs[1].blocker, format!("execution {first} (load/first)"));
    let views = house.sql(
        "SELECT blocker, about FROM waits WHERE cause = 'lock' ORDER BY duration_us DESC LIMIT 1",
    );
    assert_eq!(
        views,
        [[json!("psql (user ana, pid 7)"), json!("positions")]]
    );
    let views = house
        .sql("SELECT details FROM trace WHERE event = 'LOCK' ORDER BY duration_us DESC LIMIT 1");
    let details = views[0][0].as_str().expect("a text");
    let details: Value = serde_json::from_str(details).expect("it is JSON");
    assert_eq!(details["lock"]["blocker"]["pid"], 7, "{details}");
}
