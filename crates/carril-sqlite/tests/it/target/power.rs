//! What a power failure, or a writer that died, leaves of the files: journals that wait to be rolled back, lanes that went back
//! to an earlier commit, lanes that are no databases any more.

use super::fixture::*;
use carril_model::contract::{StepCall, Target};
use carril_model::id::StepId;
use rusqlite::Connection;
use serde_json::json;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

const SCHEMA: &str = "create table work (id integer primary key, text text)";

fn plan() -> Arc<carril_model::plan::Plan> {
    Pipeline::new(&[
        ("a", "insert into work values (1, 'a')"),
        ("b", "insert into work values (2, 'b')"),
    ])
    .tables(&["work"])
    .plan()
}

/// The call of step `b` as an engine makes it that takes over after `a` was done.
fn taken_over(plan: &Arc<carril_model::plan::Plan>) -> StepCall {
    StepCall {
        has_workspace: true,
        worked: vec![StepId(0)],
        ..first_try(plan, "b", 1).again(2, 1).call()
    }
}

#[tokio::test]
async fn a_journal_of_somebody_who_died_is_rolled_back_by_who_only_reads() {
    let house = House::new(SCHEMA);
    let (path, journal) = (house.path(), house.path().with_extension("db-journal"));
    let writer = house.folder.path().join("writer.db");
    let connection = Connection::open(&writer).unwrap();
    connection
        .execute_batch("pragma journal_mode = delete; create table work (id integer primary key, text text); insert into work values (1, 'kept')")
        .unwrap();
    // More than the cache holds goes into the file before the commit, and the journal with what was there before it.
    connection
        .execute_batch("pragma cache_size = 2; begin; with recursive n (i) as (select 2 union all select i + 1 from n where i < 400) insert into work select i, hex(zeroblob(400)) from n; update work set text = 'lost' where id = 1")
        .unwrap();
    fs::copy(&writer, &path).unwrap();
    fs::copy(writer.with_extension("db-journal"), &journal).unwrap();
    drop(connection);
    let what = house.target.probe().await.unwrap();
    assert!(what.contains("1 tables"), "{what}");
    assert_eq!(
        house.rows("select id, text from work"),
        vec![json!([1, "kept"])]
    );
}

#[tokio::test]
async fn a_lane_that_went_back_to_an_earlier_commit_is_not_worked_on() {
    let house = House::new(SCHEMA);
    let plan = plan();
    house.run(&plan, "a", 1).await.unwrap();
    let house = house.reopened();
    let lane = Connection::open(house.lane_file(1, 1)).unwrap();
    lane.execute_batch("delete from work; delete from carril_fence")
        .unwrap();
    drop(lane);
    let lost = house.attempt(&taken_over(&plan), &Switch::new()).await;
    let lost = lost.expect_err("what `a` did is gone");
    assert_eq!(lost.code, "CAR0516");
    assert!(
        lost.message.contains("has lost what was done in it"),
        "{lost:?}"
    );
}

#[tokio::test]
async fn a_lane_that_has_all_is_worked_on() {
    let house = House::new(SCHEMA);
    let plan = plan();
    house.run(&plan, "a", 1).await.unwrap();
    let house = house.reopened();
    house
        .attempt(&taken_over(&plan), &Switch::new())
        .await
        .expect("nothing is lost");
    assert_eq!(
        house.lane_rows(1, 1, "select count(*) from work"),
        vec![json!([2])]
    );
}

/// Where workspaces are not synced, a page of a lane may be lost that no statement meets at once.
#[tokio::test]
async fn a_lane_with_a_lost_page_is_put_aside_before_it_is_worked_on() {
    let house = House::new(SCHEMA);
    let plan = plan();
    house.run(&plan, "a", 1).await.unwrap();
    let house = house.reopened();
    let path = house.lane_file(1, 1);
    Connection::open(&path)
        .unwrap()
        .execute_batch("pragma wal_checkpoint(truncate)")
        .unwrap();
    let root: i64 = Connection::open(&path)
        .unwrap()
        .query_row(
            "select rootpage from sqlite_schema where name = 'work'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let at = u64::try_from(root - 1).unwrap() * 4096;
    file.write_all_at(&[0xff; 512], at).unwrap();
    let lost = house.attempt(&taken_over(&plan), &Switch::new()).await;
    assert_eq!(lost.expect_err("it is damaged").code, "CAR0516");
}
