//! Several engines on one store: they share out what there is, never own the same thing, and one that lost its lease changes nothing.

use crate::store::{database, expire, open};
use carril_model::breaker::BreakerRow;
use carril_model::contract::{
    Change, Claim, Claimed, Fault, Group, Launched, Mailbox, News, NodeInfo, ProcessChange,
    ProcessRow, Record, Report, Store, Verdict, Wish,
};
use carril_model::id::ProcessId;
use carril_model::state::{ExecutionState, ProcessState};
use carril_postgres::store::PostgresStore;
use carril_testkit::postgres::Database;
use carril_testkit::store::{Harness, Opener, Spec, end_of, step_end};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Barrier};

/// Two engines on one store: one with a harness, and another.
struct Two {
    harness: Harness,
    other: PostgresStore,
    database: Arc<Database>,
}

impl Two {
    fn enter() -> Self {
        let database = Arc::new(database());
        let url = database.url();
        let harness = Harness::open(Opener::new(move || Arc::new(open(&url))));
        let other = open(&database.url());
        let two = Self {
            harness,
            other,
            database,
        };
        two.enter_other();
        two
    }

    fn enter_other(&self) -> carril_model::contract::Entered {
        let node = NodeInfo {
            host: "there".to_owned(),
            pid: 4_712,
            command: "test".to_owned(),
            lanes: None,
        };
        let entered = self.other.enter(&node, self.harness.now());
        self.harness.wait(entered).expect("it enters")
    }

    fn claim(&self, process: ProcessId, max: u32) -> Vec<Claimed> {
        let group = claims(&self.harness, process, max);
        let report = self.harness.wait(self.other.commit(group));
        report.expect("it commits").claimed
    }
}

fn claims(harness: &Harness, process: ProcessId, max: u32) -> Arc<Group> {
    Arc::new(Group {
        claims: vec![Claim { process, max }],
        at: harness.now(),
        ..Group::default()
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime
        .expect("a runtime needs no more than memory")
        .block_on(future)
}

fn ids(claimed: &[Claimed]) -> Vec<i64> {
    claimed.iter().map(|one| one.owned.execution.0).collect()
}

/// Both take all they can get, at the same time, again and again.
#[test]
fn claims_are_shared_out() {
    let two = Two::enter();
    let mut spec = two.harness.spec(200);
    spec.launch.lanes = 200;
    let (process, _) = two.harness.launch(&spec);
    let both = Barrier::new(2);
    let at = two.harness.now();
    let take = |store: &dyn Store| {
        let mut taken = Vec::new();
        for _ in 0..25 {
            both.wait();
            let group = Group {
                claims: vec![Claim { process, max: 7 }],
                at,
                ..Group::default()
            };
            let report = block_on(store.commit(Arc::new(group))).expect("it commits");
            taken.extend(report.claimed);
        }
        taken
    };
    let (mine, theirs) = std::thread::scope(|scope| {
        let other = scope.spawn(|| take(&two.other));
        let mine = take(two.harness.store());
        (mine, other.join().expect("no panic"))
    });
    let all: BTreeSet<i64> = ids(&mine).into_iter().chain(ids(&theirs)).collect();
    assert_eq!((mine.len() + theirs.len(), all.len()), (200, 200));
    assert!(
        mine.len() > 50 && theirs.len() > 50,
        "{} and {}",
        mine.len(),
        theirs.len()
    );
}

/// The engine that lost its lease is refused with everything, and what it ran is claimed with a higher token.
#[test]
fn a_lost_lease_changes_nothing() {
    let mut two = Two::enter();
    let (process, claimed) = two.harness.running(3);
    let now = two.harness.tick(1_000_000);
    let before = two.harness.recount(process);
    // Its lease runs out; the other one has none to lose, and gives a sign of life.
    two.database
        .sql("UPDATE carril.node SET lease_until = '-infinity' WHERE host = 'here'");
    let taken = two.harness.wait(two.other.beat(now));
    assert_eq!(taken, Ok(vec![process]), "it is told what it may claim");
    let end = Change::StepEnded(Box::new(step_end(0, now, now)));
    let late = Record {
        owned: claimed[0].owned,
        change: end,
    };
    let group = |records: Vec<Record>| {
        Arc::new(Group {
            records,
            claims: vec![Claim { process, max: 9 }],
            at: now,
            ..Group::default()
        })
    };
    let store = two.harness.store();
    let wait = |answer: Result<Report, Fault>| answer.err();
    let lost = Some(Fault::LostLease);
    assert_eq!(
        wait(two.harness.wait(store.commit(group(vec![late.clone()])))),
        lost
    );
    assert_eq!(two.harness.wait(store.beat(now)).err(), lost);
    assert_eq!(two.harness.wait(store.leave(now)).err(), lost);
    let executions: Vec<_> = claimed.iter().map(|one| one.owned.execution).collect();
    assert_eq!(
        two.harness
            .wait(store.cancel(&executions, "late", now))
            .err(),
        lost
    );
    assert_eq!(
        two.harness
            .wait(store.begin_rollback(&executions, now))
            .err(),
        lost
    );
    let spec = two.harness.spec(1);
    let launched = store.launch(&spec.launch, &spec.entities, Some(1));
    assert_eq!(two.harness.wait(launched).err(), lost);
    let report = two.harness.wait(two.other.commit(group(vec![late])));
    let report = report.expect("it commits");
    assert_eq!(
        report.verdicts,
        [Verdict::Lost],
        "the old token is nobody's"
    );
    assert_eq!(ids(&report.claimed), ids(&claimed));
    for (old, new) in claimed.iter().zip(&report.claimed) {
        assert!(new.owned.token > old.owned.token);
        assert!(!new.fresh && new.steps.is_empty());
    }
    assert_eq!(process_of(&two, process).tally, before.tally);
}

fn process_of(two: &Two, process: ProcessId) -> ProcessRow {
    let row = two.harness.wait(two.other.process(process));
    row.expect("it is there")
}

/// Who enters beside a living engine takes nothing of it: no execution, no launch that is being written, no rollback.
#[test]
fn a_living_engine_keeps_what_it_has() {
    let two = Two::enter();
    let (process, claimed) = two.harness.running(2);
    let now = two.harness.now();
    let spec = two.harness.spec(3);
    let began = two
        .harness
        .store()
        .launch(&spec.launch, &spec.entities, None);
    two.harness.wait(began).expect("it begins");
    let rolled = [claimed[1].owned.execution];
    let rolled = two.harness.store().begin_rollback(&rolled, now);
    two.harness.wait(rolled).expect("it begins");
    let entered = two.enter_other();
    assert_eq!((entered.reclaimed, entered.launches_removed), (0, 0));
    assert_eq!(entered.rolling_back, []);
    assert!(two.claim(process, 9).is_empty());
    two.harness.accept(
        claimed[0].owned,
        Change::StepEnded(Box::new(step_end(0, now, now))),
    );
    // Once it is dead, all of it is the next one's.
    expire(&two.database);
    let entered = two.enter_other();
    assert_eq!((entered.reclaimed, entered.launches_removed), (1, 1));
    assert_eq!(entered.rolling_back.len(), 1);
}

/// A commit renews the lease, at most each second; so does a sign of life.
#[test]
fn signs_of_life_renew_the_lease() {
    let mut two = Two::enter();
    let lease = |two: &Two| {
        let lease =
            "SELECT extract(epoch FROM lease_until)::bigint FROM carril.node WHERE host = 'here'";
        two.database
            .sql(lease)
            .trim()
            .parse::<i64>()
            .expect("a number")
    };
    let short = "UPDATE carril.node SET lease_until = now() + interval '1 second'";
    for seconds in [0, 2] {
        two.database.sql(short);
        let before = lease(&two);
        let now = two.harness.tick(seconds * 1_000_000);
        let group = Group {
            at: now,
            ..Group::default()
        };
        let commit = two.harness.store().commit(Arc::new(group));
        two.harness.wait(commit).expect("it commits");
        assert_eq!(lease(&two) > before + 5, seconds > 0, "after {seconds} s");
    }
    two.database.sql(short);
    let before = lease(&two);
    let now = two.harness.now();
    two.harness
        .wait(two.harness.store().beat(now))
        .expect("it is alive");
    assert!(lease(&two) > before + 5);
}

/// When each of two engines settles one of the last two lanes at the same time, at least one report says that nothing is left.
#[test]
fn somebody_learns_that_the_last_lane_is_done() {
    let two = Two::enter();
    for _ in 0..20 {
        let (process, mine) = two.harness.running(2);
        let theirs = {
            // One of them is handed back, and is the other's from then on.
            let mut account = mine[1].account.clone();
            account.switch(
                carril_model::account::Cause::plain(carril_model::account::CauseKind::Queued),
                two.harness.now(),
            );
            two.harness
                .accept(mine[1].owned, Change::Released { account });
            two.claim(process, 1).remove(0)
        };
        let now = two.harness.now();
        let both = Barrier::new(2);
        let settle = |store: &dyn Store, claimed: &Claimed| {
            let group = Group {
                records: vec![end_of(claimed, ExecutionState::Succeeded, now)],
                at: now,
                ..Group::default()
            };
            both.wait();
            let report = block_on(store.commit(Arc::new(group))).expect("it commits");
            report.processes[0].open
        };
        let seen = std::thread::scope(|scope| {
            let other = scope.spawn(|| settle(&two.other, &theirs));
            [
                settle(two.harness.store(), &mine[0]),
                other.join().expect("no panic"),
            ]
        });
        assert!(seen.contains(&0), "{seen:?}");
        let row = process_of(&two, process);
        assert_eq!((row.open, row.tally.succeeded), (0, 2));
    }
}

/// Two engines work off processes whose executions share lane keys: of each key never more than one runs.
#[test]
fn a_lane_key_is_held_once_over_all_engines() {
    let two = Two::enter();
    let processes: Vec<ProcessId> = (0..3)
        .map(|_| {
            let mut spec = two.harness.spec(30);
            for (at, entity) in spec.entities.iter_mut().enumerate() {
                entity.lane_hash = i64::try_from(at % 6).expect("small");
            }
            spec.launch.overlap = carril_model::definition::Overlap::Allow;
            two.harness.launch(&spec).0
        })
        .collect();
    let now = two.harness.now();
    let work = |store: &dyn Store| {
        let (mut records, mut settled) = (Vec::new(), 0_usize);
        for _ in 0..200 {
            let claim = |process: &ProcessId| Claim {
                process: *process,
                max: 3,
            };
            let group = Group {
                records: std::mem::take(&mut records),
                claims: processes.iter().map(claim).collect(),
                at: now,
                ..Group::default()
            };
            let report = block_on(store.commit(Arc::new(group))).expect("it commits");
            assert!(
                report
                    .verdicts
                    .iter()
                    .all(|verdict| *verdict == Verdict::Done)
            );
            settled += report.verdicts.len();
            records = report
                .claimed
                .iter()
                .map(|one| end_of(one, ExecutionState::Succeeded, now))
                .collect();
        }
        settled
    };
    let twice = "SELECT count(*) FROM (SELECT lane_hash FROM carril.execution WHERE state = 1 GROUP BY lane_hash HAVING count(*) > 1) t";
    let (mine, theirs, seen) = std::thread::scope(|scope| {
        let other = scope.spawn(|| work(&two.other));
        let watch = scope.spawn(|| (0..20).map(|_| two.database.sql(twice)).collect::<Vec<_>>());
        let mine = work(two.harness.store());
        (
            mine,
            other.join().expect("no panic"),
            watch.join().expect("no panic"),
        )
    });
    assert!(seen.iter().all(|count| count.trim() == "0"), "{seen:?}");
    assert_eq!(mine + theirs, 90, "{mine} and {theirs}");
    let by_process: BTreeMap<ProcessId, u64> = processes
        .iter()
        .map(|process| (*process, process_of(&two, *process).tally.succeeded))
        .collect();
    assert!(
        by_process.values().all(|count| *count == 30),
        "{by_process:?}"
    );
}

/// An engine that lost its connection enters again, and need not wait for its own lease.
#[test]
fn who_enters_again_takes_up_its_own_work() {
    let mut two = Two::enter();
    let (process, claimed) = two.harness.running(2);
    let entered = two.harness.enter();
    assert_eq!(entered.reclaimed, 2);
    two.harness.refuse(
        claimed[0].owned,
        Change::Cause {
            account: claimed[0].account.clone(),
        },
    );
    let again = two.harness.claim(process, 9);
    assert_eq!(ids(&again), ids(&claimed));
    assert!(again[0].owned.token > claimed[0].owned.token);
}

/// A wish is one engine's, as long as that one lives.
#[test]
fn a_wish_is_for_one_engine() {
    let two = Two::enter();
    let history = carril_postgres::store::PostgresHistory::open(
        &two.database.url(),
        &carril_postgres::store::StoreOptions::default(),
    );
    let history = history.expect("it opens");
    let now = two.harness.now();
    let wish = Wish::Pause {
        process: ProcessId(1),
    };
    let posted = two
        .harness
        .wait(history.post(&wish, now))
        .expect("it is left");
    let found = |store: &dyn Store| -> Vec<_> {
        let found = two.harness.wait(store.requests()).expect("they are read");
        found.iter().map(|request| request.id).collect()
    };
    assert_eq!(found(two.harness.store()), [posted]);
    assert_eq!(found(&two.other), []);
    assert_eq!(found(two.harness.store()), [posted], "until it is answered");
    two.database
        .sql("UPDATE carril.node SET lease_until = '-infinity' WHERE host = 'here'");
    two.harness.wait(two.other.beat(now)).expect("it is alive");
    assert_eq!(found(&two.other), [posted]);
}

/// What one engine does to processes and executions reaches what another runs.
#[test]
fn a_cancel_by_another_engine_reaches_who_runs() {
    let two = Two::enter();
    let (_, claimed) = two.harness.running(2);
    let now = two.harness.now();
    let id = [claimed[0].owned.execution];
    let stopped = two.harness.wait(two.other.cancel(&id, "enough", now));
    let (running, _) = stopped.expect("it is asked");
    assert_eq!(running, [claimed[0].owned], "its engine is to stop it");
    let rolled = two.harness.wait(two.other.begin_rollback(&id, now));
    assert!(rolled.expect("it begins")[0].token > claimed[0].owned.token);
    two.harness.refuse(
        claimed[0].owned,
        Change::StepEnded(Box::new(step_end(0, now, now))),
    );
}

fn news(two: &Two, named: &[ProcessId]) -> News {
    let neighbours = two.other.neighbours().expect("engines share the store");
    let look = neighbours.look(named);
    two.harness.wait(look).expect("it looks")
}

/// The same launch with lane keys of its own.
fn apart(mut spec: Spec, round: i64) -> Spec {
    for entity in &mut spec.entities {
        entity.lane_hash += round * 100_000_000;
    }
    spec
}

/// A look tells what another engine left to do, and of what changed only what the last one did not tell.
#[test]
fn a_look_tells_what_others_did() {
    let mut two = Two::enter();
    assert_eq!(news(&two, &[]), News::default());
    let (process, claimed) = two.harness.running(2);
    assert_eq!(news(&two, &[]).ready, [], "all of it is claimed");
    let (waits, _) = two.harness.launch(&apart(two.harness.spec(1), 1));
    let seen = news(&two, &[process, waits]);
    assert_eq!(
        (seen.ready, seen.moved),
        (vec![waits], vec![process, waits])
    );
    let seen = news(&two, &[process, waits]);
    assert_eq!(
        (seen.ready, seen.moved),
        (vec![waits], vec![]),
        "ready is told each time"
    );
    let mine = two.claim(waits, 1);
    let at = two.harness.tick(10);
    let cancel = ProcessChange::Cancel {
        process: waits,
        state: ProcessState::Cancelled,
        reason: "enough".to_owned(),
        at,
    };
    two.harness.change(cancel);
    let seen = news(&two, &[process, waits]);
    assert_eq!(seen.moved, [waits]);
    assert_eq!(
        seen.cancelling,
        [mine[0].owned],
        "what this engine is to stop"
    );
    let breaker = BreakerRow {
        resource: "api".to_owned(),
        change: 3,
        ..BreakerRow::default()
    };
    let group = Group {
        breakers: vec![breaker.clone()],
        at,
        ..Group::default()
    };
    let commit = two.harness.store().commit(Arc::new(group));
    two.harness.wait(commit).expect("it commits");
    assert_eq!(news(&two, &[]).breakers, [breaker]);
    assert_eq!(news(&two, &[]).breakers, []);
    two.harness.settle(&claimed, ExecutionState::Succeeded);
    let seen = news(&two, &[process]);
    assert_eq!((seen.undecided, seen.moved), (vec![process], vec![process]));
    let settle = ProcessChange::Settle {
        process,
        state: ProcessState::Succeeded,
        reason: None,
        at,
    };
    two.harness.change(settle);
    for _ in 0..2 {
        let seen = news(&two, &[process]);
        assert_eq!(
            (seen.undecided, seen.moved),
            (vec![], vec![process]),
            "until it is let go"
        );
    }
}

/// A rollback that a dead engine began is the next one's that looks, and nobody else's; a wish that waits is told until it is found.
#[test]
fn a_look_takes_over_rollbacks_and_sees_wishes() {
    let two = Two::enter();
    let (_, claimed) = two.harness.running(1);
    let now = two.harness.now();
    let ids = [claimed[0].owned.execution];
    let begun = two.harness.store().begin_rollback(&ids, now);
    let begun = two.harness.wait(begun).expect("it begins");
    assert_eq!(news(&two, &[]).rolling_back, [], "its engine lives");
    let leave = two.harness.store().leave(now);
    two.harness.wait(leave).expect("it leaves");
    assert_eq!(news(&two, &[]).rolling_back, begun);
    assert_eq!(news(&two, &[]).rolling_back, [], "told once, to whom it is");
    let history = carril_postgres::store::PostgresHistory::open(
        &two.database.url(),
        &carril_postgres::store::StoreOptions::default(),
    );
    let history = history.expect("it opens");
    assert!(!news(&two, &[]).requests);
    let wish = Wish::Pause {
        process: ProcessId(1),
    };
    two.harness
        .wait(history.post(&wish, now))
        .expect("it is left");
    assert!(news(&two, &[]).requests);
}

/// Whoever does something that concerns others rings them, and not itself; what concerns nobody rings nobody.
#[test]
fn engines_ring_each_other() {
    let two = Two::enter();
    let (mine, theirs) = (two.harness.store(), &two.other as &dyn Store);
    let rung = |store: &dyn Store, limit: u64| {
        let neighbours = store.neighbours().expect("engines share the store");
        let heard = async {
            tokio::time::timeout(
                std::time::Duration::from_millis(limit),
                neighbours.stirred(),
            )
            .await
            .is_ok()
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        runtime
            .expect("a runtime needs no more than memory")
            .block_on(heard)
    };
    // What came of entering and beginning to listen.
    while rung(mine, 300) | rung(theirs, 300) {}
    let (process, claimed) = two.harness.running(1);
    assert!(rung(theirs, 20_000), "a launch");
    assert!(!rung(mine, 300), "its own");
    let now = two.harness.now();
    let end = Change::StepEnded(Box::new(step_end(0, now, now)));
    two.harness.accept(claimed[0].owned, end);
    assert!(!rung(theirs, 300), "a step of its own lane");
    let ids = [claimed[0].owned.execution];
    let cancel = two.other.cancel(&ids, "enough", now);
    two.harness.wait(cancel).expect("it is asked");
    assert!(rung(mine, 20_000), "a cancel of what it runs in {process}");
}

/// Two engines that grow at the same time never fill more lanes than the process has; who comes late goes hungry, and gets its
/// share as lanes come free.
#[test]
fn lanes_of_a_process_are_counted_over_engines() {
    let two = Two::enter();
    for round in 0..10 {
        let mut spec = apart(two.harness.spec(40), round);
        spec.launch.lanes = 5;
        let (process, _) = two.harness.launch(&spec);
        let at = two.harness.now();
        let both = Barrier::new(2);
        let grow = |store: &dyn Store| {
            let group = Group {
                claims: vec![Claim { process, max: 4 }],
                at,
                ..Group::default()
            };
            both.wait();
            block_on(store.commit(Arc::new(group)))
                .expect("it commits")
                .claimed
        };
        let (mine, theirs) = std::thread::scope(|scope| {
            let other = scope.spawn(|| grow(&two.other));
            (grow(two.harness.store()), other.join().expect("no panic"))
        });
        assert_eq!(mine.len() + theirs.len(), 5);
        assert!(
            mine.len() == 4 || theirs.len() == 4,
            "the first takes what it asks for"
        );
    }
    let mut spec = apart(two.harness.spec(40), 10);
    spec.launch.lanes = 4;
    spec.open = 4;
    let (process, mut mine) = two.harness.launch(&spec);
    assert_eq!(two.claim(process, 4).len(), 0, "every lane is taken");
    // The first engine goes on as lanes do: whoever ends asks for the next.
    let mut theirs = Vec::new();
    for _ in 0..6 {
        let at = two.harness.now();
        let done = mine.remove(0);
        let record = end_of(&done, ExecutionState::Succeeded, at);
        let claims = vec![Claim { process, max: 1 }];
        let report = two.harness.try_commit(vec![record], Vec::new(), claims);
        mine.extend(report.expect("it commits").claimed);
        theirs.extend(two.claim(process, 4));
    }
    assert_eq!((mine.len(), theirs.len()), (2, 2), "each has its share");
}

/// Launches of one pipeline are written one after the other, whoever writes them: until one is whole, or its engine dead.
#[test]
fn launches_of_one_pipeline_take_turns_over_engines() {
    let mut two = Two::enter();
    let begin = |two: &Two| {
        let spec = two.harness.spec(2);
        let begun = two.other.launch(&spec.launch, &spec.entities, None);
        two.harness.wait(begun).expect("the store answers")
    };
    let spec = two.harness.spec(3);
    let began = two
        .harness
        .store()
        .launch(&spec.launch, &spec.entities[..2], None);
    let Launched::New { process, .. } = two.harness.wait(began).expect("it begins") else {
        panic!("a new process was expected");
    };
    assert_eq!(begin(&two), Launched::Behind(process));
    let now = two.harness.now();
    let rest = two
        .harness
        .store()
        .extend(process, &spec.entities[2..], Some(0), now);
    two.harness.wait(rest).expect("it is whole");
    let Launched::New { process: next, .. } = begin(&two) else {
        panic!("it is its turn");
    };
    // The other way round, and its engine dies over it.
    let mine = two
        .harness
        .store()
        .launch(&spec.launch, &spec.entities, None);
    assert_eq!(two.harness.wait(mine), Ok(Launched::Behind(next)));
    two.database
        .sql("UPDATE carril.node SET lease_until = '-infinity' WHERE host = 'there'");
    let now = two.harness.tick(10);
    let beat = two.harness.store().beat(now);
    two.harness.wait(beat).expect("it is alive");
    let spec = apart(spec, 1);
    let (_, claimed) = two.harness.launch(&Spec { open: 3, ..spec });
    assert_eq!(claimed.len(), 3);
}
