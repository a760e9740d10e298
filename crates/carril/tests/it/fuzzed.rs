//! A short run of `cargo xtask fuzz`: a fixed number of inputs for each target, the same in every run. And that it can find something.

#[path = "../../../carril-testkit/examples/fuzz/blind.rs"]
mod blind;

use blind::{Target, Until, fuzz, seeds};
use std::path::Path;

#[test]
fn no_text_panics_hangs_or_fills_the_memory() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for target in Target::ALL {
        let seeds = seeds(target, &repository);
        assert!(!seeds.is_empty(), "{target:?} has seeds");
        let fuzzed = fuzz(target, seeds, 1, Until::Inputs(1_500));
        if let Some(crash) = fuzzed.crash {
            panic!("{target:?}: {} at {}", crash.what, crash.input);
        }
        assert!(
            fuzzed.answers > 10,
            "{target:?} gets {} answers only",
            fuzzed.answers
        );
    }
}

/// What is fed must reach far: nothing is learned from texts that are all refused alike.
#[test]
fn a_time_ends_it_too() {
    let fuzzed = fuzz(
        Target::Expression,
        vec!["entity.size > 3".to_owned()],
        3,
        Until::Time(std::time::Duration::from_millis(50)),
    );
    assert!(fuzzed.inputs > 0 && fuzzed.longest.as_millis() < 1_000);
}
