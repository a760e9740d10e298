//! What the server says while a step runs: the attempt's log, whether it went well or not, and bounded whatever comes.

use super::fixture::*;
use carril_model::contract::LOG_BYTES_MAX;
use std::time::{Duration, Instant};

const SCHEMA: &str = "
    create table late (n int);
    create function says() returns trigger language plpgsql as $$ begin raise notice 'at the commit: %', new.n; return null; end $$;
    create constraint trigger says after insert on late deferrable initially deferred for each row execute function says();
";

fn plan(sql: &str) -> std::sync::Arc<carril_model::plan::Plan> {
    Pipeline::new(&[("step", sql)])
        .shared_writes("step", &["late"])
        .plan()
}

#[tokio::test]
async fn what_the_server_says_is_the_attempts_log() {
    let house = House::new(SCHEMA);
    let sql = "do $$ begin
            raise notice 'hello %', 'you' using detail = 'of the first', hint = 'wave';
            raise warning using errcode = '01P01', message = 'soon gone';
            raise debug 'nobody asked for this';
        end $$;
        insert into late values (7)";
    let done = house
        .run(&plan(sql), "step", 1)
        .await
        .expect("it goes well");
    assert_eq!(
        done.log.as_deref(),
        Some(
            "NOTICE 00000: hello you\n  detail: of the first\n  hint: wave\nWARNING 01P01: soon gone\nNOTICE 00000: at the commit: 7\n"
        )
    );
    let quiet = house
        .run(&plan("insert into late select 1 where false"), "step", 2)
        .await;
    assert_eq!(
        quiet.expect("it goes well").log,
        None,
        "what the one before said is not its"
    );
}

#[tokio::test]
async fn what_was_said_before_a_failure_is_kept_with_it() {
    let house = House::new(SCHEMA);
    let sql = "do $$ begin raise notice 'about to %', E'fail\\x1b[2J'; perform 1 / 0; end $$";
    let error = house
        .run(&plan(sql), "step", 1)
        .await
        .expect_err("it divides by zero");
    assert_eq!(error.native.as_deref(), Some("22012"));
    assert_eq!(error.log.as_deref(), Some("NOTICE 00000: about to fail\n"));
}

/// The beginning and the end stay; the connection is read on as fast as it comes, and the next attempt on it is a normal one.
#[tokio::test]
async fn a_flood_stays_bounded_and_holds_nothing_up() {
    let house = House::new(SCHEMA);
    let flood = "do $$ begin for i in 1..100000 loop raise notice 'number %', i; end loop; end $$";
    let began = Instant::now();
    let done = house
        .run(&plan(flood), "step", 1)
        .await
        .expect("it goes well");
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
    let log = done.log.expect("there is one");
    assert!(log.len() <= LOG_BYTES_MAX, "{}", log.len());
    assert!(log.starts_with("NOTICE 00000: number 1\n"));
    assert!(log.ends_with("NOTICE 00000: number 100000\n"));
    assert!(log.contains(" bytes left out]\n"));
    let next = house
        .run(&plan("do $$ begin raise notice 'calm'; end $$"), "step", 2)
        .await;
    assert_eq!(
        next.expect("it goes well").log.as_deref(),
        Some("NOTICE 00000: calm\n")
    );
}
