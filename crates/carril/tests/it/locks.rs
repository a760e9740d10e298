//! Somebody's session blocks a lane on PostgreSQL: who it is stands in `why`, in the time account and in the trace, from either store.

use crate::harness::{House, end, executions, settled};
use carril::model::account::CauseKind;
use carril::model::contract::{Clock as _, EntityRow};
use carril::model::lock::Blocker;
use carril::model::state::ProcessState;
use carril::{
    Carril, Launch, OpenOptions, Pipeline, PipelineDefinition, Reader, Stage, Step, SystemClock,
    Why,
};
use carril_testkit::postgres::{Cluster, Database};
use serde_json::Map;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SCHEMA: &str = "create table positions (fund text primary key, amount int);
    insert into positions values ('F001', 1), ('F002', 2)";
/// What a person waits for an answer at most.
const SOON_MICROS: i64 = 2_000_000;
const LIMIT: Duration = Duration::from_secs(60);

/// A program like any other that works in the database by hand.
struct Psql(Child);

impl Psql {
    fn new(database: &Database) -> Self {
        let mut psql = Command::new(Cluster::get().programs().join("psql"));
        let psql = psql.args(["-q", &database.url()]);
        let psql = psql.stdin(Stdio::piped()).stdout(Stdio::null());
        Self(psql.spawn().expect("psql starts"))
    }

    fn does(&mut self, sql: &str) {
        let mut input = self.0.stdin.as_ref().expect("it is open");
        writeln!(input, "{sql};").expect("it is written");
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn pipeline() -> PipelineDefinition {
    let double = "update positions set amount = amount * 2 where fund = :entity_key";
    Pipeline::new("revalue")
        .stage(
            Stage::new("value").step(
                Step::sql("double", double)
                    .target("warehouse")
                    .shared_write("positions"),
            ),
        )
        .build()
        .expect("the pipeline is right")
}

fn launch() -> Launch {
    let entity = |key: &str| EntityRow {
        key: key.to_owned(),
        attributes: Map::new(),
    };
    Launch::new().entities(vec![entity("F001"), entity("F002")])
}

/// Looks again until something is so.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    let found = tokio::time::timeout(LIMIT, found).await;
    found.unwrap_or_else(|_| panic!("it never came: {what}"))
}

async fn why(reader: &Reader, subject: &str) -> Option<Why> {
    let subject = subject.parse().expect("any text is a subject");
    carril::why(reader, &subject, SystemClock::new().now())
        .await
        .ok()
}

async fn scene(
    carril: Carril,
    pipeline: &PipelineDefinition,
    warehouse: &Database,
    reader: Reader,
) {
    let mut psql = Psql::new(warehouse);
    psql.does("begin; update positions set amount = 17 where fund = 'F001'");
    let idle = "select pid from pg_stat_activity where datname = current_database() and application_name = 'psql' and state = 'idle in transaction'";
    let pid: i32 = until("the lock is taken", async || {
        warehouse.sql(idle).trim().parse().ok()
    })
    .await;
    let launched = carril.launch(pipeline, launch()).await;
    let process = launched.expect("it is launched").process();
    let told = until("the lock is told", async || {
        why(&reader, "F001")
            .await
            .filter(|why| why.chain[0].cause == "lock")
    })
    .await;
    let lock = told.chain[0].lock.as_ref().expect("it says whose");
    let after = SystemClock::new().now().micros_since(lock.since);
    assert!(after < SOON_MICROS, "told after {after} µs");
    assert_eq!(lock.table.as_deref(), Some("positions"));
    let Blocker::Session(session) = &lock.blocker else {
        panic!("{lock:?}");
    };
    assert_eq!(session.pid, pid);
    let user = session.user.as_deref().expect("it is known");
    for words in [
        &format!("session {pid}, which is not Carril's: user `{user}`, application `psql`") as &str,
        "a row of table `positions` that is locked in target `warehouse`",
        "idle in transaction since ",
        "its last statement was `update positions set amount = ? where fund = ?`",
        &format!("`select pg_terminate_backend({pid})`"),
    ] {
        assert!(told.sentence.contains(words), "{words}: {}", told.sentence);
    }
    psql.does("commit");
    let row = settled(&carril, process).await;
    assert_eq!(row.state, ProcessState::Succeeded);
    let amounts = "select string_agg(amount::text, ' ' order by fund) from positions";
    assert_eq!(warehouse.sql(amounts).trim(), "34 4");
    let first = executions(&carril, process).await.remove(0);
    let history = reader.history();
    let kept = history.locks(process, 9).await.expect("they are read");
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(
        (kept[0].execution, kept[0].step.as_str()),
        (first.id, "value/double")
    );
    let charged = first.account.spent(CauseKind::Lock);
    assert!(
        (charged - kept[0].micros).abs() <= 50_000,
        "{charged} charged, {} kept",
        kept[0].micros
    );
    let costs = history.lock_costs(process, 9).await.expect("they are read");
    let told: Vec<_> = costs
        .iter()
        .map(|row| (&*row.about, row.foreign, row.waits))
        .collect();
    assert_eq!(told, [("positions", true, 1)]);
    assert_eq!(costs[0].blocker, format!("psql (user {user}, pid {pid})"));
    let bottlenecks = history
        .bottlenecks(process, 9)
        .await
        .expect("they are read");
    let locked = bottlenecks.iter().find(|row| row.resource == "positions");
    assert_eq!(locked.map(|row| row.locks), Some(1));
    end(&carril).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_names_a_strangers_session_from_another_program() {
    let warehouse = Cluster::get().database();
    warehouse.sql(SCHEMA);
    let (house, pipeline) = (House::new(), pipeline());
    let options = house.options().target("warehouse", warehouse.url());
    let carril = carril::open(options.pipeline(&pipeline)).await;
    let carril = carril.expect("the store opens");
    let reader = carril::read("carril.db", house.path(), &carril::no_references()).await;
    let reader = reader.expect("it is read beside the engine");
    scene(carril, &pipeline, &warehouse, reader).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_names_a_strangers_session_from_a_store_on_postgresql() {
    let (store, warehouse) = (Cluster::get().database(), Cluster::get().database());
    warehouse.sql(SCHEMA);
    let pipeline = pipeline();
    let options = OpenOptions::new(store.url()).target("warehouse", warehouse.url());
    let folder = tempfile::tempdir().expect("a folder");
    let options = options.folder(folder.path()).pipeline(&pipeline);
    let carril = carril::open(options).await.expect("the store opens");
    let reader = carril.reader().clone();
    scene(carril, &pipeline, &warehouse, reader).await;
}
