//! Several engines on one store share limits: what is allotted never sums up to more than there is, moves to whoever goes short, and
//! comes back from the dead with their lease.

use crate::store::{database, expire, open};
use carril_model::allotment::TURN_MICROS;
use carril_model::contract::{
    Allotted, Fault, Lender, LimitKey, LimitKind, Need, Neighbours, NodeInfo, Store,
};
use carril_model::time::Timestamp;
use carril_postgres::store::PostgresStore;
use carril_testkit::postgres::Database;
use std::sync::{Arc, Mutex};

/// One engine that lends slots of one resource from memory.
struct Engine {
    store: PostgresStore,
    desk: Arc<Desk>,
}

struct Desk(Mutex<Lent>);

#[derive(Debug, Clone, Copy)]
struct Lent {
    total: u32,
    lends: u32,
    in_use: u32,
    waiting: u32,
}

impl Lender for Desk {
    fn needs(&self) -> Vec<Need> {
        let lent = self.0.lock().expect("no panic");
        vec![Need {
            key: key(),
            total: lent.total,
            wants: lent.in_use + lent.waiting,
        }]
    }

    fn keep(&self, asked: &LimitKey, at_most: u32) -> u32 {
        assert_eq!(*asked, key());
        let mut lent = self.0.lock().expect("no panic");
        lent.lends = lent.lends.min(at_most);
        lent.in_use
    }
}

fn key() -> LimitKey {
    LimitKey {
        resource: "desk".to_owned(),
        kind: LimitKind::Slot,
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime
        .expect("a runtime needs no more than memory")
        .block_on(future)
}

impl Engine {
    fn enter(database: &Database, total: u32) -> Self {
        let engine = Self {
            store: open(&database.url()),
            desk: Arc::new(Desk(Mutex::new(Lent {
                total,
                lends: 0,
                in_use: 0,
                waiting: 0,
            }))),
        };
        engine.enter_again();
        engine
    }

    fn enter_again(&self) {
        let node = NodeInfo {
            host: "here".to_owned(),
            pid: 1,
            command: "test".to_owned(),
            lanes: None,
        };
        block_on(self.store.enter(&node, Timestamp(1))).expect("it enters");
        // Whoever enters has stopped what it was at.
        let mut lent = self.desk.0.lock().expect("no panic");
        (lent.lends, lent.in_use) = (0, 0);
    }

    fn share(&self) -> Result<Allotted, Fault> {
        let lender: Arc<dyn Lender> = Arc::clone(&self.desk) as _;
        let mut allotted = block_on(self.store.share(lender))?;
        let one = allotted.remove(0);
        let mut lent = self.desk.0.lock().expect("no panic");
        lent.lends = one.lends;
        let more = lent.lends.saturating_sub(lent.in_use).min(lent.waiting);
        lent.in_use += more;
        lent.waiting -= more;
        assert!(
            lent.in_use.max(lent.lends) <= one.granted,
            "{one:?} {lent:?}"
        );
        drop(lent);
        Ok(one)
    }

    fn wants(&self, more: u32) -> Allotted {
        self.desk.0.lock().expect("no panic").waiting += more;
        self.share().expect("it is settled")
    }

    /// So many uses end; what is too many for what is lent goes back.
    fn ends(&self, many: u32) -> Allotted {
        self.desk.0.lock().expect("no panic").in_use -= many;
        self.share().expect("it is settled")
    }

    fn in_use(&self) -> u32 {
        self.desk.0.lock().expect("no panic").in_use
    }
}

fn allotted(database: &Database) -> String {
    let sum = "SELECT coalesce(sum(granted), 0) FROM carril.allotment a JOIN carril.node n ON n.id = a.node AND n.left_at IS NULL";
    database.sql(sum).trim().to_owned()
}

#[test]
fn an_engine_alone_has_all_and_gives_up_what_is_idle() {
    let database = database();
    let first = Engine::enter(&database, 5);
    assert_eq!(first.share().expect("it is settled").granted, 5);
    assert_eq!(first.wants(2).granted, 5);
    let second = Engine::enter(&database, 5);
    assert_eq!(second.wants(3).granted, 0, "all of it is the first one's");
    let named = block_on(first.store.look(&[])).expect("it looks");
    assert!(named.limits, "another goes short");
    assert_eq!(first.share().expect("it is settled").lends, 2);
    let named = block_on(second.store.look(&[])).expect("it looks");
    assert!(named.limits, "its own has grown");
    assert_eq!(second.share().expect("it is settled").granted, 3);
    assert_eq!((first.in_use(), second.in_use()), (2, 3));
    assert!(!block_on(second.store.look(&[])).expect("it looks").limits);
    assert_eq!(allotted(&database), "5");
}

#[test]
fn what_is_in_use_is_another_s_when_its_use_is_over() {
    let database = database();
    let (first, second) = (Engine::enter(&database, 4), Engine::enter(&database, 4));
    first.wants(9);
    assert_eq!(first.in_use(), 4);
    second.wants(9);
    let pressed = first.share().expect("it is settled");
    assert_eq!((pressed.granted, pressed.lends), (4, 2));
    assert_eq!(second.share().expect("it is settled").granted, 0);
    assert_eq!(first.ends(1).granted, 3);
    assert_eq!(second.share().expect("it is settled").granted, 1);
    assert_eq!(first.ends(1).granted, 2);
    assert_eq!(second.share().expect("it is settled").granted, 2);
    assert_eq!(
        first.ends(1).granted,
        2,
        "from here on its own part is its own"
    );
}

#[test]
fn one_slot_goes_round() {
    let database = database();
    let (first, second) = (Engine::enter(&database, 1), Engine::enter(&database, 1));
    first.wants(9);
    second.wants(9);
    for (has, waits) in [(&first, &second), (&second, &first), (&first, &second)] {
        assert_eq!((has.in_use(), waits.in_use()), (1, 0));
        let turn = format!("UPDATE carril.allotment SET since = since - {TURN_MICROS}");
        database.sql(&turn);
        assert_eq!(has.share().expect("it is settled").lends, 0);
        assert_eq!(waits.share().expect("it is settled").granted, 0);
        assert_eq!(has.ends(1).granted, 0);
        assert_eq!(waits.share().expect("it is settled").granted, 1);
    }
}

#[test]
fn the_slots_of_the_dead_come_back_with_their_lease_and_they_get_none() {
    let database = database();
    let first = Engine::enter(&database, 3);
    first.wants(9);
    let second = Engine::enter(&database, 3);
    assert_eq!(second.wants(9).granted, 0);
    assert_eq!(second.share().expect("it is settled").granted, 0);
    expire(&database);
    // Its lease is over, and nobody has ended it yet: until then all of it is its own.
    assert_eq!(second.share().expect("it is settled").granted, 0);
    let third = Engine::enter(&database, 3);
    drop(second);
    assert_eq!(third.wants(9).granted, 3);
    assert_eq!(first.share(), Err(Fault::LostLease));
    first.enter_again();
    assert_eq!(first.wants(0).granted, 0);
    assert_eq!(allotted(&database), "3");
}

#[test]
fn who_leaves_leaves_all_of_it_and_the_larger_number_holds() {
    let database = database();
    let (first, second) = (Engine::enter(&database, 2), Engine::enter(&database, 6));
    first.wants(9);
    assert_eq!(first.in_use(), 2);
    assert_eq!(second.wants(9).granted, 4);
    assert!(!block_on(second.store.look(&[])).expect("it looks").limits);
    block_on(first.store.leave(Timestamp(2))).expect("it leaves");
    let news = block_on(second.store.look(&[])).expect("it looks");
    assert!(news.limits, "it goes short, and some is nobody's");
    assert_eq!(second.share().expect("it is settled").granted, 6);
    assert_eq!(allotted(&database), "6");
}

/// Engines in threads of their own, which take and give back as fast as they can.
#[test]
fn never_more_are_in_use_than_there_are_however_fast_they_move() {
    let database = database();
    let engines: Vec<Engine> = (0..3).map(|_| Engine::enter(&database, 5)).collect();
    let in_use = Mutex::new([0_u32; 3]);
    std::thread::scope(|scope| {
        for (at, engine) in engines.iter().enumerate() {
            let in_use = &in_use;
            scope.spawn(move || {
                for round in 0..60_u32 {
                    engine.desk.0.lock().expect("no panic").waiting = (round + 3) % 7;
                    engine.share().expect("it is settled");
                    let mine = engine.in_use();
                    let all: u32 = {
                        let mut in_use = in_use.lock().expect("no panic");
                        in_use[at] = mine;
                        in_use.iter().sum()
                    };
                    assert!(all <= 5, "{all} are in use");
                    let over = mine.min(round % 4);
                    in_use.lock().expect("no panic")[at] -= over;
                    engine.desk.0.lock().expect("no panic").in_use -= over;
                }
            });
        }
    });
    let sum: u32 = allotted(&database).parse().expect("a number");
    assert!(sum <= 5, "{sum}");
}
