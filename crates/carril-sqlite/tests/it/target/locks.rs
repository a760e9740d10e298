//! Files that others hold, that cannot be written, that are not there, and steps that write the shared file.

use super::fixture::*;
use carril_model::contract::{Clock, ErrorClass, Target, TargetError};
use carril_sqlite::target::{SqliteTarget, TargetOptions};
use serde_json::json;
use std::sync::Arc;

const SCHEMA: &str = "
    create table work (id integer);
    create table totals (lane text primary key, rows integer);
    create table log (lane text);
    create trigger on_totals after insert on totals begin insert into log values (new.lane); end;
";
const TOTAL: &str = "insert into totals select :entity_key, count(*) from work";

#[tokio::test]
async fn shared_writes_go_to_the_shared_file_and_read_the_lanes_rows() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[
        ("add", "insert into work values (1), (2)"),
        ("total", TOTAL),
    ])
    .tables(&["work"])
    .shared_writes("total", &["totals"])
    .plan();
    for (execution, entity) in [(1, "one"), (2, "two")] {
        house
            .attempt(
                &first_try(&plan, "add", execution).entity(entity).call(),
                &Switch::new(),
            )
            .await
            .unwrap();
        let done = house
            .attempt(
                &first_try(&plan, "total", execution).entity(entity).call(),
                &Switch::new(),
            )
            .await
            .unwrap();
        assert_eq!(
            done.rows,
            vec![table_rows("log", 1, 0, 0), table_rows("totals", 1, 0, 0)]
        );
        let again = house
            .attempt(
                &first_try(&plan, "total", execution)
                    .entity(entity)
                    .again(2, 1)
                    .call(),
                &Switch::new(),
            )
            .await
            .unwrap();
        assert_eq!(again, done);
    }
    assert_eq!(
        house.rows("select lane, rows from totals order by lane"),
        vec![json!(["one", 2]), json!(["two", 2])]
    );
    assert_eq!(house.rows("select count(*) from log"), vec![json!([2])]);
    assert_eq!(house.rows("select count(*) from work"), vec![json!([0])]);
}

#[tokio::test]
async fn a_step_that_writes_shared_tables_cannot_write_the_lanes() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[(
        "both",
        "insert into totals values ('x', 1); insert into work values (1)",
    )])
    .tables(&["work"])
    .shared_writes("both", &["totals"])
    .plan();
    let error = house
        .run(&plan, "both", 1)
        .await
        .expect_err("nothing commits across two files");
    assert_eq!(error.message, "cannot modify work because it is a view");
    assert_eq!(house.rows("select count(*) from totals"), vec![json!([0])]);
}

#[tokio::test]
async fn without_a_workspace_a_step_runs_on_the_shared_file() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[(
        "add",
        "insert into work values (1), (2), (3); select 3 as rows",
    )])
    .plan();
    let done = house.run(&plan, "add", 1).await.unwrap();
    assert_eq!(
        (done.output.clone(), done.rows.clone()),
        (Some(json!({"rows": 3})), vec![table_rows("work", 3, 0, 0)])
    );
    assert_eq!(
        house
            .attempt(
                &first_try(&plan, "add", 1).again(2, 1).call(),
                &Switch::new()
            )
            .await
            .unwrap(),
        done
    );
    assert_eq!(house.rows("select count(*) from work"), vec![json!([3])]);
    assert_eq!(house.rows("pragma journal_mode"), vec![json!(["wal"])]);
}

#[tokio::test]
async fn another_programs_lock_is_waited_for_and_then_named() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[("add", "insert into work values (1)")]).plan();
    house.run(&plan, "add", 1).await.unwrap();
    let foreign = house.shared();
    foreign.execute_batch("begin immediate").unwrap();
    let mut soon = first_try(&plan, "add", 2);
    soon.timeout = house.soon();
    let error = house
        .attempt(&soon.call(), &Switch::new())
        .await
        .expect_err("it is locked");
    assert_eq!(
        (error.code.as_str(), error.class, error.native.as_deref()),
        ("CAR0502", ErrorClass::Transient, Some("5"))
    );
    assert_eq!(
        error.message,
        "another program holds the write lock of the database file, and SQLite cannot tell which (beginning the transaction: database is locked)"
    );
    let switch = Switch::new();
    let call = first_try(&plan, "add", 2).again(1, 2).call();
    let (outcome, ()) = tokio::join!(house.target.run_sql(&call, &switch), async {
        switch.fire();
    });
    assert_eq!(
        outcome
            .expect_err("it was asked to stop while it waited")
            .class,
        ErrorClass::Cancelled
    );
    foreign.execute_batch("commit").unwrap();
    house
        .attempt(
            &first_try(&plan, "add", 2).again(1, 3).call(),
            &Switch::new(),
        )
        .await
        .unwrap();
    assert_eq!(house.rows("select count(*) from work"), vec![json!([2])]);
}

#[tokio::test]
async fn a_lock_on_the_shared_file_stops_publishing_only() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[("add", "insert into work values (1)")])
        .tables(&["work"])
        .publish("work", "history", &["id"], None)
        .plan();
    house.run(&plan, "add", 1).await.unwrap();
    let foreign = house.shared();
    foreign.execute_batch("begin immediate").unwrap();
    house.run(&plan, "add", 2).await.unwrap();
    let mut publish = first_try(&plan, "publish/publish", 1);
    publish.timeout = house.soon();
    let error = house
        .attempt(&publish.call(), &Switch::new())
        .await
        .expect_err("it is locked");
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0502", ErrorClass::Transient)
    );
    foreign.execute_batch("commit").unwrap();
    house
        .attempt(
            &first_try(&plan, "publish/publish", 1).again(1, 2).call(),
            &Switch::new(),
        )
        .await
        .unwrap();
    assert_eq!(
        house.rows("select id, execution_id from history"),
        vec![json!([1, 1])]
    );
}

#[tokio::test]
async fn a_missing_or_wrong_file_is_told_when_it_is_opened_or_probed() {
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = House::new(SCHEMA).clock;
    let open = |path: &str| {
        SqliteTarget::open(
            "warehouse",
            TargetOptions::new(
                folder.path().join(path),
                folder.path().join("w"),
                Arc::clone(&clock),
            ),
        )
    };
    let Err(TargetError::Unreachable(text)) = open("none.db") else {
        panic!("there is none")
    };
    assert!(text.contains("none.db; create the database first, or give another with --target warehouse=sqlite:PATH"), "{text}");
    let Err(TargetError::Unreachable(text)) = open(".") else {
        panic!("it is a folder")
    };
    assert!(text.contains("is not a file"), "{text}");
    std::fs::write(
        folder.path().join("text.db"),
        "this is no database, only a long enough text about one",
    )
    .unwrap();
    let Err(TargetError::Unreachable(text)) = open("text.db").unwrap().probe().await else {
        panic!("it is no database")
    };
    assert!(
        text.contains("text.db") && text.contains("file is not a database"),
        "{text}"
    );
}

#[tokio::test]
async fn probing_tells_what_is_there_and_changes_nothing() {
    let house = House::new(SCHEMA);
    let before = std::fs::read(house.path()).unwrap();
    let text = house.target.probe().await.unwrap();
    assert!(
        text.starts_with("SQLite 3.") && text.contains("3 tables, journal mode delete"),
        "{text}"
    );
    assert_eq!(std::fs::read(house.path()).unwrap(), before);
}

/// The file as another program holds it read-only: root may write any file, so the connection is what is told.
#[tokio::test]
async fn a_read_only_file_takes_steps_that_say_so() {
    let house = House::new(SCHEMA);
    let mut rights = std::fs::metadata(house.path()).unwrap().permissions();
    rights.set_readonly(true);
    std::fs::set_permissions(house.path(), rights).unwrap();
    if std::fs::OpenOptions::new()
        .append(true)
        .open(house.path())
        .is_ok()
    {
        // This user may write everything; a file's rights mean nothing then, and there is nothing to be tested.
        return;
    }
    let once = Pipeline::new(&[("read", "select count(*) as rows from work")]).plan();
    let error = house
        .run(&once, "read", 1)
        .await
        .expect_err("its checkpoint cannot be written");
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0511", ErrorClass::Permanent)
    );
    assert!(
        error.message.contains("effects = \"at_least_once\""),
        "{}",
        error.message
    );
    let again = Pipeline::new(&[("read", "select count(*) as rows from work")])
        .at_least_once()
        .plan();
    assert_eq!(
        house.run(&again, "read", 1).await.unwrap().output,
        Some(json!({"rows": 0}))
    );
}
