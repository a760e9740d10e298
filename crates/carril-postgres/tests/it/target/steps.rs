//! One SQL step: values, output, row counts, errors with their places, what its SQL may not do.

use super::fixture::*;
use carril_model::contract::{ErrorClass, StepDone, StepError};
use serde_json::{Value, json};

const SCHEMA: &str = "
    create type mood as enum ('sad', 'merry');
    create table source (id integer primary key, name text);
    insert into source values (1, 'one'), (2, 'two'), (3, 'three');
    create table work (id integer primary key, name text, amount numeric, check (amount is null or amount >= 0));
    create table parts (a integer, b text) partition by range (a);
    create table parts_low partition of parts for values from (0) to (10);
    create table parts_high partition of parts for values from (10) to (100);
    create table kinds (day date, at timestamptz, feel mood, doc jsonb, list integer[], key uuid, small smallint, real8 double precision);
";

/// Runs one step's SQL in lane 1 of a fresh warehouse.
async fn run(sql: &str) -> (House, Result<StepDone, StepError>) {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[("step", sql)])
        .tables(&["work", "kinds"])
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
        house.rows("select id, name, amount from carril_p7_e1_r1.work order by id"),
        ["1|one|1.5", "2|two|1.5"]
    );
    assert_eq!(
        house.rows("select count(*) from work"),
        ["0"],
        "the template stays empty"
    );
}

/// The server counts rows of earlier transactions again until it has taken note of them; a step must not.
#[tokio::test]
async fn each_step_counts_its_own_rows_only() {
    let house = House::with(SCHEMA, |options| options.connections = 1);
    let plan = Pipeline::new(&[
        ("add", "insert into work (id) select id from source"),
        (
            "more",
            "insert into work (id) values (10); update work set name = 'x' where id = 10",
        ),
        ("none", "select count(*) from work"),
    ])
    .tables(&["work"])
    .plan();
    let mut counted = Vec::new();
    for step in ["add", "more", "none"] {
        counted.push(house.run(&plan, step, 1).await.unwrap().rows);
    }
    assert_eq!(
        counted,
        [
            vec![table_rows("work", 3, 0, 0)],
            vec![table_rows("work", 1, 1, 0)],
            vec![]
        ]
    );
}

#[tokio::test]
async fn triggers_functions_and_partitions_are_counted_with_their_tables() {
    let house = House::new(&format!(
        "{SCHEMA}
        create table log (what text);
        create function logs() returns trigger language plpgsql as $$ begin insert into log values ('x'); return new; end $$;
        create trigger on_parts after insert on parts for each row execute function logs();"
    ));
    let plan = Pipeline::new(&[("step", "insert into parts values (1, 'a'), (2, 'b'), (20, 'c'); delete from parts where a = 20; select 7 as seven")]).plan();
    let done = house.run(&plan, "step", 1).await.unwrap();
    assert_eq!(
        done.rows,
        vec![table_rows("log", 3, 0, 0), table_rows("parts", 3, 0, 1)]
    );
    assert_eq!(done.output, Some(json!({"seven": 7})));
}

#[tokio::test]
async fn returning_gives_its_first_row_and_writes_all() {
    let (house, done) =
        run("insert into work (id) values (1), (2) returning id * 10 as tenfold").await;
    assert_eq!(done.unwrap().output, Some(json!({"tenfold": 10})));
    assert_eq!(
        house.rows("select count(*) from carril_p7_e1_r1.work"),
        ["2"]
    );
}

#[tokio::test]
async fn values_are_bound_by_name_and_never_pasted() {
    let house = House::new(SCHEMA);
    let sql = "select :execution_id as e, :run as r, :entity_key as k, :entity.flag as flag, :limits as limits, :gone as gone,
               :param.day as day, pg_typeof(:amount)::text as kind, :evil as evil, ':evil' as quoted, $$ :evil $$ as dollar,
               :execution_id::text as cast, :limits::jsonb -> 0 as first, :gone is null as none, left(:evil, :two) as start";
    let plan = Pipeline::new(&[("step", sql)]).tables(&["work"]).plan();
    let evil = "x'); drop table work; --";
    let call = first_try(&plan, "step", 12)
        .entity("fund \"7\"")
        .param("day", json!("2025-06-30"))
        .attribute("flag", json!(true))
        .attribute("limits", json!([1, {"a": 2}]))
        .attribute("gone", Value::Null)
        .attribute("amount", json!(2.5))
        .attribute("two", json!(2))
        .attribute("evil", json!(evil));
    let done = house.attempt(&call.call(), &Switch::new()).await.unwrap();
    let expected = json!({
        "e": 12, "r": 1, "k": "fund \"7\"", "flag": true, "limits": "[1,{\"a\":2}]", "gone": null, "day": "2025-06-30",
        "kind": "double precision", "evil": evil, "quoted": ":evil", "dollar": " :evil ", "cast": "12", "first": 1, "none": true,
        "start": "x'"
    });
    assert_eq!(done.output, Some(expected));
}

#[tokio::test]
async fn values_take_the_type_that_stands_there() {
    let house = House::new(SCHEMA);
    let sql = "insert into kinds values (:day, :at, :feel, :doc, :list, :key, :small, :real8);
               select * from kinds where day = :day and feel = :feel and list @> :list and doc @> :doc and small = :small";
    let plan = Pipeline::new(&[("step", sql)]).tables(&["kinds"]).plan();
    let call = first_try(&plan, "step", 1)
        .param("day", json!("2025-06-30"))
        .attribute("at", json!("2025-06-30T12:00:00+02:00"))
        .attribute("feel", json!("merry"))
        .attribute("doc", json!({"a": [1, "it's"]}))
        .attribute("list", json!([3, 4]))
        .attribute("key", json!("6f9619ff-8b86-d011-b42d-00cf4fc964ff"))
        .attribute("small", json!(7))
        .attribute("real8", json!(0.1));
    let done = house.attempt(&call.call(), &Switch::new()).await.unwrap();
    assert_eq!(
        done.output,
        Some(json!({
            "day": "2025-06-30", "at": "2025-06-30T10:00:00Z", "feel": "merry", "doc": {"a": [1, "it's"]}, "list": [3, 4],
            "key": "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "small": 7, "real8": 0.1
        }))
    );
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
    let (code, _, place, message) = fails("select 1,\n $1").await;
    assert_eq!(
        (code.as_str(), place.as_deref()),
        ("CAR0510", Some("sql/step.sql:2:2"))
    );
    assert!(message.contains("write `:name`"), "{message}");
}

#[tokio::test]
async fn errors_point_into_the_file() {
    let (code, class, place, message) =
        fails("select 1;\n  select 'é', :run, nme\n    from source;").await;
    assert_eq!((code.as_str(), class), ("CAR0501", ErrorClass::Permanent));
    assert!(
        message.starts_with("column \"nme\" does not exist"),
        "{message}"
    );
    assert_eq!(place.as_deref(), Some("sql/step.sql:2:21"));

    let (code, class, place, message) =
        fails("select 1;\n\ninsert into work (id, amount) values (1, -1)").await;
    assert_eq!((code.as_str(), class), ("CAR0501", ErrorClass::Permanent));
    assert!(
        message.contains("work_amount_check") && !message.contains("-1"),
        "{message}"
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
    let (house, done) = run("insert into work (id) values (1); create table extra (x int); insert into work (id) values (1)").await;
    assert_eq!(
        done.expect_err("the key is there already")
            .native
            .as_deref(),
        Some("23505")
    );
    assert_eq!(
        house.rows("select count(*) from carril_p7_e1_r1.work"),
        ["0"]
    );
    assert_eq!(
        house.rows("select to_regclass('carril_p7_e1_r1.extra') is null"),
        ["t"]
    );
    assert_eq!(
        house.rows("select count(*) from carril_target.fence"),
        ["0"]
    );
}

/// A constraint that is only looked at when the transaction ends: the server then answers COMMIT with an error.
#[tokio::test]
async fn what_only_fails_at_the_commit_has_failed() {
    let house = House::new("create table work (id integer unique deferrable initially deferred)");
    let plan = Pipeline::new(&[("step", "insert into work values (1), (1)")]).plan();
    let error = house
        .run(&plan, "step", 1)
        .await
        .expect_err("the key is there twice");
    assert_eq!(
        (error.class, error.native.as_deref()),
        (ErrorClass::Permanent, Some("23505"))
    );
    assert!(
        error.message.starts_with("committing: "),
        "{}",
        error.message
    );
    assert_eq!(
        house
            .rows("select (select count(*) from work), (select count(*) from carril_target.fence)"),
        ["0|0"]
    );
}

#[tokio::test]
async fn sql_may_not_end_the_transaction_or_reach_around_it() {
    let one = "a step is one transaction that Carril begins and ends; its SQL may not begin, end or nest one";
    let shared = "is shared by all lanes and can only be read here; list it in `[workspace] tables`, or name it in the step's `shared_writes`";
    let table = [
        ("commit", one),
        ("rollback", one),
        ("savepoint a", one),
        ("end", one),
        ("abort", one),
        ("prepare transaction 'x'", one),
        ("set search_path = public", "write `set local`"),
        ("copy work from stdin", "no client here"),
        ("delete from source", shared),
        ("truncate source", shared),
        ("create table public.made (x int)", shared),
        ("insert into public.work (id) values (1)", shared),
        (
            "with gone as (delete from source returning id) select count(*) from gone",
            shared,
        ),
        (
            "delete from carril_target.fence",
            "is Carril's own table; a step's SQL may read it but not change it",
        ),
        ("do $$ begin commit; end $$", "effects = \"at_least_once\""),
    ];
    for (sql, expected) in table {
        let (house, done) = run(&format!("insert into work (id) values (1);\n{sql}")).await;
        let error = done.expect_err(sql);
        assert_eq!(
            (error.code.as_str(), error.class),
            ("CAR0501", ErrorClass::Permanent),
            "{sql}: {error:?}"
        );
        assert!(error.message.contains(expected), "{sql}: {}", error.message);
        assert!(
            error
                .place
                .is_some_and(|place| place.starts_with("sql/step.sql:2:")),
            "{sql}"
        );
        assert_eq!(
            house.rows("select (select count(*) from source), (select count(*) from work)"),
            ["3|0"],
            "{sql}"
        );
    }
}

/// What SQL leaves on a connection is gone before another lane has it.
#[tokio::test]
async fn nothing_of_a_step_stays_on_its_connection() {
    let house = House::with(SCHEMA, |options| options.connections = 1);
    let plan = Pipeline::new(&[
        ("leaves", "create temp table work as select 99 as id; select set_config('work_mem', '77MB', false), pg_advisory_lock(42)"),
        ("finds", "select current_setting('work_mem') as memory, count(*) as rows from work"),
    ])
    .tables(&["work"])
    .plan();
    house.run(&plan, "leaves", 1).await.unwrap();
    assert_eq!(house.rows("select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())"), ["0"]);
    let found = house.run(&plan, "finds", 1).await.unwrap().output.unwrap();
    assert_eq!(found["rows"], json!(0));
    assert_ne!(found["memory"], json!("77MB"));
}

#[tokio::test]
async fn outputs_are_small_json_or_an_error() {
    let table = [
        (
            "select '\\x00'::bytea as picture",
            "column `picture` of the step's output holds bytes, which JSON cannot",
        ),
        (
            "select '1 day'::interval as span",
            "holds a value of type interval, which JSON cannot",
        ),
        (
            "select 'infinity'::float8 as much",
            "holds an infinite number, which JSON cannot",
        ),
        (
            "select 123456789012.345678901234 as exact",
            "of which JSON's numbers lose digits (cast it to text)",
        ),
        (
            "select repeat('x', 70000) as big",
            "the step's output is larger than 65536 bytes",
        ),
    ];
    for (sql, expected) in table {
        let (code, class, place, message) = fails(sql).await;
        assert_eq!(
            (code.as_str(), class, place.as_deref()),
            ("CAR0508", ErrorClass::Permanent, Some("sql/step.sql:1:1"))
        );
        assert!(message.contains(expected), "{message}");
    }
    let (_house, done) = run("select 12.50 as price, 10::numeric as ten, array['a', null] as list, null as nothing, 'x'::char(3) as padded").await;
    assert_eq!(
        done.unwrap().output,
        Some(
            json!({"price": 12.5, "ten": 10, "list": ["a", null], "nothing": null, "padded": "x  "})
        )
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

/// Every row of a query is taken, also where only the first counts: what it calls may do something for each.
#[tokio::test]
async fn a_query_runs_to_its_end() {
    let house = House::new(&format!("{SCHEMA} create sequence seen"));
    let plan = Pipeline::new(&[(
        "step",
        "select nextval('seen') as n from generate_series(1, 500)",
    )])
    .plan();
    let done = house.run(&plan, "step", 1).await.unwrap();
    assert_eq!(done.output, Some(json!({"n": 1})));
    assert_eq!(house.rows("select last_value from seen"), ["500"]);
}

#[tokio::test]
async fn errors_inside_functions_are_told_with_their_line() {
    let house = House::new(
        "create function checks(n int) returns void language plpgsql as $$
         begin
             if n > 1 then raise exception 'too many: %', n using errcode = 'P0042'; end if;
         end $$",
    );
    let plan = Pipeline::new(&[("step", "select 1;\nselect checks(:run + 5)")]).plan();
    let error = house.run(&plan, "step", 1).await.expect_err("it raises");
    assert_eq!(
        (error.class, error.native.as_deref()),
        (ErrorClass::Permanent, Some("P0042"))
    );
    assert_eq!(
        error.message,
        "too many: 6; PL/pgSQL function checks(integer) line 3 at RAISE"
    );
    assert_eq!(error.place.as_deref(), Some("sql/step.sql:2:1"));
}

#[tokio::test]
async fn procedures_that_commit_say_so() {
    let schema = format!(
        "{SCHEMA} create table log (what int);
         create procedure fills(n int) language plpgsql as $$ begin for i in 1..n loop insert into log values (i); commit; end loop; end $$"
    );
    let call = "call fills(:three)";
    let house = House::new(&schema);
    let attempt = |plan| {
        first_try(&plan, "step", 1)
            .attribute("three", json!(3))
            .call()
    };
    let once = Pipeline::new(&[("step", call)]).plan();
    let error = house
        .attempt(&attempt(once), &Switch::new())
        .await
        .expect_err("it would commit by itself");
    assert_eq!(
        (error.class, error.native.as_deref()),
        (ErrorClass::Permanent, Some("2D000"))
    );
    assert!(
        error.message.contains("effects = \"at_least_once\""),
        "{}",
        error.message
    );
    assert_eq!(house.rows("select count(*) from log"), ["0"]);

    let again = Pipeline::new(&[("step", call)]).at_least_once().plan();
    house
        .attempt(&attempt(again), &Switch::new())
        .await
        .unwrap();
    assert_eq!(house.rows("select count(*) from log"), ["3"]);
}

#[tokio::test]
async fn hostile_names_are_only_names() {
    let odd = r#"We"ird; drop table x --"#;
    let quoted = odd.replace('"', "\"\"");
    let house = House::new(&format!(
        "create table \"{quoted}\" (\"a\"\"b\" text primary key, \"select\" int default (1 + 1), serial serial)"
    ));
    let into = "hist'ory \"x\"\\";
    let sql = format!("insert into \"{quoted}\" (\"a\"\"b\") values ('it''s')");
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
    assert_eq!(house.rows("select * from \"cur'rent;\""), ["it's|2|1|1"]);
}

/// What a table is called may change under a step, and by it: names that are remembered must not hide that.
#[tokio::test]
async fn tables_that_change_their_name_or_schema_are_known_by_the_new_one() {
    let house = House::new(SCHEMA);
    let plan = Pipeline::new(&[
        ("fill", "insert into work (id) values (1)"),
        (
            "rename",
            "alter table work rename to renamed; insert into renamed (id) values (2)",
        ),
        ("again", "insert into renamed (id) values (3)"),
        (
            "make",
            "create table fresh (x integer); insert into fresh values (1)",
        ),
        ("use", "insert into fresh values (2)"),
        ("move", "alter table fresh set schema public"),
    ])
    .tables(&["work"])
    .plan();
    let mut counted = Vec::new();
    for step in ["fill", "rename", "again"] {
        counted.push(house.run(&plan, step, 1).await.unwrap().rows);
    }
    let one = |table| vec![table_rows(table, 1, 0, 0)];
    assert_eq!(counted, [one("work"), one("renamed"), one("renamed")]);
    for step in ["make", "use"] {
        assert_eq!(house.run(&plan, step, 1).await.unwrap().rows, one("fresh"));
    }
    let error = house
        .run(&plan, "move", 1)
        .await
        .expect_err("it would be everybody's");
    assert!(
        error.message.starts_with("`fresh` is shared by all lanes"),
        "{}",
        error.message
    );
    assert_eq!(
        house.rows("select count(*) from carril_p7_e1_r1.fresh"),
        ["2"]
    );
}
