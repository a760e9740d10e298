//! The chaos run of `cargo xtask chaos --postgres`, smaller: workers on one PostgreSQL store, of which each kind of death and silence
//! meets one, and what they did is asked with SQL. Bugs are planted, which the rules must tell.

#[path = "../../../carril-testkit/examples/chaos/nodes/run.rs"]
#[expect(dead_code, reason = "the command line of the chaos run uses the rest")]
mod nodes;

mod long {
    use super::nodes::fault::Fault;
    use super::nodes::ground::Kind;
    use super::nodes::{Settings, TAKEOVER_MAX, Wanted, run, takeover};
    use std::path::{Path, PathBuf};
    use std::time::Duration;
    use tempfile::TempDir;

    /// The same choices in every run; what the machine makes of them differs all the same.
    const SEED: u64 = 5;

    fn settings(folder: &Path, counts: &[(Fault, u32)], lease: u64) -> Settings {
        Settings {
            carril: PathBuf::from(env!("CARGO_BIN_EXE_carril")),
            folder: folder.to_owned(),
            seed: SEED,
            schedule: Wanted::Counts(counts.to_vec()),
            ground: Kind::Server,
            lease: Duration::from_secs(lease),
        }
    }

    #[test]
    fn nothing_is_lost_or_doubled_when_workers_server_and_network_die() {
        let folder = TempDir::new().unwrap();
        let counts = [
            (Fault::WorkerKilled, 6),
            (Fault::LaunchKilled, 1),
            (Fault::ServerKilled, 2),
            (Fault::Zombie, 1),
            (Fault::AnswerLost, 1),
            (Fault::SilentAtCommit, 1),
            (Fault::NetworkForgets, 1),
            (Fault::Partition, 1),
        ];
        let report = run(&settings(folder.path(), &counts, 2)).unwrap();
        println!("{report}");
        if !report.is_well() {
            println!("the logs are in {}", folder.keep().display());
        }
        assert!(report.is_well(), "{report}");
    }

    /// With the lease that everybody has.
    #[test]
    fn the_work_of_a_worker_that_died_is_taken_over_in_time() {
        let folder = TempDir::new().unwrap();
        let took = takeover(&settings(folder.path(), &[], 15)).unwrap();
        println!("taken over after {took:?}");
        assert!(took < TAKEOVER_MAX, "{took:?}");
    }
}

/// A pooler that gives out transactions is told before anything is written.
#[test]
fn a_store_behind_a_pooler_of_transactions_is_refused() {
    use crate::place::bench;
    use carril_testkit::postgres::Cluster;
    use carril_testkit::postgres::pooler::Pooler;
    let database = Cluster::get().database();
    let server = Cluster::get().port();
    let through = |pooler: &Pooler| {
        database
            .url()
            .replace(&format!(":{server}/"), &format!(":{}/", pooler.port()))
    };
    let transactions = Pooler::start(server, "transaction", 20, &["postgres"]);
    let ended = bench()
        .with_store(through(&transactions))
        .run(&["run"])
        .with(10);
    let ended = ended.saying("CAR0637").saying("pool_mode = session");
    assert!(!ended.stderr.contains("CAR0705"), "{}", ended.stderr);
    assert_eq!(
        database
            .sql("select count(*) from pg_namespace where nspname = 'carril'")
            .trim(),
        "0"
    );
    let sessions = Pooler::start(server, "session", 20, &["postgres"]);
    bench().with_store(through(&sessions)).run(&["run"]).with(0);
}
