//! The old names in a schema of their own: made when asked, never over what is somebody else's, and gone before the store's own views.

use crate::store::{database, open};
use carril_postgres::store::{
    LegacyError, StoreOptions, downgrade, make_legacy_views, remove_legacy_views,
};
use carril_testkit::postgres::Database;

const VIEWS: &str = "SELECT string_agg(viewname::text, ',' ORDER BY viewname) FROM pg_views WHERE schemaname = 'logs'";
const ALL: &str = "Ejecucion_Fondos,Ejecuciones,Ejecuciones_v2,Procesos,Trace_Records";

fn make(database: &Database) -> Result<(), LegacyError> {
    make_legacy_views(&database.url(), &StoreOptions::default(), "logs")
}

fn remove(database: &Database) -> Result<(), LegacyError> {
    remove_legacy_views(&database.url(), &StoreOptions::default(), "logs")
}

#[track_caller]
fn taken(refused: Result<(), LegacyError>, why: &str) {
    let error = refused.expect_err("it is somebody else's");
    assert_eq!(error.code(), "CAR0639");
    assert!(error.to_string().contains(why), "{error}");
}

#[test]
fn views_come_when_asked_for_and_go_again() {
    let database = database();
    assert_eq!(database.sql(VIEWS).trim(), "", "opening a store makes none");
    make(&database).expect("nothing is in the way");
    assert_eq!(database.sql(VIEWS).trim(), ALL);
    for view in ALL.split(',') {
        let count = database.sql(&format!("SELECT count(*) FROM logs.\"{view}\""));
        assert_eq!(count.trim(), "0", "{view}");
    }
    database.sql("CREATE VIEW public.board AS SELECT \"Estado\" FROM logs.\"Procesos\"");
    make(&database).expect("again, beside what others made of them");
    database.sql("DROP VIEW public.board");
    remove(&database).expect("they are ours");
    let left = database.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'logs'");
    assert_eq!(left.trim(), "0");
    remove(&database).expect("nothing is to be done");
}

#[test]
fn a_schema_of_somebody_else_is_left_alone() {
    let database = database();
    let old = "CREATE SCHEMA logs; CREATE TABLE logs.\"Ejecuciones\" (\"ID_Ejecucion\" bigint)";
    database.sql(old);
    taken(make(&database), "in it: 1");
    taken(remove(&database), "did not make it");
    assert_eq!(database.sql(VIEWS).trim(), "");
    let other = make_legacy_views(&database.url(), &StoreOptions::default(), "logs_carril");
    other.expect("another name is free");
    database.sql("DROP SCHEMA logs CASCADE; CREATE SCHEMA logs");
    make(&database).expect("an empty one of ours may be used");
}

#[test]
fn two_stores_do_not_share_it() {
    let database = database();
    make(&database).expect("it is free");
    let options = StoreOptions {
        schema: "second".to_owned(),
        ..StoreOptions::default()
    };
    let url = database.url();
    drop(carril_postgres::store::PostgresStore::open(&url, &options).expect("it opens"));
    taken(
        make_legacy_views(&url, &options, "logs"),
        "another store made it",
    );
}

/// What stands on the store's views does not keep them from going, and what people put beside them stays.
#[test]
fn a_store_goes_back_with_its_old_names() {
    let database = database();
    make(&database).expect("it is free");
    database.sql("CREATE TABLE logs.notes (what text)");
    downgrade(&database.url(), &StoreOptions::default(), 0).expect("it goes back");
    assert_eq!(database.sql(VIEWS).trim(), "");
    assert_eq!(database.sql("SELECT count(*) FROM logs.notes").trim(), "0");
    drop(open(&database.url()));
    taken(make(&database), "things in it: 1");
}
