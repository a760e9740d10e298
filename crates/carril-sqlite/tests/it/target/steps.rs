//! One SQL step: values, output, row counts, errors with their places, what its SQL may not do.

use super::fixture::*;
use carril_model::contract::{ErrorClass, StepDone, StepError};
use serde_json::{Value, json};

const SCHEMA: &str = "
    create table source (id integer primary key, name text);
    insert into source values (1, 'one'), (2, 'two'), (3, 'three');
    create table work (id integer primary key, name text, amount real, check (amount is null or amount >= 0));
    create table plain (a, b, primary key (a)) without rowid;
";

/// Runs one step's SQL in lane 1 of a fresh warehouse.
async fn run(sql: &str) -> (House, Result<StepDone, StepError>) {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[("step", sql)])
        .tables(&["work", "plain"])
        .plan();
    let done = house.run(&plan, "step", 1).await;
    (house, done)
}

async fn fails(sql: &str) -> (String, ErrorClass, Option<String>, String) {
    let (_house, done) = run(sql).await;
    let error = done.expect_err("the step fails");
    (error.code, error.class, error.place, error.message)
}

#[tokio::test]
async fn a_script_sees_its_own_tables_and_the_shared_ones_and_counts_rows() {
    let (house, done) = run("
        insert into work (id, name) select id, name from source;
        update work set amount = 1.5 where id < 3;
        delete from work where id = 3;
        select count(*) as rows, max(name) as last from work;
    ")
    .await;
    let done = done.unwrap();
    assert_eq!(done.output, Some(json!({"rows": 2, "last": "two"})));
    assert_eq!(done.rows, vec![table_rows("work", 3, 2, 1)]);
    assert_eq!(
        house.lane_rows(1, 1, "select id, name, amount from work"),
        vec![json!([1, "one", 1.5]), json!([2, "two", 1.5])]
    );
    assert_eq!(
        house.rows("select count(*) from work"),
        vec![json!([0])],
        "the template stays empty"
    );
}

#[tokio::test]
async fn rows_that_no_hook_sees_are_counted_too() {
    let (_house, done) = run("
        insert into plain select id, name from source;
        update plain set b = 'x';
        insert into work (id) select id from source;
        delete from work;
        delete from plain where a = 1;
    ")
    .await;
    assert_eq!(
        done.unwrap().rows,
        vec![table_rows("plain", 3, 3, 1), table_rows("work", 3, 0, 3)]
    );
}

#[tokio::test]
async fn triggers_and_returning_do_what_they_say() {
    let (house, done) = run("
        create table log (id integer, what text);
        create trigger on_work after insert on work begin
            insert into log values (new.id, 'in; case');
            insert into log values (new.id, case when new.id > 1 then 'big' else 'small' end);
        end;
        insert into work (id) values (1), (2) returning id * 10 as tenfold;
    ")
    .await;
    let done = done.unwrap();
    assert_eq!(done.output, Some(json!({"tenfold": 10})));
    assert_eq!(
        done.rows,
        vec![table_rows("log", 4, 0, 0), table_rows("work", 2, 0, 0)]
    );
    assert_eq!(
        house.lane_rows(1, 1, "select count(*) from work"),
        vec![json!([2])],
        "all rows are written, not only the first given back"
    );
}

#[tokio::test]
async fn values_are_bound_by_name_and_never_pasted() {
    let house = House::new(SCHEMA);
    let sql = "select :execution_id as e, :run as r, :entity_key as k, :entity.flag as flag, :limits as limits, :gone as gone,
               :param.day as day, typeof(:amount) as kind, :evil as evil, ':evil' as quoted";
    let plan = Pipeline::new(&[("step", sql)]).tables(&["work"]).plan();
    let evil = "x'); drop table work; --";
    let call = first_try(&plan, "step", 12)
        .entity("fund \"7\"")
        .param("day", json!("2025-06-30"))
        .attribute("flag", json!(true))
        .attribute("limits", json!([1, {"a": 2}]))
        .attribute("gone", Value::Null)
        .attribute("amount", json!(2.5))
        .attribute("evil", json!(evil));
    let done = house.attempt(&call.call(), &Switch::new()).await.unwrap();
    let expected = json!({
        "e": 12, "r": 1, "k": "fund \"7\"", "flag": 1, "limits": "[1,{\"a\":2}]", "gone": null, "day": "2025-06-30",
        "kind": "real", "evil": evil, "quoted": ":evil"
    });
    assert_eq!(done.output, Some(expected));
}

#[tokio::test]
async fn a_missing_value_is_named_with_its_place() {
    let (code, class, place, message) = fails("select 1;\nselect 2, :steps.ipa.rows").await;
    assert_eq!((code.as_str(), class), ("CAR0510", ErrorClass::Permanent));
    assert_eq!(place.as_deref(), Some("sql/step.sql:2:11"));
    assert_eq!(
        message,
        "`:steps.ipa.rows` has no value: there is no such step"
    );
    let (code, _, place, message) = fails("select ?").await;
    assert_eq!(
        (code.as_str(), place.as_deref()),
        ("CAR0510", Some("sql/step.sql:1:1"))
    );
    assert_eq!(
        message,
        "placeholder `?` has no name that a value could have; write `:name`"
    );
}

#[tokio::test]
async fn errors_point_into_the_file() {
    let (code, class, place, message) = fails("select 1;\n  select nme\n    from source;").await;
    assert_eq!((code.as_str(), class), ("CAR0501", ErrorClass::Permanent));
    assert_eq!(message, "no such column: nme");
    assert_eq!(place.as_deref(), Some("sql/step.sql:2:10"));

    let (code, class, place, message) =
        fails("select 1;\n\ninsert into work (id, amount) values (1, -1)").await;
    assert_eq!((code.as_str(), class), ("CAR0501", ErrorClass::Permanent));
    assert_eq!(
        message,
        "CHECK constraint failed: amount is null or amount >= 0"
    );
    assert_eq!(place.as_deref(), Some("sql/step.sql:3:1"));

    let (code, _, place, _) = fails("select 'never ends").await;
    assert_eq!(
        (code.as_str(), place.as_deref()),
        ("CAR0501", Some("sql/step.sql:1:8"))
    );
}

#[tokio::test]
async fn a_failed_statement_takes_back_the_whole_step() {
    let (house, done) = run("insert into work (id) values (1); create table extra (x); insert into work (id) values (1)").await;
    assert_eq!(
        done.expect_err("the key is there already")
            .native
            .as_deref(),
        Some("1555")
    );
    assert_eq!(
        house.lane_rows(1, 1, "select count(*) from work"),
        vec![json!([0])]
    );
    assert_eq!(
        house.lane_rows(
            1,
            1,
            "select count(*) from sqlite_schema where name = 'extra'"
        ),
        vec![json!([0])]
    );
    assert_eq!(
        house.lane_rows(1, 1, "select count(*) from carril_fence"),
        vec![json!([0])]
    );
}

#[tokio::test]
async fn sql_may_not_end_the_transaction_or_reach_around_it() {
    let table = [
        (
            "commit",
            "a step is one transaction that Carril begins and ends; its SQL may not begin, end or nest one",
        ),
        (
            "savepoint a",
            "a step is one transaction that Carril begins and ends; its SQL may not begin, end or nest one",
        ),
        (
            "rollback",
            "a step is one transaction that Carril begins and ends; its SQL may not begin, end or nest one",
        ),
        (
            "attach 'x.db' as x",
            "a step's SQL may not attach or detach files",
        ),
        (
            "detach carril_shared",
            "a step's SQL may not attach or detach files",
        ),
        (
            "pragma synchronous = off",
            "a step's SQL may not use pragmas (`synchronous`)",
        ),
        (
            "delete from carril_fence",
            "`carril_fence` is Carril's own table; a step's SQL may read it but not change it",
        ),
        (
            "drop table carril_fence",
            "`carril_fence` is Carril's own table; a step's SQL may read it but not change it",
        ),
        (
            "delete from source",
            "`source` is shared by all lanes and can only be read here; list it in `[workspace] tables`, or name it in the step's `shared_writes`",
        ),
        (
            "insert into carril_shared.work (id) values (1)",
            "`work` is shared by all lanes and can only be read here; list it in `[workspace] tables`, or name it in the step's `shared_writes`",
        ),
    ];
    for (sql, expected) in table {
        let (code, class, _, message) =
            fails(&format!("insert into work (id) values (1); {sql}")).await;
        assert_eq!(
            (code.as_str(), class, message.as_str()),
            ("CAR0501", ErrorClass::Permanent, expected),
            "{sql}"
        );
    }
}

#[tokio::test]
async fn outputs_are_small_json_or_an_error() {
    let (code, class, place, message) = fails("select x'00' as picture").await;
    assert_eq!(
        (code.as_str(), class, place.as_deref()),
        ("CAR0508", ErrorClass::Permanent, Some("sql/step.sql:1:1"))
    );
    assert_eq!(
        message,
        "column `picture` of the step's output holds a blob, which JSON cannot"
    );
    let (code, _, _, message) = fails("select printf('%70000d', 1) as big").await;
    assert_eq!(code, "CAR0508");
    assert!(
        message.starts_with("the step's output is larger than 65536 bytes"),
        "{message}"
    );
    let (_house, done) = run("select id from source where id > 100").await;
    assert_eq!(done.unwrap().output, None, "no row is no output");
    let (_house, done) = run("select 1 as one; delete from work").await;
    assert_eq!(
        done.unwrap().output,
        None,
        "only the last statement's row counts"
    );
}

#[tokio::test]
async fn temporary_tables_last_as_long_as_their_step() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[
        ("makes", "create temp table work as select 99 as id; insert into main.work (id) select id from work"),
        ("reads", "select count(*) as rows, max(id) as id from work"),
    ])
    .tables(&["work"])
    .plan();
    assert_eq!(
        house.run(&plan, "makes", 1).await.unwrap().rows,
        vec![table_rows("work", 1, 0, 0)]
    );
    assert_eq!(
        house.run(&plan, "reads", 1).await.unwrap().output,
        Some(json!({"rows": 1, "id": 99}))
    );
    let gone = house
        .run(
            &Pipeline::new(&[("s", "select * from temp.work")])
                .tables(&["work"])
                .plan(),
            "s",
            1,
        )
        .await;
    assert_eq!(
        gone.expect_err("it went with its step").message,
        "no such table: temp.work"
    );
}

#[tokio::test]
async fn hostile_names_are_only_names() {
    let odd = r#"we"ird; drop table x --"#;
    let schema = format!(
        "create table \"{}\" (\"a\"\"b\" text primary key, \"select\" int default (1 + 1))",
        odd.replace('"', "\"\"")
    );
    let house = House::new(&schema);
    let into = "hist'ory \"x\"";
    let sql = format!(
        "insert into \"{}\" (\"a\"\"b\") values ('it''s')",
        odd.replace('"', "\"\"")
    );
    let plan = Pipeline::new(&[("step", &sql)])
        .tables(&[odd])
        .publish(odd, into, &["a\"b"], Some("cur'rent;"))
        .plan();
    assert_eq!(
        house.run(&plan, "step", 1).await.unwrap().rows,
        vec![table_rows(odd, 1, 0, 0)]
    );
    assert_eq!(
        house.run(&plan, "publish/publish", 1).await.unwrap().rows,
        vec![table_rows(into, 1, 0, 0)]
    );
    assert_eq!(
        house.rows("select * from \"cur'rent;\""),
        vec![json!(["it's", 2, 1])]
    );
}
