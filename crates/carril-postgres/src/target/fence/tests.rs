//! What the fence row proves, on a real server.

use super::*;
use crate::address::Address;
use crate::target::pool::Pool;
use crate::target::stop::Stop;
use crate::target::transaction::{LOCK_WAIT, Open, Settings};
use crate::target::upkeep::create_own_tables;
use carril_model::contract::{Clock, ErrorClass};
use carril_model::time::Timestamp;
use carril_testkit::postgres::{Cluster, Database};
use std::sync::Arc;
use std::time::Duration;

/// A clock that stands still: nothing here takes time.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_750_000_000_000_000)
    }
}

struct House {
    database: Database,
    pool: Arc<Pool>,
}

impl House {
    async fn new() -> Self {
        let database = Cluster::get().database();
        database.sql("create table effects (what text)");
        let pool = Pool::new(Address::parse(&database.url()).unwrap(), 2);
        let house = Self { database, pool };
        let open = house.open().await;
        create_own_tables(&open.session).await.unwrap();
        open.commit().await.unwrap();
        house
    }

    async fn open(&self) -> Open {
        let stop = Stop::within(Arc::new(Still), Duration::from_secs(60));
        let settings = Settings {
            name: "carril",
            schema: None,
            lock_wait: LOCK_WAIT,
        };
        Open::begin(&self.pool, &settings, &stop).await.unwrap()
    }

    fn rows(&self) -> String {
        let both =
            "select (select count(*) from effects), (select count(*) from carril_target.fence)";
        self.database.sql(both).trim().to_owned()
    }
}

fn key(first: bool) -> Key {
    Key {
        execution: 12,
        run: 1,
        step: 3,
        fence: 65_537,
        first,
        with_lane: false,
    }
}

/// The driver calls a COMMIT done that the server has answered with ROLLBACK. An error that was swallowed therefore must not
/// get past the fence.
#[tokio::test]
async fn a_transaction_that_has_failed_cannot_pass_the_fence() {
    let house = House::new().await;
    let open = house.open().await;
    open.session
        .batch_execute("insert into effects values ('lost')")
        .await
        .unwrap();
    open.session
        .batch_execute("select 1 / 0")
        .await
        .unwrap_err();
    let passed = key(true)
        .finish(&open.session, &StepDone::default(), &open.number)
        .await;
    let error = passed.expect_err("nothing of it can be committed");
    assert_eq!(
        (error.class, error.native.as_deref()),
        (ErrorClass::Permanent, Some("25P02"))
    );
    open.commit()
        .await
        .expect("which is why nobody may believe it");
    assert_eq!(house.rows(), "0|0");
}

/// SQL that found a way to end the transaction and begin another does not get its fence row.
#[tokio::test]
async fn another_transaction_than_the_one_begun_cannot_pass_the_fence() {
    let house = House::new().await;
    for first in [true, false] {
        let open = house.open().await;
        let key = key(first);
        key.begin(&open.session).await.unwrap();
        open.session.batch_execute("rollback; begin").await.unwrap();
        let passed = key
            .finish(&open.session, &StepDone::default(), &open.number)
            .await;
        assert_eq!(passed.expect_err("it is another").class, ErrorClass::Fenced);
        open.roll_back().await;
    }
    assert_eq!(house.rows(), "0|0");
}

#[tokio::test]
async fn an_outcome_comes_back_as_it_was() {
    let house = House::new().await;
    let done = StepDone {
        output: Some(serde_json::json!({"z": 1, "a": [1.5, "x", null]})),
        rows: vec![TableRows {
            table: "effects".to_owned(),
            inserted: 1,
            updated: 0,
            deleted: 0,
        }],
        log: None,
    };
    let open = house.open().await;
    key(true)
        .finish(&open.session, &done, &open.number)
        .await
        .unwrap();
    open.commit().await.unwrap();
    let open = house.open().await;
    let Begun::Done(found) = key(false).begin(&open.session).await.unwrap() else {
        panic!("it is done")
    };
    assert_eq!(found, done);
    open.roll_back().await;
}
