//! What a machine can do to a program, a sample of it: kills before system calls, and power failures. `cargo xtask chaos
//! --syscalls` and `--power` do all of it. Needs `strace`; `cargo xtask test` installs it.

#[path = "../../../carril-testkit/examples/chaos/machine.rs"]
mod harness;

mod long {
    use super::harness::{
        Found, Lie, PowerSettings, SyscallSettings, power as lose_power, syscalls,
    };
    use std::path::PathBuf;
    use tempfile::TempDir;

    fn carril() -> PathBuf {
        PathBuf::from(env!("CARGO_BIN_EXE_carril"))
    }

    fn power(images: u32, synchronous: &'static str, lie: Option<Lie>) -> Found {
        let folder = TempDir::new().unwrap();
        let settings = PowerSettings {
            carril: carril(),
            folder: folder.path().to_owned(),
            images,
            seed: 7,
            synchronous,
            lie,
        };
        lose_power(&settings).unwrap()
    }

    #[test]
    fn a_kill_before_a_system_call_loses_and_doubles_nothing() {
        let folder = TempDir::new().unwrap();
        let settings = SyscallSettings {
            carril: carril(),
            folder: folder.path().to_owned(),
            every: 13,
        };
        let found = syscalls(&settings).unwrap();
        assert!(found.wrong.is_empty(), "{found}");
        assert!(found.count >= 10, "{found}");
    }

    #[test]
    fn a_power_failure_loses_nothing_that_was_said() {
        let found = power(60, "full", None);
        assert!(found.wrong.is_empty(), "{found}");
    }

    #[test]
    fn a_power_failure_may_take_a_workspace_that_was_not_synced_and_says_so() {
        let found = power(30, "normal", None);
        assert!(found.wrong.is_empty(), "{found}");
    }

    #[test]
    fn a_disk_that_does_not_sync_is_told() {
        let found = power(60, "full", Some(Lie::NoSync));
        assert!(!found.wrong.is_empty(), "{found}");
    }

    #[test]
    fn what_is_said_before_it_is_durable_is_told() {
        let found = power(120, "full", Some(Lie::SaidEarly));
        assert!(!found.wrong.is_empty(), "{found}");
    }
}
