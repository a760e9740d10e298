//! The store against the model of its contract: random verbs, the same to both, every answer and everything they hold equal.
//! Drawn and shrunk by proptest: always the same 12 lives, unless `PROPTEST_CASES` says how many others are to be drawn by chance
//! (or by the number in `PROPTEST_RNG_SEED`). That a bug of either would show is proved beside the store that is quicker to open.

use crate::store::opener;
use carril_testkit::simulator::differential::{Act, Answer, Op, Reference, Subject, draw};
use carril_testkit::store::Harness;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

/// The model with what the last act asked of it.
#[derive(Debug, Clone)]
struct Model {
    reference: Reference,
    last: Option<(Op, Answer)>,
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Self> {
        let reference = Reference::new(None);
        Just(Self {
            reference,
            last: None,
        })
        .boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Act> {
        // An act stays what it was drawn as; shrinking leaves acts out.
        any::<u64>().prop_map(draw).no_shrink().boxed()
    }

    fn apply(mut state: Self, act: &Act) -> Self {
        state.last = state.reference.act(*act);
        state
    }
}

struct Postgres;

impl StateMachineTest for Postgres {
    type SystemUnderTest = Subject;
    type Reference = Model;

    fn init_test(state: &Model) -> Subject {
        Subject::new(Harness::open(opener()), &state.reference)
    }

    fn apply(mut subject: Subject, state: &Model, _: Act) -> Subject {
        if let Some((op, answer)) = &state.last
            && let Err(difference) = subject.follow(op, answer, &state.reference)
        {
            panic!("{difference}");
        }
        subject
    }

    fn teardown(mut subject: Subject, state: Model) {
        if let Err(difference) = subject.compare_all(&state.reference) {
            panic!("{difference}");
        }
    }
}

prop_state_machine! {
    #![proptest_config(Config {
        cases: cases().unwrap_or(12),
        rng_seed: match cases() {
            None => RngSeed::Fixed(20_251_123),
            Some(_) => Config::default().rng_seed,
        },
        failure_persistence: None,
        ..Config::default()
    })]

    #[test]
    fn every_answer_is_the_models(sequential 1..60 => Postgres);
}

fn cases() -> Option<u32> {
    let given = std::env::var("PROPTEST_CASES").ok();
    given.and_then(|text| text.parse().ok())
}
