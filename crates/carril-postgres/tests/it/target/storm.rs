//! A storm: sessions are killed at random, attempts are overtaken at random, and in the end each effect is there exactly once.
//!
//! Every step inserts into a shared table without any key, so doubles show, and into its workspace. The engine is played by a
//! loop that tries again after whatever may go away, under the next attempt or the next claim. What is random is drawn from a
//! seed, but the server's timing is not: a seed that failed may pass the next time, the promise must always hold.

use super::fixture::*;
use carril_model::contract::{ErrorClass, StepDone, Target};
use carril_model::plan::Plan;
use carril_postgres::target::PostgresTarget;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const LANES: i64 = 6;
const STEPS: usize = 5;
/// More tries than a storm ever takes; one that needs more hangs.
const TRIES: u32 = 200;

/// Draws numbers that look random, the same for the same seed.
struct Dice(AtomicU64);

impl Dice {
    fn throw(&self, sides: u64) -> u64 {
        let next = |seed: u64| {
            Some(
                seed.wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407),
            )
        };
        let seed = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        (seed.unwrap_or_default() >> 33) % sides
    }
}

/// Does a step until it is done, as engines would between which it moves.
async fn insist(
    target: &PostgresTarget,
    plan: &Arc<Plan>,
    (step, execution): (&str, i64),
    dice: &Dice,
) -> StepDone {
    let mut token = 1;
    for attempt in 1..TRIES {
        let call = |token: i64, attempt: u32| {
            let first = first_try(plan, step, execution);
            if (token, attempt) == (1, 1) {
                first.call()
            } else {
                first.again(token, attempt).call()
            }
        };
        let (own, cancel) = (call(token, attempt), Switch::new());
        let outcome = if dice.throw(4) == 0 {
            // Another engine takes the execution over while this one still works for it.
            let (other, never) = (call(token + 1, attempt), Switch::new());
            let (late, newer) = tokio::join!(
                target.run_sql(&own, &cancel),
                target.run_sql(&other, &never)
            );
            token += 1;
            match (late, newer) {
                (_, Ok(done)) => Ok(done),
                (Ok(_), Err(error)) | (Err(_), Err(error)) => Err(error),
            }
        } else {
            target.run_sql(&own, &cancel).await
        };
        match outcome {
            Ok(done) => return done,
            Err(error) => assert!(
                matches!(
                    error.class,
                    ErrorClass::Transient | ErrorClass::OutcomeUnknown | ErrorClass::Fenced
                ),
                "{step} of {execution}: {error:?}"
            ),
        }
    }
    panic!("{step} of {execution} was never done");
}

async fn storm(seed: u64) {
    let house = House::new(
        "create table work (step text); create table effects (execution bigint, step text)",
    );
    let names: Vec<String> = (0..STEPS).map(|number| format!("s{number}")).collect();
    let texts: Vec<String> = names
        .iter()
        .map(|name| format!("insert into work values ('{name}'); insert into effects values (:execution_id, '{name}'); select count(*) as done from work"))
        .collect();
    let steps: Vec<(&str, &str)> = names
        .iter()
        .map(String::as_str)
        .zip(texts.iter().map(String::as_str))
        .collect();
    let mut pipeline = Pipeline::new(&steps).tables(&["work"]);
    for name in &names {
        pipeline = pipeline.shared_writes(name, &["effects"]);
    }
    let plan = pipeline.plan();
    let over = Arc::new(AtomicBool::new(false));
    let killer = {
        let (client, connection) =
            tokio_postgres::connect(&house.database.url(), tokio_postgres::NoTls)
                .await
                .unwrap();
        tokio::spawn(connection);
        let over = Arc::clone(&over);
        tokio::spawn(async move {
            let mut killed = 0_i64;
            while !over.load(Ordering::Relaxed) {
                let kill = "with one as (select pid from pg_stat_activity where datname = current_database() and application_name like 'carril/%' and pid <> pg_backend_pid() order by random() limit 1)
                            select count(*) filter (where pg_terminate_backend(pid)), pg_sleep(0.01) from one";
                killed += client.query_one(kill, &[]).await.unwrap().get::<_, i64>(0);
            }
            killed
        })
    };
    let lanes: Vec<_> = (1..=LANES)
        .map(|execution| {
            let (target, plan, names) =
                (Arc::clone(&house.target), Arc::clone(&plan), names.clone());
            let dice = Dice(AtomicU64::new(seed + execution.unsigned_abs()));
            tokio::spawn(async move {
                for (at, name) in names.iter().enumerate() {
                    let done = insist(&target, &plan, (name, execution), &dice).await;
                    assert_eq!(
                        done.output,
                        Some(serde_json::json!({"done": at + 1})),
                        "seed {seed}"
                    );
                }
            })
        })
        .collect();
    for lane in lanes {
        lane.await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    assert!(
        killer.await.unwrap() > 0,
        "nobody was killed, so nothing was tried"
    );
    let expected = format!("{}|{}", LANES * 5, LANES * 5);
    assert_eq!(
        house.rows("select count(*), count(distinct (execution, step)) from effects"),
        [expected.as_str()],
        "seed {seed}"
    );
    for execution in 1..=LANES {
        let work =
            format!("select count(*), count(distinct step) from carril_p7_e{execution}_r1.work");
        assert_eq!(house.rows(&work), ["5|5"], "seed {seed}");
    }
    // One after the other: what two of them leave must not hide behind the first.
    for execution in 1..=LANES {
        house
            .target
            .roll_back(plan.definition(), whose(execution))
            .await
            .unwrap();
    }
    assert_eq!(
        house.rows("select count(*) from pg_namespace where nspname like 'carril\\_p%'"),
        ["0"]
    );
    let idle = "select count(*) from pg_stat_activity where datname = current_database() and application_name like 'carril/%' and state like 'idle in%'";
    assert_eq!(house.rows(idle), ["0"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_effect_is_there_once_whatever_is_killed() {
    for seed in [1, 4_711] {
        storm(seed).await;
    }
}
