//! The chaos run of `cargo xtask chaos`, smaller: worlds are driven to their end under kills at every failpoint and at random
//! instants, and checked from outside. Before that, planted bugs show that the checks can fail.

#![cfg(feature = "failpoints")]

#[path = "../../../carril-testkit/examples/chaos/harness.rs"]
mod harness;

use harness::{Report, Scenario, Settings};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The same choices in every run; what the machine makes of them differs all the same.
const SEED: u64 = 4;

#[track_caller]
fn chaos(kills: u32, scenarios: &[Scenario]) -> Report {
    let folder = TempDir::new().unwrap();
    let settings = Settings {
        carril: PathBuf::from(env!("CARGO_BIN_EXE_carril")),
        funds_load: None,
        funds: Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../examples/funds")
            .canonicalize()
            .unwrap(),
        folder: folder.path().to_owned(),
        seed: SEED,
        kills,
        scenarios: scenarios.to_vec(),
        entities: 10,
        fund_count: 5,
    };
    let report = harness::run(&settings).unwrap();
    println!("{report}");
    if !report.is_well() {
        println!("the worlds are in {}", folder.keep().display());
    }
    report
}

#[test]
fn planted_bugs_are_told_and_kills_break_no_promise() {
    let report = chaos(24, &[Scenario::Fanout, Scenario::Funds, Scenario::Rollback]);
    assert!(report.is_well(), "{report}");
    assert!(report.kills >= 24, "{report}");
}
