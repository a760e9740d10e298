//! Attempts that come again: after a commit that nobody heard of, under a newer claim, after an error or a stop.

use super::fixture::*;
use carril_model::contract::{ErrorClass, Target};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const SCHEMA: &str = "create table work (id integer); create table source (id integer); insert into source values (1), (2)";
const ADD: &str = "insert into work select id from source; select count(*) as rows from work";
const ROWS: &str = "select count(*) from carril_p7_e1_r1.work";
const RUNNING: &str = "select state || ' ' || application_name from pg_stat_activity where query like '%pg_sleep%' and datname = current_database() and pid <> pg_backend_pid()";

#[tokio::test]
async fn an_attempt_after_the_commit_does_nothing_and_knows_the_outcome() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[("add", ADD)]).tables(&["work"]).plan();
    let first = house.run(&plan, "add", 1).await.unwrap();
    // The engine died before it heard of it; another claims the execution with a higher token.
    let house = house.reopened();
    for (token, attempt) in [(2, 1), (3, 2)] {
        let call = first_try(&plan, "add", 1).again(token, attempt).call();
        let again = house.attempt(&call, &Switch::new()).await.unwrap();
        assert_eq!(again, first);
    }
    assert_eq!(house.rows(ROWS), ["2"]);
}

#[tokio::test]
async fn an_attempt_that_left_nothing_is_done_by_the_next() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[("add", ADD)]).tables(&["work"]).plan();
    let call = first_try(&plan, "add", 1).again(1, 2).call();
    let done = house.attempt(&call, &Switch::new()).await.unwrap();
    assert_eq!(done.output, Some(json!({"rows": 2})));
    let late = house
        .run(&plan, "add", 1)
        .await
        .expect_err("the first attempt comes too late");
    assert_eq!(
        (late.code.as_str(), late.class),
        ("CAR0504", ErrorClass::Fenced)
    );
    assert_eq!(house.rows(ROWS), ["2"]);
}

/// A later attempt has begun (its fence stands) and has not committed: neither an earlier one nor a first one may commit now.
#[tokio::test]
async fn stale_tokens_are_fenced_and_leave_nothing() {
    let house = House::new(SCHEMA);
    let fails = Pipeline::new(&[("add", "insert into work values (1); select * from nowhere")])
        .tables(&["work"])
        .plan();
    let plan = Pipeline::new(&[("add", ADD)]).tables(&["work"]).plan();
    let newer = first_try(&fails, "add", 1).again(5, 3).call();
    let newer = house.attempt(&newer, &Switch::new()).await;
    assert_eq!(newer.expect_err("its SQL is wrong").code, "CAR0501");
    let stale = [
        first_try(&plan, "add", 1),
        first_try(&plan, "add", 1).again(5, 2),
        first_try(&plan, "add", 1).again(4, 60),
    ];
    for stale in stale {
        let error = house.attempt(&stale.call(), &Switch::new()).await;
        let error = error.expect_err("a newer attempt owns the step");
        assert_eq!(
            (error.code.as_str(), error.class),
            ("CAR0504", ErrorClass::Fenced)
        );
    }
    assert_eq!(house.rows(ROWS), ["0"]);
    let call = first_try(&plan, "add", 1).again(5, 4).call();
    house.attempt(&call, &Switch::new()).await.unwrap();
    assert_eq!(house.rows(ROWS), ["2"]);
}

/// The statement would run for an hour; it is gone from the server when the attempt has ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_stops_the_statement_on_the_server() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[
        (
            "endless",
            "insert into work values (1); select pg_sleep(3600)",
        ),
        ("after", "insert into work values (7)"),
    ])
    .tables(&["work"])
    .plan();
    let switch = Switch::new();
    let call = first_try(&plan, "endless", 1).call();
    let (outcome, ()) = tokio::join!(house.target.run_sql(&call, &switch), async {
        house.until(RUNNING, "active carril/1/0.endless/a1.1").await;
        switch.fire();
    });
    let error = outcome.expect_err("it was asked to stop");
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0505", ErrorClass::Cancelled)
    );
    assert_eq!(house.rows("select count(*) from pg_stat_activity where query like '%pg_sleep%' and state = 'active' and datname = current_database() and pid <> pg_backend_pid()"), ["0"]);
    house.run(&plan, "after", 1).await.unwrap();
    assert_eq!(house.rows("select id from carril_p7_e1_r1.work"), ["7"]);
}

/// A cancel may arrive late, and must not hit what another lane runs on the same connection: that is not used again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_was_cancelled_is_not_used_again() {
    let house = House::with(SCHEMA, |options| options.connections = 1);
    let plan = Pipeline::new(&[
        ("who", "select pg_backend_pid() as pid"),
        ("endless", "select pg_sleep(3600)"),
        ("wrong", "select nothing"),
    ])
    .plan();
    let mut pids = Vec::new();
    for execution in 1..=2 {
        pids.push(house.run(&plan, "who", execution).await.unwrap().output);
        house.run(&plan, "wrong", execution).await.unwrap_err();
    }
    let switch = Switch::new();
    let call = first_try(&plan, "endless", 1).call();
    let (outcome, ()) = tokio::join!(house.target.run_sql(&call, &switch), async {
        house.until(RUNNING, "active").await;
        switch.fire();
    });
    assert_eq!(
        outcome.expect_err("it was asked to stop").class,
        ErrorClass::Cancelled
    );
    pids.push(house.run(&plan, "who", 3).await.unwrap().output);
    assert_eq!(pids[0], pids[1], "one that only failed is used again");
    assert_ne!(pids[1], pids[2]);
}

/// Nobody asks: the server itself ends what outlives its deadline.
#[tokio::test]
async fn a_time_out_stops_the_statement_on_the_server() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[(
        "endless",
        "insert into work values (1); select pg_sleep(3600)",
    )])
    .tables(&["work"])
    .plan();
    let mut endless = first_try(&plan, "endless", 1);
    endless.timeout = Duration::from_secs(2);
    let error = house
        .attempt(&endless.call(), &Switch::new())
        .await
        .expect_err("its time is over");
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0503", ErrorClass::Timeout)
    );
    assert_eq!(house.rows(ROWS), ["0"]);
}

/// Somebody else stops the statement: that is neither a time-out nor our cancel, and is not tried again blindly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_somebody_else_cancels_has_failed() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[("endless", "select pg_sleep(3600)")]).plan();
    let switch = Switch::new();
    let call = first_try(&plan, "endless", 1).call();
    let (outcome, ()) = tokio::join!(house.target.run_sql(&call, &switch), async {
        house.until(RUNNING, "active").await;
        house.rows("select pg_cancel_backend(pid) from pg_stat_activity where query like '%pg_sleep%' and datname = current_database() and pid <> pg_backend_pid()");
    });
    let error = outcome.expect_err("it was cancelled");
    assert_eq!(
        (error.class, error.native.as_deref()),
        (ErrorClass::Permanent, Some("57014"))
    );
    assert!(error.message.contains("by hand"), "{}", error.message);
}

/// The server ends the session in the middle of a step: known not to be committed, so it is tried again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_killed_is_a_lost_connection() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[
        ("step", "insert into work values (1); select pg_sleep(3600)"),
        ("next", ADD),
    ])
    .tables(&["work"])
    .plan();
    let switch = Switch::new();
    let call = first_try(&plan, "step", 1).call();
    let (outcome, ()) = tokio::join!(house.target.run_sql(&call, &switch), async {
        house.until(RUNNING, "active").await;
        house.rows("select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep%' and datname = current_database() and pid <> pg_backend_pid()");
    });
    let error = outcome.expect_err("its session is gone");
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0511", ErrorClass::Transient),
        "{error:?}"
    );
    house.run(&plan, "next", 1).await.unwrap();
    assert_eq!(house.rows(ROWS), ["2"]);
}

/// Connections that died while nobody used them cost no attempt.
#[tokio::test]
async fn idle_connections_that_were_lost_are_passed_over() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[("a", ADD), ("b", ADD)])
        .tables(&["work"])
        .plan();
    house.run(&plan, "a", 1).await.unwrap();
    house.rows("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'carril%' and datname = current_database()");
    house.run(&plan, "b", 1).await.unwrap();
    assert_eq!(house.rows(ROWS), ["4"]);
}

/// The old attempt sits in its transaction, holding a lock that the new one needs. The new one ends its session and goes on; the
/// old one finds that it has lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_attempt_ends_the_session_of_the_older() {
    let house = House::new(
        "create table shared (id integer primary key, by text); insert into shared values (1, 'nobody')",
    );
    let old = Pipeline::new(&[(
        "step",
        "update shared set by = 'old'; select pg_sleep(3600)",
    )])
    .plan();
    let new = Pipeline::new(&[("step", "update shared set by = 'new'")]).plan();
    let switch = Switch::new();
    let call = first_try(&old, "step", 1).call();
    let (older, newer) = tokio::join!(house.target.run_sql(&call, &switch), async {
        house.until(RUNNING, "active").await;
        let call = first_try(&new, "step", 1).again(2, 1).call();
        house.attempt(&call, &Switch::new()).await
    });
    newer.unwrap();
    assert_eq!(older.expect_err("it is over").class, ErrorClass::Transient);
    assert_eq!(house.rows("select by from shared"), ["new"]);
}

/// A worker stalls before its fence row until another has taken over and done the step; nobody can end its session, since it goes by
/// another name. The token was raised, so what it did is taken back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zombie_is_refused_after_the_token_was_raised() {
    let house = House::new("create table effects (by text); create table gate (open boolean)");
    let slow = "set local application_name = 'out of sight'; insert into effects values ('zombie'); lock table gate in access exclusive mode";
    let zombie = Pipeline::new(&[("step", slow)]).plan();
    let fresh = Pipeline::new(&[("step", "insert into effects values ('fresh')")]).plan();
    // The gate is held by a session of somebody who is no part of Carril, so nobody ends it.
    let held = hold(&house, "begin; lock table gate in access exclusive mode").await;
    let switch = Switch::new();
    let call = first_try(&zombie, "step", 1).call();
    let stalled = Arc::clone(&house.target);
    let zombie = tokio::spawn(async move { stalled.run_sql(&call, &switch).await });
    house.until("select wait_event_type || ' ' || query from pg_stat_activity where datname = current_database() and query like 'lock table gate%' and wait_event_type = 'Lock'", "Lock").await;
    let call = first_try(&fresh, "step", 1).again(2, 1).call();
    house.attempt(&call, &Switch::new()).await.unwrap();
    drop(held);
    let outcome = zombie
        .await
        .unwrap()
        .expect_err("another has done the step");
    assert_eq!(
        (outcome.code.as_str(), outcome.class),
        ("CAR0504", ErrorClass::Fenced)
    );
    assert_eq!(house.rows("select by from effects"), ["fresh"]);
}

/// A session of somebody else, which holds what its statements took until it is dropped.
async fn hold(house: &House, sql: &str) -> tokio_postgres::Client {
    let url = house.database.url();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    client
}

/// Two transactions that lock each other's rows: the server picks one, which is tried again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_is_transient_and_names_its_sides() {
    let house = Arc::new(House::new(
        "create table t (id integer primary key, n integer); insert into t values (1, 0), (2, 0)",
    ));
    let step = |first: i32, then: i32| {
        let sql = format!(
            "update t set n = n + 1 where id = {first}; select pg_advisory_xact_lock_shared(1); update t set n = n + 1 where id = {then}"
        );
        Pipeline::new(&[("step", &sql)]).plan()
    };
    let gate = hold(&house, "select pg_advisory_lock(1)").await;
    let mut outcomes = Vec::new();
    for (execution, plan) in [(1, step(1, 2)), (2, step(2, 1))] {
        let house = Arc::clone(&house);
        outcomes.push(tokio::spawn(async move {
            house.run(&plan, "step", execution).await
        }));
    }
    // Each has its first row before either asks for the other's.
    let at_the_gate = "select count(*) from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())";
    house.until(at_the_gate, "2").await;
    drop(gate);
    let mut failed = Vec::new();
    for outcome in outcomes {
        failed.extend(outcome.await.unwrap().err());
    }
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(
        (
            failed[0].code.as_str(),
            failed[0].class,
            failed[0].native.as_deref()
        ),
        ("CAR0502", ErrorClass::Transient, Some("40P01"))
    );
    assert!(
        failed[0].message.contains("waits for"),
        "{}",
        failed[0].message
    );
    assert_eq!(house.rows("select n from t order by id"), ["1", "1"]);
}

/// Without Carril's own table, where only a step that may happen again can run.
#[tokio::test]
async fn a_target_that_cannot_be_written_takes_steps_that_say_so() {
    let house = House::new(SCHEMA);
    // Roles belong to the whole server, which other tests use, too.
    let role = format!("{}_reader", house.database.name());
    let name = house.database.name();
    house.database.sql(&format!(
        "create role {role} login; grant usage on schema public to {role}; grant select on all tables in schema public to {role};
         revoke create on database {name} from public"
    ));
    let url = house
        .database
        .url()
        .replace("postgres@", &format!("{role}@"));
    let reader = target_at(&url, |_| {});
    let sql = "select count(*) as rows from source";
    let once = Pipeline::new(&[("read", sql)]).plan();
    let error = reader
        .run_sql(&first_try(&once, "read", 1).call(), &Switch::new())
        .await
        .expect_err("it may make nothing");
    assert_eq!(
        (error.class, error.native.as_deref()),
        (ErrorClass::Permanent, Some("42501")),
        "{error:?}"
    );
    assert!(
        error.message.contains("effects = \"at_least_once\""),
        "{}",
        error.message
    );
    let again = Pipeline::new(&[("read", sql)]).at_least_once().plan();
    let done = reader
        .run_sql(&first_try(&again, "read", 1).call(), &Switch::new())
        .await
        .unwrap();
    assert_eq!(done.output, Some(json!({"rows": 2})));
    drop(reader);
    house
        .database
        .sql(&format!("drop owned by {role}; drop role {role}"));
}
