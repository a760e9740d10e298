//! Opening a store: made once, brought up to date once, refused where it cannot be right; and connections that are lost.

use crate::store::{expire, open};
use carril_model::contract::{Fault, Group, Store};
use carril_postgres::store::{OpenError, PostgresStore, StoreOptions, downgrade};
use carril_testkit::postgres::Cluster;
use carril_testkit::store::{Harness, Opener};
use std::sync::Arc;

/// The version of the store's schema.
const NEWEST: &str = "8";

fn refused(url: &str, options: &StoreOptions) -> OpenError {
    let opened = PostgresStore::open(url, options);
    opened.err().expect("it is refused")
}

#[test]
fn many_engines_make_one_store() {
    let database = Cluster::get().database();
    let url = database.url();
    std::thread::scope(|scope| {
        let opened: Vec<_> = (0..4).map(|_| scope.spawn(|| drop(open(&url)))).collect();
        opened
            .into_iter()
            .for_each(|one| one.join().expect("it opens"));
    });
    assert_eq!(
        database
            .sql("SELECT version FROM carril.carril_schema")
            .trim(),
        NEWEST
    );
    assert_eq!(
        database.sql("SELECT count(*) FROM carril.sequence").trim(),
        "1"
    );
}

#[test]
fn each_schema_is_a_store_of_its_own() {
    let database = Cluster::get().database();
    let named = |schema: &str| StoreOptions {
        schema: schema.to_owned(),
        ..StoreOptions::default()
    };
    for schema in ["one", "O\"ther äöü"] {
        let options = named(schema);
        let url = database.url();
        let harness = Harness::open(Opener::new(move || {
            Arc::new(PostgresStore::open(&url, &options).expect("it opens"))
        }));
        let (process, _) = harness.running(1);
        assert_eq!(process.0, 1, "ids begin anew in {schema}");
    }
}

#[test]
fn a_newer_store_is_left_alone() {
    let database = crate::store::database();
    database.sql("UPDATE carril.carril_schema SET version = 99");
    let error = refused(&database.url(), &StoreOptions::default());
    assert!(
        matches!(error, OpenError::Newer { found: 99, .. }),
        "{error}"
    );
    assert_eq!(error.code(), "CAR0634");
}

/// Down and up again, twice: what is left is nothing, and then the same again.
#[test]
fn a_store_goes_back_and_comes_again() {
    let database = crate::store::database();
    let made = "SELECT string_agg(relname::text, ',' ORDER BY relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'carril'";
    let first = database.sql(made);
    for _ in 0..2 {
        downgrade(&database.url(), &StoreOptions::default(), 0).expect("it goes back");
        assert_eq!(database.sql(made).trim(), "");
        drop(open(&database.url()));
        assert_eq!(database.sql(made), first);
    }
}

#[test]
fn what_cannot_be_reached_is_told_without_a_password() {
    let error = refused(
        "postgres://u:geheim@127.0.0.1:1/d",
        &StoreOptions::default(),
    );
    let told = error.to_string();
    assert!(
        told.contains("postgres://u@127.0.0.1:1/d") && !told.contains("geheim"),
        "{told}"
    );
    assert_eq!(error.code(), "CAR0631");
    let error = refused(
        "postgres://u:geheim@h/d?sslmode=no",
        &StoreOptions::default(),
    );
    assert!(error.to_string().contains("sslmode `no`"), "{error}");
    assert!(!error.to_string().contains("geheim"), "{error}");
    assert_eq!(error.code(), "CAR0630");
}

#[test]
fn a_user_who_may_make_nothing_is_told() {
    let database = Cluster::get().database();
    let user = format!("nobody_{}", database.name());
    database.sql(&format!("CREATE ROLE {user} LOGIN"));
    let url = database.url().replace("postgres@", &format!("{user}@"));
    let error = refused(&url, &StoreOptions::default());
    assert!(matches!(error, OpenError::Forbidden { .. }), "{error}");
    database.sql(&format!("DROP ROLE {user}"));
}

/// The server ends the connection, as it does when it is restarted: what was under way is unknown, and the next call has another.
#[test]
fn a_lost_connection_is_made_anew() {
    let database = Arc::new(crate::store::database());
    let kept = Arc::clone(&database);
    let harness = Harness::open(Opener::new(move || {
        expire(&kept);
        Arc::new(open(&kept.url()))
    }));
    let (process, claimed) = harness.running(1);
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert_eq!(database.sql(end).trim(), "2", "one to write, one to listen");
    let commit = || {
        let group = Group {
            at: harness.now(),
            ..Group::default()
        };
        harness.wait(harness.store().commit(Arc::new(group)))
    };
    // The loss may be seen before the call or by it: nothing was done as long as its COMMIT was not sent.
    if let Err(fault) = commit() {
        assert!(matches!(fault, Fault::Busy(_)), "{fault}");
    }
    commit().expect("there is another connection");
    assert_eq!(harness.recount(process).open, 1);
    let now = harness.now();
    let step = carril_testkit::store::step_end(0, now, now);
    harness.accept(
        claimed[0].owned,
        carril_model::contract::Change::StepEnded(Box::new(step)),
    );
}

/// What the server only finds when a transaction ends, it answers COMMIT with. Nothing of the group is there then, and nobody takes it for
/// done.
#[test]
fn a_group_that_only_fails_at_its_commit_is_not_done() {
    let database = Arc::new(crate::store::database());
    let kept = Arc::clone(&database);
    let harness = Harness::open(Opener::new(move || {
        expire(&kept);
        Arc::new(open(&kept.url()))
    }));
    let (_, claimed) = harness.running(1);
    database.sql(
        "CREATE FUNCTION carril.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not now''; END'; \
         CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON carril.step DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION carril.refuse()",
    );
    let now = harness.now();
    let owned = claimed[0].owned;
    let end = || {
        let step = carril_testkit::store::step_end(0, now, now);
        carril_model::contract::Change::StepEnded(Box::new(step))
    };
    let group = Group {
        at: now,
        records: vec![carril_model::contract::Record {
            owned,
            change: end(),
        }],
        ..Group::default()
    };
    let refused = harness.wait(harness.store().commit(Arc::new(group)));
    let fault = refused.expect_err("the server refused it");
    assert!(
        matches!(&fault, Fault::Unavailable(words) if words.contains("not now")),
        "{fault}"
    );
    let steps = || harness.wait(harness.store().steps(owned.execution));
    assert_eq!(steps(), Ok(Vec::new()), "it left nothing");
    database.sql("DROP TRIGGER late ON carril.step");
    harness.accept(owned, end());
    assert_eq!(steps().map(|steps| steps.len()), Ok(1));
}

/// Texts of strangers' programs may hold what PostgreSQL has no text for.
#[test]
fn a_nul_stops_no_group() {
    let database = crate::store::database();
    let url = database.url();
    let mut harness = Harness::open(Opener::new(move || Arc::new(open(&url))));
    let mut spec = harness.spec(1);
    spec.entities[0].entity_key = "a\0b".to_owned();
    spec.open = 1;
    let (process, claimed) = harness.launch(&spec);
    let now = harness.tick(10);
    let end = carril_model::contract::StepEnd {
        reason: Some("no\0".to_owned()),
        output: Some(serde_json::json!({ "a\0": "\0" })),
        log: Some("line\0\n".to_owned()),
        error: Some(carril_model::contract::StepError::new(
            "CAR0501",
            carril_model::contract::ErrorClass::Permanent,
            "bad \0 byte",
        )),
        ..carril_testkit::store::step_end(0, now, now)
    };
    harness.accept(
        claimed[0].owned,
        carril_model::contract::Change::StepEnded(Box::new(end)),
    );
    let told = database.sql("SELECT error, details FROM carril.steps s JOIN carril.trace t USING (execution_id) WHERE event = 'END'");
    assert!(told.contains('\u{fffd}'), "{told}");
    assert_eq!(harness.recount(process).open, 1);
}

/// What each `sslmode` asks of the server, whose certificate is for `localhost` and signed by nobody.
#[test]
fn encryption_is_what_the_url_says() {
    let database = crate::store::database();
    let place = |host: &str, ssl: &str| {
        let url = database.url().replace("127.0.0.1", host);
        url.replace("sslmode=disable", ssl)
    };
    let known = format!("sslrootcert={}", Cluster::get().certificate().display());
    let opened = |url: &str| PostgresStore::open(url, &StoreOptions::default());
    let encrypted = |host: &str, ssl: &str| {
        let store = opened(&place(host, ssl)).expect("it opens");
        // A first statement makes the store's own connection.
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let none = runtime.expect("a runtime").block_on(store.breakers());
        assert_eq!(none, Ok(Vec::new()));
        let asked = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = current_database() AND application_name = 'carril store'";
        database.sql(asked).trim() == "t"
    };
    assert!(!encrypted("127.0.0.1", "sslmode=disable"));
    if !Cluster::get().encrypts() {
        // Who asks for it gets no connection without it, and who would like it gets one.
        assert!(!encrypted("127.0.0.1", "sslmode=prefer"));
        let error = refused(
            &place("127.0.0.1", "sslmode=require"),
            &StoreOptions::default(),
        );
        assert_eq!(error.code(), "CAR0631", "{error}");
        return;
    }
    assert!(encrypted("127.0.0.1", "sslmode=prefer"));
    assert!(encrypted("127.0.0.1", "sslmode=require"));
    assert!(encrypted(
        "127.0.0.1",
        &format!("sslmode=verify-ca&{known}")
    ));
    assert!(encrypted(
        "localhost",
        &format!("sslmode=verify-full&{known}")
    ));
    for (host, ssl) in [
        ("127.0.0.1", format!("sslmode=verify-full&{known}")),
        ("localhost", "sslmode=verify-full".to_owned()),
        ("localhost", "sslmode=verify-ca".to_owned()),
    ] {
        let error = refused(&place(host, &ssl), &StoreOptions::default());
        assert_eq!(error.code(), "CAR0631", "{ssl}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
}
