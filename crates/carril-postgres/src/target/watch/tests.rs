//! What is told of what looks see: when somebody is looked at, what begins a wait, what only says more of it, and what ends it.

use super::look::{Seen, Sight, Wait};
use super::*;
use std::sync::atomic::{AtomicI64, Ordering};

const WAITER: i32 = 11;

#[derive(Default)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<LockNews>>);

impl LockSink for Heard {
    fn tell(&self, news: LockNews) {
        lock(&self.0).push(news);
    }
}

struct Room {
    watch: Arc<Watch>,
    clock: Arc<SetClock>,
    heard: Arc<Heard>,
}

impl Room {
    /// One session at work since time 0.
    fn new() -> Self {
        let (clock, heard) = (Arc::new(SetClock::default()), Arc::new(Heard::default()));
        let watch = Watch::new("funds", Arc::<SetClock>::clone(&clock), false);
        let room = Self {
            watch,
            clock,
            heard,
        };
        room.put(WAITER, 12, 1);
        room
    }

    fn put(&self, pid: i32, execution: i64, number: u64) {
        let work = AtWork {
            number,
            who: Who {
                execution: ExecutionId(execution),
                step: "compute/ipa".to_owned(),
            },
            sink: Some(Arc::<Heard>::clone(&self.heard)),
            tables: vec!["positions".to_owned()],
            busy_since: self.watch.now(),
            looked: None,
            waits: false,
            told: None,
        };
        lock(&self.watch.state).at_work.insert(pid, work);
    }

    fn at(&self, millis: i64) -> Timestamp {
        self.clock.0.store(millis * 1_000, Ordering::Relaxed);
        self.watch.now()
    }

    fn watched(&self) -> Watched {
        Watched {
            watch: Arc::clone(&self.watch),
            pid: WAITER,
            number: 1,
        }
    }

    /// A look at this time sees the session wait behind these since so long, of whom strangers are in this state.
    fn sees(&self, millis: i64, waited_millis: i64, blocker: i32, state: &str) {
        self.sees_late(
            Timestamp(millis * 1_000),
            millis,
            waited_millis,
            blocker,
            state,
        );
    }

    /// The same of a look that began at `asked`.
    fn sees_late(
        &self,
        asked: Timestamp,
        millis: i64,
        waited_millis: i64,
        blocker: i32,
        state: &str,
    ) {
        let now = self.at(millis);
        let mut sight = Sight::default();
        sight.waits.insert(
            WAITER,
            Wait {
                blockers: vec![blocker],
                kind: "transactionid".to_owned(),
                mode: "ShareLock".to_owned(),
                waited_micros: Some(waited_millis * 1_000),
                tables: Vec::new(),
                shared: vec!["positions".to_owned()],
            },
        );
        let session = Session {
            pid: blocker,
            user: Some("ana".to_owned()),
            application: Some("psql".to_owned()),
            state: Some(state.to_owned()),
            state_since: Some(Timestamp(now.0 - 5)),
            ..Session::default()
        };
        sight.sessions.insert(blocker, Seen::of(session));
        self.watch.saw((&[WAITER], asked), &[WAITER], &sight);
    }

    fn sees_nothing(&self, millis: i64) {
        let now = self.at(millis);
        self.watch.saw((&[WAITER], now), &[], &Sight::default());
    }

    fn heard(&self) -> Vec<LockNews> {
        std::mem::take(&mut lock(&self.heard.0))
    }

    /// Who and since when, of what was heard, which must be one wait.
    fn heard_wait(&self) -> (String, i64) {
        match self.heard().as_slice() {
            [LockNews::Waits(wait)] => (wait.blocker.to_string(), wait.since.0 / 1_000),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_session_is_looked_at_when_its_statement_is_old_enough_and_then_five_times_a_second() {
    let room = Room::new();
    assert_eq!(room.watch.due(room.at(40)), Some(vec![]));
    assert_eq!(room.watch.due(room.at(50)), Some(vec![WAITER]));
    room.sees_nothing(50);
    assert_eq!(room.watch.due(room.at(200)), Some(vec![]));
    assert_eq!(room.watch.due(room.at(250)), Some(vec![WAITER]));
    room.sees_nothing(250);
    // The next statement is new.
    let watched = room.watched();
    watched.begins(Vec::new());
    assert_eq!(room.watch.due(room.at(290)), Some(vec![]));
    assert_eq!(room.watch.due(room.at(300)), Some(vec![WAITER]));
    room.sees(300, 20, 7, "active");
    assert_eq!(
        room.watch.due(room.at(301)),
        Some(vec![WAITER]),
        "who waits is looked at each time"
    );
}

#[test]
fn nobody_at_work_is_nobody_to_look_at() {
    let room = Room::new();
    drop(room.watched());
    assert_eq!(room.watch.due(room.at(1_000)), None);
}

#[test]
fn a_wait_is_told_from_its_beginning_and_its_end_when_it_is_seen() {
    let room = Room::new();
    room.sees(60, 40, 7, "active");
    assert_eq!(room.heard(), [], "it is too short");
    room.sees(110, 90, 7, "active");
    assert_eq!(room.heard_wait(), ("psql (user ana, pid 7)".to_owned(), 20));
    room.sees(160, 140, 7, "active");
    assert_eq!(room.heard(), [], "that is known");
    room.sees(210, 190, 7, "idle in transaction");
    assert_eq!(room.heard_wait().1, 20, "more of the same wait");
    room.sees(1_300, 1_280, 7, "idle in transaction");
    assert_eq!(room.heard_wait().1, 20, "said again after a second");
    room.sees_nothing(1_400);
    let over = LockNews::Over {
        at: Timestamp(1_400_000),
    };
    assert_eq!(room.heard(), [over]);
    room.sees_nothing(1_600);
    assert_eq!(room.heard(), []);
}

#[test]
fn a_statement_that_comes_back_ends_the_wait_at_once() {
    let room = Room::new();
    let watched = room.watched();
    room.sees(110, 90, 7, "active");
    room.heard();
    room.at(137);
    watched.returned();
    let over = LockNews::Over {
        at: Timestamp(137_000),
    };
    assert_eq!(room.heard(), [over]);
}

#[test]
fn a_look_that_comes_late_does_not_begin_a_wait_anew_that_is_over() {
    let room = Room::new();
    let watched = room.watched();
    room.sees(110, 90, 7, "active");
    room.at(150);
    watched.returned();
    room.heard();
    room.sees_late(Timestamp(145_000), 160, 140, 7, "idle");
    assert_eq!(room.heard(), []);
}

#[test]
fn another_blocker_within_one_wait_of_the_server_is_another_wait_from_then_on() {
    let room = Room::new();
    room.sees(110, 90, 7, "active");
    assert_eq!(room.heard_wait().1, 20);
    room.sees(300, 280, 8, "active");
    assert_eq!(
        room.heard_wait(),
        ("psql (user ana, pid 8)".to_owned(), 300)
    );
}

#[test]
fn who_is_in_the_register_is_told_as_an_execution() {
    let room = Room::new();
    room.put(7, 13, 2);
    room.sees(110, 90, 7, "active");
    assert_eq!(
        room.heard_wait(),
        ("execution 13 (compute/ipa)".to_owned(), 20)
    );
}

#[test]
fn a_connection_that_was_given_back_is_told_as_whoever_had_it_last() {
    let room = Room::new();
    let who = |execution| Who {
        execution: ExecutionId(execution),
        step: "compute/ipa".to_owned(),
    };
    for execution in [13, 14] {
        lock(&room.watch.state).past.push_back((7, who(execution)));
    }
    let mut sight = Sight::default();
    let mut asked = |application: &str| {
        let session = Session {
            pid: 7,
            application: Some(application.to_owned()),
            ..Session::default()
        };
        sight.sessions.insert(7, Seen::of(session));
        lock(&room.watch.state).blocker(7, &sight).to_string()
    };
    assert_eq!(asked("carril"), "execution 14 (compute/ipa)");
    // The number may be another's by now.
    assert_eq!(asked("psql"), "psql (pid 7)");
}

#[test]
fn a_session_that_is_called_as_an_attempt_is_another_engines_execution() {
    let named = |application: &str| {
        let session = Session {
            application: Some(application.to_owned()),
            ..Session::default()
        };
        stranger(7, Some(&session)).to_string()
    };
    assert_eq!(named("carril/12/3.ipa/a7.1"), "execution 12 (ipa)");
    assert_eq!(named("carril/12"), "carril/12 (pid 0)");
    assert_eq!(named("carril"), "carril (pid 0)");
}

#[test]
fn the_next_who_has_a_connection_is_not_put_out_by_the_one_before() {
    let room = Room::new();
    let before = room.watched();
    room.put(WAITER, 99, 2);
    drop(before);
    assert_eq!(
        lock(&room.watch.state).at_work[&WAITER].who.execution,
        ExecutionId(99)
    );
}

#[test]
fn a_deadlock_names_the_other_side_and_is_recorded() {
    let room = Room::new();
    let watched = room.watched();
    room.sees(600, 90, 7, "active");
    room.heard();
    room.at(1_510);
    let mut error = StepError::new(
        "CAR0502",
        carril_model::contract::ErrorClass::Transient,
        "deadlock detected; Process 11 waits for ShareLock on transaction 5; blocked by process 7.; Process 7 waits for ShareLock on transaction 6; blocked by process 11.; while updating tuple (0,1) in relation \"positions\"",
    );
    error.native = Some("40P01".to_owned());
    let told = watched.failed(error);
    assert!(
        told.message
            .ends_with("; on the other side was psql (user ana, pid 7)"),
        "{}",
        told.message
    );
    let heard = room.heard();
    let [LockNews::Waits(wait), LockNews::Over { at }] = heard.as_slice() else {
        panic!("{heard:?}");
    };
    assert!(wait.deadlock);
    assert_eq!((wait.since.0, at.0), (510_000, 1_510_000));
    assert_eq!(wait.table.as_deref(), Some("positions"));
}

#[test]
fn an_error_of_a_lock_time_out_names_who_held_the_lock() {
    let room = Room::new();
    let watched = room.watched();
    room.sees(600, 90, 7, "active");
    let mut error = StepError::new(
        "CAR0502",
        carril_model::contract::ErrorClass::Transient,
        "canceling statement due to lock timeout",
    );
    error.native = Some("55P03".to_owned());
    let told = watched.failed(error);
    assert!(
        told.message
            .ends_with("; it was held by psql (user ana, pid 7)"),
        "{}",
        told.message
    );
}
