//! What a transaction counts, on a real server.

use super::*;
use crate::address::Address;
use carril_model::contract::Clock;
use carril_model::time::Timestamp;
use carril_testkit::postgres::Cluster;
use std::sync::Arc;

/// A clock that stands still: nothing here takes time.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_750_000_000_000_000)
    }
}

/// Servers before version 15 count rows of earlier transactions again, and have to be told of it by what they count beforehand.
#[tokio::test]
async fn older_servers_are_asked_what_they_will_count_again() {
    let database = Cluster::get().database();
    database.sql("create table t (n int); create table parts (n int) partition by list (n); create table part partition of parts default");
    let pool = Pool::new(Address::parse(&database.url()).unwrap(), 1);
    pool.pretend(Server {
        version: 140_000,
        path: vec!["public".to_owned()],
    });
    let stop = Stop::within(Arc::new(Still), Duration::from_secs(60));
    let settings = Settings {
        name: "carril",
        schema: None,
        lock_wait: LOCK_WAIT,
    };
    let open = Open::begin(&pool, &settings, &stop).await.unwrap();
    assert_eq!(open.counted_before("public", "t"), [0; 3]);
    let statements = "insert into t values (1), (2), (3); update t set n = 0 where n = 1; delete from t where n = 2; insert into parts values (1)";
    open.session.batch_execute(statements).await.unwrap();
    open.commit().await.unwrap();
    let open = Open::begin(&pool, &settings, &stop).await.unwrap();
    let counted = open.counted_before("public", "t");
    // The server may have taken note of the rows already; then it counts none of them again.
    assert!(counted == [3, 1, 1] || counted == [0; 3], "{counted:?}");
    let of_parts = open.counted_before("public", "parts");
    assert!(of_parts == [1, 0, 0] || of_parts == [0; 3], "{of_parts:?}");
    let again = "select pg_stat_get_xact_tuples_inserted('t'::regclass)";
    let again: i64 = open.session.query_one(again, &[]).await.unwrap().get(0);
    assert_eq!(
        again, counted[0],
        "what is taken off is what is counted again"
    );
    open.roll_back().await;
}
