//! The chaos run of `cargo xtask chaos --postgres`, smaller: workers on one PostgreSQL store, of which each kind of death and silence
//! meets one, and what they did is asked with SQL. Bugs are planted, which the rules must tell.

#[path = "../../../carril-testkit/examples/chaos/nodes/run.rs"]
#[expect(dead_code, reason = "the command line of the chaos run uses the rest")]
mod chaos;

mod long {
    use super::chaos::fault::Fault;
    use super::chaos::ground::Kind;
    use super::chaos::{Settings, TAKEOVER_MAX, Wanted, run, takeover};
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

/// A server goes on with a statement whose client is gone, unless it is told to look: the statement of a program that was killed must not
/// commit behind the back of whoever does the step again.
#[test]
fn the_statement_of_a_killed_program_ends_with_it() {
    use crate::place::{Bench, kill, until};
    use carril_testkit::postgres::Cluster;
    use std::time::{Duration, Instant};
    const LONG: &str = r#"
name = "long"
[entities]
target = "shop"
key = "name"
sql = "select 'ada' as name"
[[stage]]
name = "work"
step = [{ name = "sleeps", sql = "insert into kept values (1); select pg_sleep(3600)", shared_writes = ["kept"], timeout = "2h" }]
"#;
    let bench = Bench::new("create table unused (x)", LONG);
    let database = Cluster::get().database();
    database.sql("create table kept (number integer)");
    let target = format!("shop={}", database.url());
    let running = bench.start(&["run", "--target", &target]);
    let sleeping = "select count(*) from pg_stat_activity where query like '%pg_sleep(3600)%' and state = 'active' \
                    and datname = current_database() and pid <> pg_backend_pid()";
    until("the statement", || database.sql(sleeping).trim() == "1");
    kill(running);
    let killed = Instant::now();
    until("its end", || database.sql(sleeping).trim() == "0");
    assert!(killed.elapsed() < Duration::from_secs(5));
    assert_eq!(database.sql("select count(*) from kept").trim(), "0");
}
