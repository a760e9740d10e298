//! Many engines share a limit, in every order of what may happen: never more than there is, everybody its part, nothing idle.

use super::{Party, TURN_MICROS, deal, settle, targets};
use crate::id::NodeId;
use crate::time::Timestamp;
use proptest::prelude::*;

const fn party(node: i64, granted: u32, wants: u32, since: i64) -> Party {
    Party {
        node: NodeId(node),
        granted,
        wants,
        since: Timestamp(since),
    }
}

#[test]
fn one_that_is_alone_has_all_of_it_whatever_it_wants() {
    let mut parties = [party(1, 0, 0, 0)];
    deal(5, &mut parties, Timestamp(9));
    assert_eq!(parties, [party(1, 5, 0, 9)]);
}

#[test]
fn who_wants_less_than_its_part_leaves_the_rest_to_others() {
    let parties = [party(1, 0, 2, 0), party(2, 0, 90, 0), party(3, 0, 90, 0)];
    assert_eq!(targets(12, &parties, Timestamp(0)), [2, 5, 5]);
}

#[test]
fn what_is_one_too_many_stays_where_it_is() {
    let parties = [party(1, 1, 9, 0), party(2, 2, 9, 0)];
    assert_eq!(targets(3, &parties, Timestamp(0)), [1, 2]);
}

#[test]
fn a_turn_lasts_its_time_and_goes_to_who_has_waited_longest() {
    let parties = [party(1, 1, 9, 100), party(2, 0, 9, 50), party(3, 0, 9, 40)];
    let now = Timestamp(99 + TURN_MICROS);
    assert_eq!(targets(1, &parties, now), [1, 0, 0]);
    let now = Timestamp(100 + TURN_MICROS);
    assert_eq!(targets(1, &parties, now), [0, 0, 1]);
}

#[test]
fn what_is_in_use_is_given_back_when_its_use_is_over() {
    let mut parties = [party(1, 3, 3, 0), party(2, 0, 2, 0)];
    let now = Timestamp(5);
    let lends = settle(3, &mut parties, 0, 9, now, |at_most| {
        assert_eq!(at_most, 2);
        3
    });
    assert_eq!((lends, parties[0].granted, parties[1].granted), (2, 3, 0));
    let lends = settle(3, &mut parties, 0, 9, now, |_| 2);
    assert_eq!((lends, parties[0].granted, parties[1].granted), (2, 2, 1));
}

#[test]
fn idle_ones_go_over_at_once_and_the_rest_is_shared() {
    let mut parties = [party(1, 10, 0, 0), party(2, 0, 3, 0)];
    let lends = settle(10, &mut parties, 0, 0, Timestamp(5), |_| 0);
    assert_eq!((parties[0].granted, parties[1].granted), (5, 5));
    assert_eq!(lends, 5);
}

/// Engines as they are: what the store has of each, what each lends at most, what is in use and waited for.
struct World {
    total: u32,
    now: i64,
    parties: Vec<Party>,
    engines: Vec<Engine>,
}

#[derive(Debug, Clone, Default)]
struct Engine {
    lends: u32,
    in_use: u32,
    waiting: u32,
}

#[derive(Debug, Clone)]
enum Event {
    Wants(usize, u32),
    GivesUp(usize),
    Ends(usize),
    Settles(usize),
    /// The engine is gone; another takes its place once its lease is over, which is when its row goes.
    Dies(usize),
    Passes(i64),
}

impl World {
    fn new(total: u32, many: usize) -> Self {
        let engine = |at: usize| Party::new(NodeId(i64::try_from(at).unwrap()), Timestamp(0));
        Self {
            total,
            now: 0,
            parties: (1..=many).map(engine).collect(),
            engines: vec![Engine::default(); many],
        }
    }

    fn settle(&mut self, at: usize) {
        let engine = &mut self.engines[at];
        let wants = engine.in_use + engine.waiting;
        let in_use = engine.in_use;
        let lends = &mut engine.lends;
        let now = Timestamp(self.now);
        let may = settle(self.total, &mut self.parties, at, wants, now, |at_most| {
            *lends = at_most.min(*lends);
            in_use
        });
        self.engines[at].lends = may;
        self.lend(at);
    }

    fn lend(&mut self, at: usize) {
        let engine = &mut self.engines[at];
        let more = engine
            .lends
            .saturating_sub(engine.in_use)
            .min(engine.waiting);
        engine.in_use += more;
        engine.waiting -= more;
    }

    fn happens(&mut self, event: &Event) {
        let many = self.engines.len();
        match event {
            Event::Wants(at, more) => {
                self.engines[at % many].waiting += more;
                self.lend(at % many);
            }
            Event::GivesUp(at) => self.engines[at % many].waiting = 0,
            Event::Ends(at) => {
                let engine = &mut self.engines[at % many];
                engine.in_use = engine.in_use.saturating_sub(1);
                self.lend(at % many);
            }
            Event::Settles(at) => self.settle(at % many),
            Event::Dies(at) => {
                self.engines[at % many] = Engine::default();
                let node = self.parties.iter().map(|party| party.node.0).max().unwrap();
                self.parties[at % many] = Party::new(NodeId(node + 1), Timestamp(self.now));
            }
            Event::Passes(micros) => self.now += micros,
        }
    }

    fn in_use(&self) -> u32 {
        self.engines.iter().map(|engine| engine.in_use).sum()
    }

    fn check(&self) {
        let granted: u32 = self.parties.iter().map(|party| party.granted).sum();
        assert!(granted <= self.total, "{:?}", self.parties);
        assert!(self.in_use() <= self.total, "{:?}", self.engines);
        for (engine, party) in self.engines.iter().zip(&self.parties) {
            assert!(engine.lends.max(engine.in_use) <= party.granted);
        }
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (0_usize..6, 1_u32..6).prop_map(|(at, more)| Event::Wants(at, more)),
        1 => (0_usize..6).prop_map(Event::GivesUp),
        6 => (0_usize..6).prop_map(Event::Ends),
        8 => (0_usize..6).prop_map(Event::Settles),
        1 => (0_usize..6).prop_map(Event::Dies),
        2 => (0_i64..2_000_000).prop_map(Event::Passes),
    ];
    prop::collection::vec(event, 1..120)
}

proptest! {
    #[test]
    fn never_more_is_allotted_lent_or_used_than_there_is(
        total in 1_u32..12, many in 1_usize..6, events in events(),
    ) {
        let mut world = World::new(total, many);
        for event in &events {
            world.happens(event);
            world.check();
        }
    }

    /// Whatever happened before: where all are hungry each soon has its part, and nothing is idle.
    #[test]
    fn who_is_hungry_soon_has_its_part(
        total in 1_u32..12, many in 1_usize..6, events in events(),
    ) {
        let mut world = World::new(total, many);
        for event in &events {
            world.happens(event);
        }
        for at in 0..many {
            world.happens(&Event::Wants(at, 1_000));
        }
        // What runs ends, engine by engine, and each settles as it hears of it.
        for _ in 0..3 {
            for at in 0..many {
                world.settle(at);
                let over = world.engines[at].in_use.saturating_sub(world.engines[at].lends);
                world.engines[at].in_use -= over;
                world.settle(at);
            }
        }
        world.check();
        prop_assert_eq!(world.in_use(), total, "nothing is idle while somebody wants it");
        let part = total / u32::try_from(many).unwrap();
        for engine in &world.engines {
            prop_assert!(engine.in_use >= part, "{:?}", world.engines);
        }
    }

    /// Fewer than engines: everybody has its turn before anybody else has had its second but for those of its own round.
    #[test]
    fn turns_come_round(total in 1_u32..4, many in 2_usize..7) {
        let mut world = World::new(total, many);
        for at in 0..many {
            world.happens(&Event::Wants(at, 1_000_000));
        }
        let mut had = vec![0_u32; many];
        let rounds = many.div_ceil(total as usize) + 1;
        for _ in 0..rounds {
            for _ in 0..2 {
                for (at, had) in had.iter_mut().enumerate() {
                    world.settle(at);
                    // Every use is short, and the next begins if it may.
                    world.engines[at].in_use = 0;
                    world.settle(at);
                    *had += world.engines[at].in_use;
                    world.check();
                }
            }
            world.happens(&Event::Passes(TURN_MICROS));
        }
        prop_assert!(had.iter().all(|uses| *uses > 0), "{had:?} of {total} in {rounds} rounds");
    }

    /// Those that want less than there is all have it, and what is left over is with somebody.
    #[test]
    fn what_is_enough_for_all_is_with_all(total in 5_u32..20, wants in prop::collection::vec(0_u32..2, 1..5)) {
        let mut world = World::new(total, wants.len());
        for (at, wants) in wants.iter().enumerate() {
            world.settle(at);
            world.happens(&Event::Wants(at, *wants));
        }
        for _ in 0..2 {
            for at in 0..wants.len() {
                world.settle(at);
            }
        }
        for (engine, wants) in world.engines.iter().zip(&wants) {
            prop_assert_eq!(engine.in_use, *wants);
        }
        let granted: u32 = world.parties.iter().map(|party| party.granted).sum();
        prop_assert_eq!(granted, total);
    }
}
