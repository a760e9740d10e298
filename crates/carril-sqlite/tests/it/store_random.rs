//! Random histories, drawn and shrunk by proptest: whatever order of acts, every promise holds after each of them.

use crate::store::opener;
use carril_testkit::store::Harness;
use carril_testkit::store::random::{Act, act, live};
use proptest::prelude::*;

fn acts() -> impl Strategy<Value = Vec<Act>> {
    // Shrinking makes histories shorter; single acts are drawn from one number, so that they stay what they were.
    prop::collection::vec(any::<u64>().prop_map(act).no_shrink(), 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_promise_holds_after_every_act(acts in acts()) {
        live(&mut Harness::open(opener()), &acts);
    }
}
