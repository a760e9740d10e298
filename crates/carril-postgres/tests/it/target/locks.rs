//! Scenes of locks: each has one who waits and one at the root of it, and what is told must name that one, the table and the time.
//!
//! The truth about the time is the step's own: it notes the server's clock before the statement that waits, and gives how long that
//! took. How long a scene lasts is drawn from a seed; what the server does in it is not, and must be told rightly every time.

use super::fixture::*;
use carril_model::contract::{LockSink, StepCall, StepDone, StepError};
use carril_model::id::ExecutionId;
use carril_model::lock::{Blocker, LockNews, LockWait};
use carril_model::plan::Plan;
use carril_model::time::Timestamp;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

const SCHEMA: &str = "create table positions (id int primary key, amount int);
    insert into positions select id, 0 from generate_series(1, 9) id;
    create table keys (id int primary key);
    create table noise (id int);
    create table marks (execution bigint, at timestamptz);
    create function touch() returns void language sql as
        'insert into noise values (2); update positions set amount = 2 where id = 3'";
/// The longest that anything here is waited for.
const LIMIT: Duration = Duration::from_secs(30);
/// How often each scene is played.
const TRIALS: u64 = 3;

/// What was told of one attempt.
#[derive(Debug, Default)]
struct Heard {
    news: Mutex<Vec<LockNews>>,
    rung: Notify,
}

impl LockSink for Heard {
    fn tell(&self, news: LockNews) {
        self.news.lock().unwrap().push(news);
        self.rung.notify_one();
    }
}

impl Heard {
    /// The latest wait for which this holds, once there is one.
    async fn wait_where(&self, is_it: impl Fn(&LockWait) -> bool) -> LockWait {
        let found = || {
            let news = self.news.lock().unwrap();
            news.iter().rev().find_map(|news| match news {
                LockNews::Waits(wait) if is_it(wait) => Some((**wait).clone()),
                _ => None,
            })
        };
        let heard = async {
            loop {
                if let Some(wait) = found() {
                    return wait;
                }
                self.rung.notified().await;
            }
        };
        match tokio::time::timeout(LIMIT, heard).await {
            Ok(wait) => wait,
            Err(_) => panic!("it was never told: {:?}", self.news.lock().unwrap()),
        }
    }

    async fn wait(&self) -> LockWait {
        self.wait_where(|_| true).await
    }

    /// All time between beginnings and ends.
    fn micros(&self) -> i64 {
        let (mut sum, mut open): (i64, Option<Timestamp>) = (0, None);
        for news in self.news.lock().unwrap().iter() {
            match news {
                LockNews::Waits(wait) => {
                    if let Some(before) = open.replace(wait.since) {
                        sum += wait.since.micros_since(before);
                    }
                }
                LockNews::Over { at } => {
                    sum += open.take().map_or(0, |since| at.micros_since(since));
                }
            }
        }
        assert_eq!(open, None, "a wait was never told to be over");
        sum
    }
}

/// A session that is not Carril's.
struct Stranger {
    client: Client,
    pid: i32,
}

impl Stranger {
    async fn new(house: &House) -> Self {
        let url = with_parameter(&house.database.url(), "application_name=psql");
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let row = client
            .query_one("select pg_backend_pid()", &[])
            .await
            .unwrap();
        Self {
            pid: row.get(0),
            client,
        }
    }

    async fn does(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap();
    }
}

/// A step that does this and tells how long it took, in `micros`.
fn timed(sql: &str) -> String {
    format!(
        "insert into marks values (:execution_id, clock_timestamp()); {sql};
         select (extract(epoch from clock_timestamp() - max(at)) * 1000000)::int8 as micros from marks where execution = :execution_id"
    )
}

fn plan(steps: &[(&str, &str)]) -> Arc<Plan> {
    Pipeline::new(steps).plan()
}

type Running = JoinHandle<Result<StepDone, StepError>>;

/// Begins an attempt whose news of locks are heard.
fn begins(house: &House, plan: &Arc<Plan>, step: &str, execution: i64) -> (Running, Arc<Heard>) {
    let heard = Arc::new(Heard::default());
    let mut call: StepCall = first_try(plan, step, execution).call();
    call.locks = Some(Arc::<Heard>::clone(&heard));
    let target = Arc::clone(&house.target);
    let running = tokio::spawn(async move {
        let cancel = Switch::new();
        carril_model::contract::Target::run_sql(&*target, &call, &cancel).await
    });
    (running, heard)
}

async fn ended(running: Running) -> Result<StepDone, StepError> {
    let ended = tokio::time::timeout(LIMIT, running).await;
    ended.expect("it ends in time").expect("no panic")
}

/// What it took by the step's own account, beside what was told: both must be the same within a tenth, or a tenth of a second.
async fn check_time(running: Running, heard: &Heard) {
    let done = ended(running).await.expect("it is done");
    let truth = done.output.unwrap()["micros"].as_i64().unwrap();
    let told = heard.micros();
    let off = (told - truth).abs();
    assert!(
        off <= (truth / 10).max(100_000),
        "told {told}, but it took {truth}"
    );
}

/// A stretch between 100 and 500 ms that the server lets pass, drawn from a seed.
fn stretch(seed: u64) -> String {
    let millis = 100 + carril_model::retry::mix(seed) % 400;
    format!("select pg_sleep({millis}e-3)")
}

fn is_session(blocker: &Blocker, pid: i32) -> bool {
    matches!(blocker, Blocker::Session(session) if session.pid == pid && session.application.as_deref() == Some("psql"))
}

fn is_execution(blocker: &Blocker, execution: i64) -> bool {
    matches!(blocker, Blocker::Execution { execution: found, .. } if *found == ExecutionId(execution))
}

/// One who waits for a stranger: who takes his lock with the first words and lets go with the last.
async fn stranger_scene(taken: &str, waits: &str, let_go: &str, table: &str, kind: &str) {
    for seed in 0..TRIALS {
        let house = House::new(SCHEMA);
        let stranger = Stranger::new(&house).await;
        stranger.does(taken).await;
        let text = timed(waits);
        let plan = plan(&[("waits", &text)]);
        let (running, heard) = begins(&house, &plan, "waits", 5);
        let wait = heard.wait().await;
        assert!(is_session(&wait.blocker, stranger.pid), "{wait:?}");
        assert_eq!(
            (wait.table.as_deref(), wait.kind.as_str()),
            (Some(table), kind)
        );
        assert!(wait.through.is_empty() && !wait.deadlock);
        stranger.does(&stretch(seed)).await;
        stranger.does(let_go).await;
        check_time(running, &heard).await;
    }
}

#[tokio::test]
async fn a_row_that_is_locked_is_told_with_who_holds_it() {
    stranger_scene(
        "begin; insert into noise values (1); update positions set amount = 1 where id = 3",
        "insert into noise values (2); update positions set amount = 2 where id = 3",
        "commit",
        "positions",
        "transactionid",
    )
    .await;
}

#[tokio::test]
async fn a_key_that_another_is_about_to_insert_is_told_with_its_table() {
    stranger_scene(
        "begin; insert into noise values (1); insert into keys values (3)",
        "insert into noise values (2); insert into keys values (3)",
        "rollback",
        "keys",
        "transactionid",
    )
    .await;
}

#[tokio::test]
async fn a_table_that_is_locked_whole_is_told_before_the_statement_has_begun() {
    stranger_scene(
        "begin; lock table positions in access exclusive mode",
        "update positions set amount = 2 where id = 3",
        "commit",
        "positions",
        "relation",
    )
    .await;
}

#[tokio::test]
async fn what_a_procedure_waits_for_is_told_with_its_table() {
    stranger_scene(
        "begin; insert into noise values (1); delete from positions where id = 3",
        "select touch()",
        "rollback",
        "positions",
        "transactionid",
    )
    .await;
}

#[tokio::test]
async fn a_session_that_sits_idle_in_its_transaction_is_told_as_that() {
    let house = House::new(SCHEMA);
    let stranger = Stranger::new(&house).await;
    stranger
        .does("begin; update positions set amount = 17 where id = 3")
        .await;
    let plan = plan(&[("waits", "update positions set amount = 2 where id = 3")]);
    let (running, heard) = begins(&house, &plan, "waits", 5);
    let wait = heard.wait().await;
    let Blocker::Session(session) = &wait.blocker else {
        panic!("{wait:?}");
    };
    assert_eq!(session.state.as_deref(), Some("idle in transaction"));
    assert_eq!(
        session.query.as_deref(),
        Some("begin; update positions set amount = ? where id = ?")
    );
    assert!(session.user.is_some() && !session.hidden);
    let since = session.state_since.expect("it is known since when");
    assert!(since <= wait.since && session.transaction_since.expect("that, too") <= since);
    // It goes on to work without giving the lock away: the same wait, told anew.
    let sleeps = stranger.does("select pg_sleep(0.5)");
    let again = heard.wait_where(
        |wait| matches!(&wait.blocker, Blocker::Session(session) if session.state.as_deref() == Some("active")),
    );
    let (again, ()) = tokio::join!(again, sleeps);
    assert_eq!(again.since, wait.since);
    stranger.does("commit").await;
    ended(running).await.expect("it is done");
}

#[tokio::test]
async fn of_a_chain_the_root_is_named_and_not_the_middle() {
    for seed in 0..TRIALS {
        let house = House::new(SCHEMA);
        let stranger = Stranger::new(&house).await;
        stranger
            .does("begin; update positions set amount = 1 where id = 1")
            .await;
        let last = timed("update positions set amount = 3 where id = 2");
        let plan = plan(&[
            (
                "middle",
                "update positions set amount = 2 where id = 2; update positions set amount = 2 where id = 1",
            ),
            ("last", &last),
        ]);
        let (middle, heard_middle) = begins(&house, &plan, "middle", 5);
        let wait = heard_middle.wait().await;
        assert!(is_session(&wait.blocker, stranger.pid), "{wait:?}");
        let (last, heard) = begins(&house, &plan, "last", 6);
        let wait = heard.wait().await;
        assert!(is_session(&wait.blocker, stranger.pid), "{wait:?}");
        assert_eq!(wait.table.as_deref(), Some("positions"));
        assert_eq!(wait.through.len(), 1);
        assert!(is_execution(&wait.through[0], 5), "{wait:?}");
        assert_eq!(wait.next_execution(), Some(ExecutionId(5)));
        stranger.does(&stretch(seed)).await;
        stranger.does("commit").await;
        ended(middle).await.expect("it is done");
        check_time(last, &heard).await;
    }
}

#[tokio::test]
async fn an_execution_that_holds_up_another_is_named_with_its_step() {
    let house = House::new(SCHEMA);
    let plan = plan(&[
        (
            "holds",
            "update positions set amount = 2 where id = 2; select pg_sleep(0.7)::text",
        ),
        ("waits", "update positions set amount = 3 where id = 2"),
    ]);
    let (holds, _) = begins(&house, &plan, "holds", 5);
    house
        .until(
            "select query from pg_stat_activity where application_name like 'carril/5/%'",
            "select pg_sleep",
        )
        .await;
    let (waits, heard) = begins(&house, &plan, "waits", 6);
    let wait = heard.wait().await;
    assert_eq!(wait.blocker.to_string(), "execution 5 (work/holds)");
    ended(holds).await.expect("it is done");
    ended(waits).await.expect("it is done");
    heard.micros();
}

#[tokio::test]
async fn a_deadlock_of_two_executions_names_the_other_on_the_side_that_failed() {
    for _ in 0..TRIALS {
        let house = House::new(SCHEMA);
        let plan = plan(&[
            (
                "up",
                "update positions set amount = 2 where id = 1; select pg_sleep(0.3)::text; update positions set amount = 2 where id = 2",
            ),
            (
                "down",
                "update positions set amount = 3 where id = 2; select pg_sleep(0.3)::text; update positions set amount = 3 where id = 1",
            ),
        ]);
        let (up, heard_up) = begins(&house, &plan, "up", 5);
        let (down, heard_down) = begins(&house, &plan, "down", 6);
        let (up, down) = tokio::join!(ended(up), ended(down));
        let (error, heard, other) = match (up, down) {
            (Err(error), Ok(_)) => (error, heard_up, 6),
            (Ok(_), Err(error)) => (error, heard_down, 5),
            both => panic!("one side fails: {both:?}"),
        };
        assert_eq!(error.native.as_deref(), Some("40P01"), "{error:?}");
        let partner = format!("on the other side was execution {other} (work/");
        assert!(error.message.contains(&partner), "{}", error.message);
        let wait = heard.wait_where(|wait| wait.deadlock).await;
        assert!(is_execution(&wait.blocker, other), "{wait:?}");
        assert_eq!(wait.table.as_deref(), Some("positions"));
        let told = heard.micros();
        assert!((900_000..3_000_000).contains(&told), "it took {told}");
    }
}

#[tokio::test]
async fn a_deadlock_with_a_stranger_names_him() {
    let house = House::new(SCHEMA);
    let stranger = Stranger::new(&house).await;
    // Who has waited for a second looks for a circle; he does so much later, so that ours is the side that fails.
    stranger
        .does("set deadlock_timeout = '60s'; begin; update positions set amount = 1 where id = 2")
        .await;
    let plan = plan(&[(
        "waits",
        "update positions set amount = 2 where id = 1; update positions set amount = 2 where id = 2",
    )]);
    let (running, heard) = begins(&house, &plan, "waits", 5);
    heard.wait().await;
    stranger
        .does("update positions set amount = 1 where id = 1")
        .await;
    let error = ended(running).await.expect_err("it is failed");
    assert_eq!(error.native.as_deref(), Some("40P01"), "{error:?}");
    let partner = format!(
        "on the other side was psql (user postgres, pid {})",
        stranger.pid
    );
    assert!(error.message.contains(&partner), "{}", error.message);
    let wait = heard.wait_where(|wait| wait.deadlock).await;
    assert!(is_session(&wait.blocker, stranger.pid), "{wait:?}");
}

#[tokio::test]
async fn a_lock_that_is_given_up_names_who_held_it() {
    let house = House::new(SCHEMA);
    let stranger = Stranger::new(&house).await;
    stranger
        .does("begin; update positions set amount = 1 where id = 2")
        .await;
    let plan = plan(&[("waits", "update positions set amount = 2 where id = 2")]);
    let (running, heard) = begins(&house, &plan, "waits", 5);
    // Five seconds is what a step waits for a lock.
    let error = ended(running).await.expect_err("it gives up");
    assert_eq!(error.native.as_deref(), Some("55P03"), "{error:?}");
    let held = format!("it was held by psql (user postgres, pid {})", stranger.pid);
    assert!(error.message.contains(&held), "{}", error.message);
    let told = heard.micros();
    assert!((4_900_000..5_500_000).contains(&told), "it took {told}");
}

/// A role that may work but not look into others' sessions still learns who they are.
#[tokio::test]
async fn a_role_that_may_see_little_says_what_is_hidden() {
    let house = House::new(SCHEMA);
    let role = format!("little_{}", house.database.name());
    house.database.sql(&format!(
        "create role {role} login; grant all on all tables in schema public to {role};
         grant create on database {} to {role}; grant all on schema public to {role}",
        house.database.name()
    ));
    let url = house
        .database
        .url()
        .replace("postgres@", &format!("{role}@"));
    let target = target_at(&url, |_| {});
    let stranger = Stranger::new(&house).await;
    stranger
        .does("begin; update positions set amount = 1 where id = 2")
        .await;
    let plan = plan(&[("waits", "update positions set amount = 2 where id = 2")]);
    let little = House {
        target,
        database: house.database,
    };
    let (running, heard) = begins(&little, &plan, "waits", 5);
    let wait = heard.wait().await;
    assert!(is_session(&wait.blocker, stranger.pid), "{wait:?}");
    let Blocker::Session(session) = &wait.blocker else {
        panic!("{wait:?}");
    };
    assert!(session.hidden && session.state.is_none() && session.query.is_none());
    stranger.does("commit").await;
    ended(running).await.expect("it is done");
    drop(stranger);
    little
        .database
        .sql(&format!("drop owned by {role}; drop role {role}"));
}

/// Looking is a help and nothing else: where it is refused, steps do as they would.
#[tokio::test]
async fn a_server_that_does_not_let_itself_be_looked_at_fails_no_step() {
    let house = House::new(SCHEMA);
    let stranger = Stranger::new(&house).await;
    stranger
        .does("begin; update positions set amount = 1 where id = 2")
        .await;
    // Whoever finds this function first gets nonsense instead of what is asked.
    let url = with_parameter(
        &house.database.url(),
        "options=-csearch_path%3Dpublic,pg_catalog",
    );
    house.database.sql("create view public.pg_stat_activity as select 1 / 0 as pid, null::text as wait_event_type from generate_series(1, 3)");
    let target = target_at(&url, |_| {});
    let blind = House {
        target,
        database: house.database,
    };
    let plan = plan(&[("waits", "update positions set amount = 2 where id = 2")]);
    let (running, heard) = begins(&blind, &plan, "waits", 5);
    blind
        .until(
            "select 'waits' from pg_catalog.pg_stat_activity where application_name like 'carril/5/%' and wait_event_type = 'Lock'",
            "waits",
        )
        .await;
    stranger.does("select pg_sleep(0.3)").await;
    stranger.does("commit").await;
    ended(running).await.expect("it is done");
    assert!(heard.news.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_looked_at_where_that_is_not_wanted_or_nothing_runs() {
    let house = House::with(SCHEMA, |options| options.sees_locks = false);
    let looking = "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'carril-locks'";
    let plan = plan(&[("sleeps", "select pg_sleep(0.3)::text as slept")]);
    house.run(&plan, "sleeps", 5).await.expect("it is done");
    assert_eq!(house.rows(looking), ["0"]);
    let house = house.reopened();
    assert_eq!(house.rows(looking), ["0"]);
    house.run(&plan, "sleeps", 6).await.expect("it is done");
    assert_eq!(house.rows(looking), ["1"]);
    // The looking ends with its target.
    let House { target, database } = house;
    drop(target);
    let gone = async {
        while database.sql(looking).trim() != "0" {
            tokio::task::yield_now().await;
        }
    };
    let gone = tokio::time::timeout(LIMIT, gone).await;
    gone.expect("the connection is closed");
}
