//! Lane files come and go while others are made beside them.

use super::{LaneKey, Lanes, with_end};
use carril_model::contract::Whose;
use carril_model::definition::Synchronous;
use carril_model::id::{ExecutionId, ProcessId, Run};
use std::io::Write as _;

/// The last lane of a process takes the folder away while others make their files in it.
#[test]
fn a_lane_is_made_while_another_one_ends() {
    const ROUNDS: i64 = 2_000;
    let folder = tempfile::tempdir().expect("a folder for the test");
    let lanes = Lanes::new(folder.path().join("shared.db"), folder.path().join("lanes"));
    std::fs::create_dir(folder.path().join("lanes")).expect("the lanes' folder");
    let come_and_go = |first: i64| {
        for round in 0..ROUNDS {
            let lane = LaneKey {
                process: ProcessId(1),
                execution: ExecutionId(first + 2 * round),
                run: Run(1),
            };
            let path = lanes.path(lane);
            lanes
                .place(
                    &path,
                    &with_end(&path, ".part"),
                    Synchronous::Normal,
                    |file| file.write_all(b"a lane"),
                )
                .unwrap_or_else(|error| panic!("round {round}: {}", error.message));
            let whose = Whose {
                process: lane.process,
                execution: lane.execution,
            };
            lanes.remove(whose).expect("it can be removed");
            assert!(!path.exists());
        }
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| come_and_go(1));
        come_and_go(2);
        other.join().expect("the other one, too");
    });
    assert!(
        lanes
            .executions(ProcessId(1))
            .expect("it can be listed")
            .is_empty()
    );
}
