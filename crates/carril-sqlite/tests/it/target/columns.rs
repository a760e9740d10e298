//! Tables that executions share: each sees, changes, publishes and takes back its own rows alone.

use super::fixture::*;
use carril_model::contract::{ErrorClass, StepDone, StepError, TableLack, Target, TargetError};
use carril_model::definition::Publish;
use carril_model::id::Run;
use carril_model::plan::Plan;
use serde_json::json;
use std::sync::Arc;

const SCHEMA: &str = "
    create table ipa (id_ejecucion integer not null, line integer not null, amount integer default 10, primary key (id_ejecucion, line));
    create table totals (name text, n integer, id_ejecucion integer);
    create index totals_by on totals (id_ejecucion, name);
    create table source (line integer);
    insert into source values (1), (2), (3);
    create table log (line integer, seen integer);
    create view sums as select count(*) as lines, sum(amount) as amount from ipa;
    create view deeper as select lines * 2 as twice from sums;
";

fn steps(steps: &[(&str, &str)]) -> Arc<Plan> {
    pipeline(steps).plan()
}

fn pipeline(steps: &[(&str, &str)]) -> Pipeline {
    Pipeline::new(steps)
        .tables(&["ipa", "totals"])
        .by_column("ID_Ejecucion")
}

async fn run(house: &House, sql: &str, execution: i64) -> Result<StepDone, StepError> {
    house.run(&steps(&[("do", sql)]), "do", execution).await
}

/// Both ways to write: SQL that knows nothing of the column, and SQL that minds it everywhere.
const NEW: &str = "delete from ipa; insert into ipa (line) select line from source;
    update ipa set amount = amount + line where line > 1;
    select count(*) as n, sum(amount) as amount from ipa";
const OLD: &str = "delete from ipa where ID_Ejecucion = :execution_id;
    insert into ipa (ID_Ejecucion, line, amount) select :execution_id, line, 10 from source;
    update ipa set amount = amount + line where ID_Ejecucion = :execution_id and line > 1;
    select count(*) as n, sum(amount) as amount from ipa where ID_Ejecucion = :execution_id";

#[tokio::test]
async fn lanes_that_take_turns_never_see_each_other() {
    for sql in [NEW, OLD] {
        let house = House::new(SCHEMA);
        let plan = steps(&[
            ("fill", sql),
            (
                "more",
                "insert into ipa (line) select max(line) + 1 from ipa; insert into totals (name, n) select 'lines', count(*) from ipa",
            ),
            (
                "look",
                "select (select count(*) from ipa) as lines, (select sum(n) from totals) as n, (select twice from deeper) as twice",
            ),
        ]);
        for execution in [1, 2, 3] {
            let done = house.run(&plan, "fill", execution).await.unwrap();
            assert_eq!(done.output, Some(json!({"n": 3, "amount": 35})), "{sql}");
            assert_eq!(done.rows, vec![table_rows("ipa", 3, 2, 0)], "{sql}");
        }
        house.run(&plan, "more", 2).await.unwrap();
        // The first run of it again: its own rows go, and nobody else's.
        let again = first_try(&plan, "fill", 1).run(2).call();
        let done = house.attempt(&again, &Switch::new()).await.unwrap();
        assert_eq!(done.rows, vec![table_rows("ipa", 3, 2, 3)], "{sql}");
        for (execution, lines, n) in [(1, 3, json!(null)), (2, 4, json!(4)), (3, 3, json!(null))] {
            let seen = house.run(&plan, "look", execution).await.unwrap();
            assert_eq!(
                seen.output,
                Some(json!({"lines": lines, "n": n, "twice": lines * 2}))
            );
        }
        assert_eq!(
            house.rows("select id_ejecucion, count(*), sum(amount) from ipa group by 1"),
            vec![json!([1, 3, 35]), json!([2, 4, 45]), json!([3, 3, 35])]
        );
    }
}

#[tokio::test]
async fn rows_of_another_execution_are_refused_however_they_are_come_to() {
    let house = House::new(&format!(
        "{SCHEMA} create table numbered (id integer primary key, v text, id_ejecucion integer); create index numbered_by on numbered (id_ejecucion);"
    ));
    let plan = |sql: &str| {
        Pipeline::new(&[("do", sql)])
            .tables(&["ipa", "totals", "numbered"])
            .by_column("ID_Ejecucion")
            .plan()
    };
    for execution in [1, 2] {
        let fill = plan(
            "insert into ipa (line) values (1), (2); insert into numbered (v) values ('mine')",
        );
        house.run(&fill, "do", execution).await.unwrap();
    }
    let state = "select (select json_group_array(json_array(id_ejecucion, line, amount)) from ipa), (select json_group_array(json_array(id, v, id_ejecucion)) from numbered)";
    let before = house.rows(state);
    let refused = [
        (
            "insert into ipa (ID_Ejecucion, line) values (1, 9)",
            "another execution",
        ),
        ("insert into ipa values (1, 9, 9)", "another execution"),
        (
            "update ipa set ID_Ejecucion = 1 where line = 2",
            "another execution",
        ),
        ("update ipa set id_ejecucion = null", "another execution"),
        (
            "insert or replace into numbered (id, v) values (1, 'stolen')",
            "another execution",
        ),
        (
            "insert or ignore into numbered (id, v) values (1, 'stolen')",
            "another execution",
        ),
        ("update or replace numbered set id = 1", "another execution"),
        (
            "insert into numbered (id, v) values (1, 'x') on conflict (id) do update set v = excluded.v",
            "another execution",
        ),
        ("select * from main.ipa", "without its schema"),
        ("delete from [main] . \"ipa\"", "without its schema"),
        ("drop view ipa; select * from ipa", "keeps executions apart"),
        (
            "drop trigger carril_keep_insert_ipa; insert into ipa (line) values (1)",
            "keeps executions apart",
        ),
        ("drop table ipa", "use DROP VIEW"),
        ("alter table ipa add column more text", "to a view"),
        ("insert into log values (1, 1)", "shared by all lanes"),
        ("create table mine (a)", "shared by all lanes"),
        (
            "create view past as select * from ipa; select * from past",
            "shared by all lanes",
        ),
        (
            "insert into carril_fence default values",
            "Carril's own table",
        ),
    ];
    for (sql, words) in refused {
        // Something right before it: it must go with the rest.
        let sql = format!("insert into ipa (line) values (50);\n  {sql}");
        let error = house.run(&plan(&sql), "do", 2).await.expect_err(&sql);
        assert_eq!(error.class, ErrorClass::Permanent, "{sql}: {error:?}");
        assert!(error.message.contains(words), "{sql}: {}", error.message);
        assert!(
            error
                .place
                .is_some_and(|place| place.starts_with("sql/step.sql:2:")),
            "{sql}"
        );
        assert_eq!(house.rows(state), before, "{sql}");
    }
    let look = first_try(&plan("select count(*) as n from ipa"), "do", 2).run(2);
    let seen = house.attempt(&look.call(), &Switch::new()).await.unwrap();
    let output = seen.output;
    assert_eq!(
        output,
        Some(json!({"n": 2})),
        "what was refused has left nothing in the way"
    );
}

#[tokio::test]
async fn triggers_of_the_database_run_and_those_that_reach_further_are_refused() {
    let house = House::new(&format!(
        "{SCHEMA} create trigger on_ipa after insert on ipa begin insert into log values (new.line, new.id_ejecucion); end;"
    ));
    let insert = [("do", "insert into ipa (line) values (1)")];
    let plan = pipeline(&insert).shared_writes("do", &["log"]).plan();
    let done = house.run(&plan, "do", 4).await.unwrap();
    assert_eq!(
        done.rows,
        vec![table_rows("ipa", 1, 0, 0), table_rows("log", 1, 0, 0)]
    );
    assert_eq!(house.rows("select * from log"), vec![json!([1, 4])]);
    let error = run(&house, insert[0].1, 5)
        .await
        .expect_err("the log is not shared on purpose");
    assert!(
        error.message.contains("`log` is shared by all lanes"),
        "{}",
        error.message
    );

    house.shared().execute_batch("create trigger counts after delete on ipa begin insert into log select count(*), 0 from sums; end; create trigger takes after update on ipa begin delete from totals where name = 'x'; end;").unwrap();
    for (sql, past) in [
        ("delete from ipa", "sums"),
        ("update ipa set amount = 1", "takes"),
    ] {
        let plan = pipeline(&[("do", sql)])
            .shared_writes("do", &["log"])
            .plan();
        let error = house.run(&plan, "do", 4).await.expect_err(sql);
        assert!(
            error
                .message
                .contains(&format!("`{past}` would work on rows of all executions")),
            "{}",
            error.message
        );
    }
}

#[tokio::test]
async fn foreign_keys_take_along_only_the_executions_own_rows() {
    let house = House::new(
        "create table parent (e integer, id integer, primary key (e, id));
         create table child (e integer, of integer, foreign key (e, of) references parent (e, id) on delete cascade);
         create index child_by on child (e);",
    );
    let plan = Pipeline::new(&[
        (
            "fill",
            "insert into parent (id) values (1), (2); insert into child (of) values (1), (1), (2)",
        ),
        ("cut", "delete from parent where id = 1"),
        ("wrong", "insert into child (of) values (7)"),
    ])
    .tables(&["parent", "child"])
    .by_column("e")
    .plan();
    for execution in [1, 2] {
        house.run(&plan, "fill", execution).await.unwrap();
    }
    house.run(&plan, "cut", 2).await.unwrap();
    let left = "select e, count(*) from child group by e";
    assert_eq!(house.rows(left), vec![json!([1, 3]), json!([2, 1])]);
    let error = house
        .run(&plan, "wrong", 2)
        .await
        .expect_err("there is no such parent");
    assert!(error.message.contains("FOREIGN KEY"), "{}", error.message);
    // Children first, whatever the order in which the tables are listed.
    let removed = house
        .target
        .roll_back(plan.definition(), whose(1))
        .await
        .unwrap();
    assert_eq!(
        removed,
        vec![table_rows("child", 0, 0, 3), table_rows("parent", 0, 0, 2)]
    );
    assert_eq!(house.rows(left), vec![json!([2, 1])]);
}

#[tokio::test]
async fn an_error_is_told_where_it_was_written() {
    let house = House::new(SCHEMA);
    let cases = [
        (
            "select 1;\nupdate ipa set amount = nothing where line = 1",
            "2:25",
        ),
        ("delete from ipa\nwhere line = 1 or nothing = 2", "2:19"),
        ("insert into ipa (line, nothing)\nvalues (1, 2)", "1:24"),
        ("insert into ipa (line)\nselect line from nowhere", "2:18"),
        (
            "insert into ipa (line) values (1)\nreturning nothing",
            "2:11",
        ),
    ];
    for (sql, place) in cases {
        let error = run(&house, sql, 1).await.expect_err(sql);
        assert_eq!(
            error.place.as_deref(),
            Some(format!("sql/step.sql:{place}").as_str()),
            "{sql}: {}",
            error.message
        );
        let looked = house
            .target
            .inspect_by_column(&text(sql), workspace(&steps(&[])), &[])
            .await;
        assert!(
            matches!(
                looked,
                Err(TargetError::Sql {
                    offset: Some(_),
                    ..
                })
            ),
            "{looked:?}"
        );
    }
}

fn workspace(plan: &Plan) -> &'static carril_model::definition::Workspace {
    let workspace = plan.definition().workspace.clone().expect("it has one");
    Box::leak(Box::new(workspace))
}

#[tokio::test]
async fn published_rows_come_from_the_executions_own() {
    let house = House::new(SCHEMA);
    let plan = pipeline(&[("fill", "insert into ipa (line, amount) select line, line * :execution_id from source where line <= :execution_id")])
        .publish("ipa", "ipa_history", &["line"], Some("ipa_now"))
        .plan();
    for execution in [2, 3] {
        house.run(&plan, "fill", execution).await.unwrap();
    }
    for execution in [3, 2] {
        let done = house
            .run(&plan, "publish/publish", execution)
            .await
            .unwrap();
        assert_eq!(
            done.rows,
            vec![table_rows("ipa_history", execution.unsigned_abs(), 0, 0)]
        );
    }
    assert_eq!(
        house.rows("select execution_id, line, amount from ipa_now order by line"),
        vec![json!([3, 1, 3]), json!([3, 2, 6]), json!([3, 3, 9])]
    );
    let counted = house
        .target
        .preview_rollback(plan.definition(), whose(3))
        .await
        .unwrap();
    assert_eq!(
        counted,
        vec![
            table_rows("ipa_history", 0, 0, 3),
            table_rows("ipa", 0, 0, 3)
        ]
    );
    let removed = house
        .target
        .roll_back(plan.definition(), whose(3))
        .await
        .unwrap();
    assert_eq!(removed, counted);
    assert_eq!(
        house.rows("select execution_id, line, amount from ipa_now order by line"),
        vec![json!([2, 1, 2]), json!([2, 2, 4])]
    );
    assert_eq!(
        house.rows("select distinct id_ejecucion from ipa"),
        vec![json!([2])]
    );
    assert_eq!(
        house.rows("select distinct execution_id from carril_fence"),
        vec![json!([2])]
    );
    // It can run again.
    let again = first_try(&plan, "fill", 3).run(2).call();
    house.attempt(&again, &Switch::new()).await.unwrap();
    assert_eq!(house.target.newest_execution().await.unwrap(), 3);
}

#[tokio::test]
async fn the_next_run_finds_what_it_keeps_and_not_what_it_does_again() {
    let house = House::new(SCHEMA);
    let plan = steps(&[
        ("fill", "insert into ipa (line) select line from source"),
        (
            "sum",
            "insert into totals (name, n) select 'n', count(*) from ipa",
        ),
    ]);
    for execution in [1, 2] {
        house.run(&plan, "fill", execution).await.unwrap();
        house.run(&plan, "sum", execution).await.unwrap();
    }
    let carry = async |clear: &[&str]| {
        let clear: Vec<String> = clear.iter().map(|table| (*table).to_owned()).collect();
        house
            .target
            .carry_workspace(plan.definition(), whose(1), Run(1), Run(2), &clear)
            .await
    };
    carry(&["TOTALS"]).await.unwrap();
    let rows = "select (select count(*) from ipa where id_ejecucion = 1), (select count(*) from totals where id_ejecucion = 1), (select count(*) from totals)";
    assert_eq!(house.rows(rows), vec![json!([3, 0, 1])]);
    house
        .target
        .discard_workspace(plan.definition(), whose(1))
        .await
        .unwrap();
    assert_eq!(house.rows(rows), vec![json!([0, 0, 1])]);
    let error = carry(&["totals"]).await.expect_err("its rows are gone");
    assert!(
        error.to_string().contains("no workspace any more"),
        "{error}"
    );
    // A step that relies on them, as one does whose predecessor has succeeded, says so.
    let mut relies = first_try(&plan, "sum", 1).run(2).call();
    relies.has_workspace = true;
    let error = house
        .attempt(&relies, &Switch::new())
        .await
        .expect_err("its rows are gone");
    assert_eq!(error.code, "CAR0516");
    carry(&["totals", "ipa"]).await.unwrap();
    assert_eq!(house.target.workspaces(PROCESS).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_stale_attempt_leaves_nothing() {
    let house = House::new(SCHEMA);
    let plan = steps(&[("fill", "insert into totals (n) values (1)")]);
    let newer = first_try(&plan, "fill", 1).again(5, 1).call();
    house.attempt(&newer, &Switch::new()).await.unwrap();
    let late = house
        .run(&plan, "fill", 1)
        .await
        .expect_err("a newer attempt has done it");
    assert_eq!(late.class, ErrorClass::Fenced);
    let again = house.attempt(&newer, &Switch::new()).await.unwrap();
    assert_eq!(again.rows, vec![table_rows("totals", 1, 0, 0)]);
    assert_eq!(house.rows("select count(*) from totals"), vec![json!([1])]);
}

#[tokio::test]
async fn looking_tells_what_is_touched_and_what_cannot_be() {
    let house = House::new(&format!(
        "{SCHEMA} create trigger on_ipa after insert on ipa begin insert into log values (new.line, 0); end;"
    ));
    let plan = pipeline(&[])
        .publish("ipa", "ipa_history", &["line"], Some("ipa_now"))
        .plan();
    let workspace = workspace(&plan);
    let published: &[Publish] = &workspace.publish;
    let look = async |sql: &str| {
        house
            .target
            .inspect_by_column(&text(sql), workspace, published)
            .await
    };
    let found = look("insert into ipa (line) select line from source join ipa_now using (line)")
        .await
        .unwrap();
    let mut lines: Vec<String> = found
        .accesses
        .iter()
        .filter(|access| access.writes)
        .map(|access| format!("{} {} {:?}", access.table, access.own, access.through))
        .collect();
    lines.sort();
    assert_eq!(lines, ["ipa true None", "log false Some(\"on_ipa\")"]);
    assert_eq!(
        look("select line, amount from ipa").await.unwrap().columns,
        ["line", "amount"]
    );
    for (sql, words) in [
        ("select rowid from ipa", "no such column: rowid"),
        ("delete from main.ipa", "without its schema"),
        ("insert into ipa values (1)", "has 3 columns but 1 values"),
        (
            "insert into sums values (1, 2)",
            "cannot modify sums because it is a view",
        ),
    ] {
        let error = look(sql).await.expect_err(sql);
        assert!(error.to_string().contains(words), "{sql}: {error}");
    }
    assert_eq!(
        house.rows("select count(*) from sqlite_schema where name like 'carril%'"),
        vec![json!([0])]
    );
}

#[tokio::test]
async fn what_a_table_lacks_is_told_and_mended_by_the_statements_given() {
    let house = House::new(
        "create table bare (a, b); insert into bare values (1, 2);
         create table \"order\" (a primary key, execution_id integer);
         create table partly (execution_id integer, a); create index partly_by_execution_id on partly (execution_id) where a > 1;
         create table numbered (execution_id integer, id integer primary key); create index numbered_by on numbered (execution_id);
         create table right (execution_id integer, a, primary key (execution_id, a));
         create view seen as select * from bare;",
    );
    let plan = Pipeline::new(&[])
        .tables(&[
            "bare", "order", "partly", "right", "seen", "missing", "numbered",
        ])
        .by_column("execution_id")
        .plan();
    let workspace = workspace(&plan);
    let gaps = house.target.column_gaps(workspace).await.unwrap();
    let told: Vec<(&str, &TableLack, String)> = gaps
        .iter()
        .map(|gap| (gap.table.as_str(), &gap.lack, gap.statements.join("; ")))
        .collect();
    assert_eq!(
        told,
        [
            ("bare", &TableLack::Column, "alter table bare add column execution_id integer; create index bare_by_execution_id on bare (execution_id)".to_owned()),
            ("order", &TableLack::Index, "create index order_by_execution_id on \"order\" (execution_id)".to_owned()),
            ("order", &TableLack::InKey(vec!["a".to_owned()]), String::new()),
            ("partly", &TableLack::Index, "create index partly_by_execution_id_2 on partly (execution_id)".to_owned()),
            ("numbered", &TableLack::Numbers("id".to_owned()), String::new()),
        ]
    );
    let apply = async |back: bool| {
        let migrations = house
            .target
            .column_migration(workspace, back)
            .await
            .unwrap();
        let connection = house.shared();
        for statement in migrations
            .iter()
            .flat_map(|migration| &migration.statements)
        {
            connection.execute_batch(statement).unwrap();
        }
        migrations
    };
    apply(false).await;
    let gaps = house.target.column_gaps(workspace).await.unwrap();
    assert_eq!(
        gaps.len(),
        2,
        "only the keys that no statement can mend are left: {gaps:?}"
    );
    let up = house
        .target
        .column_migration(workspace, false)
        .await
        .unwrap();
    assert!(
        up.iter().all(|migration| migration.statements.is_empty()),
        "{up:?}"
    );
    // Rows that were there before belong to nobody.
    let seen = Pipeline::new(&[("look", "select count(*) as n from bare")])
        .tables(&["bare"])
        .by_column("execution_id")
        .plan();
    let done = house.run(&seen, "look", 1).await.unwrap();
    assert_eq!(done.output, Some(json!({"n": 0})));
    let back = apply(true).await;
    assert!(
        back[3]
            .note
            .as_ref()
            .is_some_and(|note| note.contains("in a key")),
        "{back:?}"
    );
    assert_eq!(
        house.rows("select name from pragma_table_info('bare')"),
        vec![json!(["a"]), json!(["b"])]
    );
    let error = house
        .run(&seen, "look", 1)
        .await
        .expect_err("the column is gone");
    assert_eq!(error.code, "CAR0520");
}
