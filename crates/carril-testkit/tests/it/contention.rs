//! The contention benchmark, small: tenants merge into shared tables at once, and every row is as the input says.

use carril::model::figures::Figures;
use carril::model::state::ProcessState;
use carril::{Carril, Launch, OpenOptions, PipelineDefinition};
use carril_testkit::contention::{self, Final, PIPELINE, READ, Size, TABLES};
use carril_testkit::postgres::{Cluster, Database};
use std::path::Path;
use std::time::Duration;

const SIZE: Size = Size {
    tenants: 8,
    instruments: 12,
    lots: 4,
};
const ROUNDS: u32 = 4;

/// The pipeline as its files say it, with what they say of isolation replaced.
fn pipeline(folder: &Path, isolation: &str) -> PipelineDefinition {
    contention::write(folder, SIZE, 0).expect("the files are written");
    let text = PIPELINE.replace("isolation = \"own\"", isolation);
    assert!(text.contains(isolation), "{isolation} in {text}");
    std::fs::write(folder.join("pipeline.toml"), text).expect("the file is written");
    let loaded = carril::pipeline::load_dir(folder);
    PipelineDefinition::from_loaded(loaded).expect("the pipeline is right")
}

fn load(database: &Database, round: u32) {
    database.sql("truncate feed_holding, feed_lot");
    for statement in contention::tables_input(SIZE, round) {
        database.sql(&statement);
    }
}

/// One round; every lane must have done well at its first try, and left just what its input says.
async fn pass(carril: &Carril, pipeline: &PipelineDefinition, database: &Database, round: u32) {
    load(database, round);
    let launch = Launch::new().set("round", round);
    let outcome = carril.run(pipeline, launch).await.expect("it is launched");
    let process = outcome.process;
    let failed = carril.history().failed_attempts(process.id).await;
    let failed = failed.expect("the history is read");
    assert_eq!(
        Figures::of(&failed).deadlocks,
        0,
        "round {round}: {failed:?}"
    );
    assert!(failed.is_empty(), "round {round}: {failed:?}");
    assert_eq!(process.state, ProcessState::Succeeded, "round {round}");
    assert_eq!(process.tally.succeeded, u64::from(SIZE.tenants));
    let found = database.sql(READ);
    let wrong = contention::wrong(
        &contention::expected(SIZE, round),
        &Final::read(found.lines()),
    );
    assert!(
        wrong.is_empty(),
        "round {round}: wrong rows of tenants {wrong:?}"
    );
}

async fn rounds(isolation: &str) {
    let database = Cluster::get().database();
    database.sql(TABLES);
    database.sql(&contention::tenants_input(SIZE));
    let folder = tempfile::tempdir().expect("a folder");
    let pipeline = pipeline(&folder.path().join("pipeline"), isolation);
    let options = OpenOptions::new("carril.db")
        .folder(folder.path())
        .target("warehouse", database.url())
        .pipeline(&pipeline);
    let carril = carril::open(options).await.expect("the store opens");
    for round in 1..=ROUNDS {
        pass(&carril, &pipeline, &database, round).await;
    }
    carril.shutdown(Duration::ZERO).await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_with_tables_of_their_own_are_right() {
    rounds("isolation = \"own\"").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_in_shared_work_tables_are_right() {
    rounds("isolation = \"column\"\ncolumn = \"batch\"").await;
}

/// The oracle is no ornament: under one id two tenants of a portfolio take each other's rows, and it says so.
#[test]
fn one_id_for_all_is_noticed() {
    let database = Cluster::get().database();
    database.sql(TABLES);
    database.sql(&contention::tenants_input(SIZE));
    load(&database, 1);
    // The last tenant of a portfolio extracts before the first goes on: every step alone is right, their order is what nobody keeps.
    let step = |at: usize, tenant: u32| {
        let (_, file) = contention::PASSAGE[at];
        for statement in contention::statements(file) {
            let mut text = statement.text;
            for (number, value) in (1..).zip(&statement.values) {
                let literal = match value {
                    contention::Value::Batch | contention::Value::Round => "1".to_owned(),
                    contention::Value::Tenant => tenant.to_string(),
                    contention::Value::Portfolio => {
                        format!("'{}'", contention::portfolio(SIZE, tenant))
                    }
                };
                text = text.replace(&format!("${number}"), &literal);
            }
            database.sql(&text);
        }
    };
    assert_eq!(
        contention::portfolio(SIZE, 1),
        contention::portfolio(SIZE, 3)
    );
    step(0, 1);
    step(0, 3);
    for tenant in [1, 3] {
        (1..4).for_each(|at| step(at, tenant));
    }
    let found = database.sql(READ);
    let wrong = contention::wrong(&contention::expected(SIZE, 1), &Final::read(found.lines()));
    assert!(
        wrong.contains(&1),
        "the first took the other's rows: {wrong:?}"
    );
    assert!(!wrong.contains(&3), "the other has its own: {wrong:?}");
}
