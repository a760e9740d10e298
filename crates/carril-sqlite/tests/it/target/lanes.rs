//! Lane files: what they hold, that they are apart, how they come, stay and go.

use super::fixture::*;
use carril_model::contract::{ErrorClass, Target, TargetError};
use carril_model::id::{ExecutionId, Run};
use carril_sqlite::target::SqliteTarget;
use serde_json::json;
use std::sync::Arc;
use tokio::sync::Barrier;

const SCHEMA: &str = "
    create table parent (id integer primary key);
    create table work (
        id integer primary key,
        parent integer not null references parent (id) on delete cascade,
        name text not null default 'none' check (length(name) < 10),
        twice integer generated always as (id * 2) stored
    ) strict;
    create index work_by_name on work (name);
    create unique index work_once on work (parent) where parent > 100;
    create table child (id integer primary key, work integer references work (id));
    create table pairs (a text, b text, primary key (a, b)) without rowid;
    create table audit (what text);
    create trigger audit_work after insert on work begin insert into audit values ('shared'); end;
    insert into parent values (1);
";

fn plan(sql: &str) -> Arc<carril_model::plan::Plan> {
    Pipeline::new(&[("step", sql)])
        .tables(&["work", "child", "PAIRS"])
        .plan()
}

#[tokio::test]
async fn a_lanes_tables_are_made_like_their_templates() {
    let house = House::new(SCHEMA);
    house
        .run(
            &plan("insert into work (id, parent) values (3, 77)"),
            "step",
            1,
        )
        .await
        .unwrap();
    assert_eq!(
        house.lane_rows(1, 1, "select id, parent, name, twice from work"),
        vec![json!([3, 77, "none", 6])]
    );
    let names = "select name from sqlite_schema where name not like 'sqlite%' order by name";
    let expected: Vec<_> = [
        "carril_fence",
        "child",
        "pairs",
        "work",
        "work_by_name",
        "work_once",
    ]
    .iter()
    .map(|name| json!([name]))
    .collect();
    assert_eq!(
        house.lane_rows(1, 1, names),
        expected,
        "indexes come along, triggers and other tables do not"
    );
    assert_eq!(
        house.lane_rows(
            1,
            1,
            "select count(*) from pragma_table_list where name in ('work') and strict = 1"
        ),
        vec![json!([1])]
    );
    assert_eq!(
        house.lane_rows(
            1,
            1,
            "select count(*) from pragma_table_list where name = 'pairs' and wr = 1"
        ),
        vec![json!([1])]
    );
    assert_eq!(
        house.lane_rows(1, 1, "pragma journal_mode"),
        vec![json!(["wal"])]
    );

    let wrong = house
        .run(
            &plan("insert into work (id, parent, name) values (1, 1, 'much too long')"),
            "step",
            2,
        )
        .await;
    assert!(
        wrong
            .expect_err("checks hold")
            .message
            .starts_with("CHECK constraint failed")
    );
    let orphan = house
        .run(&plan("insert into child values (1, 99)"), "step", 3)
        .await;
    assert_eq!(
        orphan
            .expect_err("foreign keys among own tables hold")
            .message,
        "committing: FOREIGN KEY constraint failed".replace("committing: ", "")
    );
}

#[tokio::test]
async fn a_changed_template_changes_the_lanes_made_after_it() {
    let house = House::new(SCHEMA);
    house
        .run(&plan("insert into pairs values ('a', 'b')"), "step", 1)
        .await
        .unwrap();
    house
        .shared()
        .execute_batch("alter table pairs add column c text default 'new'")
        .unwrap();
    house
        .run(
            &plan("insert into pairs (a, b) values ('a', 'b')"),
            "step",
            2,
        )
        .await
        .unwrap();
    assert_eq!(
        house.lane_rows(1, 1, "select * from pairs"),
        vec![json!(["a", "b"])]
    );
    assert_eq!(
        house.lane_rows(2, 1, "select * from pairs"),
        vec![json!(["a", "b", "new"])]
    );
}

#[tokio::test]
async fn a_missing_template_is_an_error_that_names_it() {
    let house = House::new("create table work (id integer); create view shown as select 1");
    let missing = Pipeline::new(&[("s", "select 1")])
        .tables(&["work", "wrok"])
        .plan();
    let error = house
        .run(&missing, "s", 1)
        .await
        .expect_err("there is no such table");
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0516", ErrorClass::Permanent)
    );
    assert!(
        error
            .message
            .starts_with("workspace table `wrok` does not exist in "),
        "{}",
        error.message
    );
    let view = Pipeline::new(&[("s", "select 1")])
        .tables(&["shown"])
        .plan();
    let error = house
        .run(&view, "s", 1)
        .await
        .expect_err("a view is no template");
    assert!(
        error.message.contains("`shown` is a view"),
        "{}",
        error.message
    );
    assert_eq!(
        files(&house.folder.path().join("work spaces/p7")),
        Vec::<String>::new()
    );
}

/// All lanes are inside their transactions at once: each waits, in SQL, until it sees all others there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_lanes_write_at_once_and_none_waits_for_another() {
    const LANES: i64 = 50;
    let house = Arc::new(House::new(
        "create table work (id integer, filler text); create table source (id integer); insert into source values (1), (2), (3)",
    ));
    let plan = Pipeline::new(&[
        ("open", "insert into work select id, :entity_key from source"),
        ("more", "insert into work select id + 10, :entity_key from work; update work set filler = filler || '!'"),
    ])
    .tables(&["work"])
    .durable()
    .plan();
    let mut lanes = Vec::new();
    for execution in 1..=LANES {
        let (house, plan) = (Arc::clone(&house), Arc::clone(&plan));
        lanes.push(tokio::spawn(async move {
            for _ in 0..2 {
                for step in ["open", "more"] {
                    let call = first_try(&plan, step, execution).entity("lane").call();
                    match house.attempt(&call, &Switch::new()).await {
                        Ok(_) => {}
                        Err(error) => assert_eq!(
                            error.code, "CAR0504",
                            "only the second pass is refused: {error:?}"
                        ),
                    }
                }
            }
        }));
    }
    for lane in lanes {
        lane.await.unwrap();
    }
    for execution in 1..=LANES {
        let found = house.lane_rows(
            execution,
            1,
            "select count(*), min(filler), max(filler) from work",
        );
        assert_eq!(
            found,
            vec![json!([6, "lane!", "lane!"])],
            "lane {execution}"
        );
    }
}

#[tokio::test]
async fn a_held_write_lock_on_one_lane_or_on_the_shared_file_stops_no_other_lane() {
    let house = House::new("create table work (id integer)");
    let plan = Pipeline::new(&[
        ("a", "insert into work values (1)"),
        ("b", "insert into work values (2)"),
    ])
    .tables(&["work"])
    .plan();
    house.run(&plan, "a", 1).await.unwrap();
    house.run(&plan, "a", 2).await.unwrap();
    let shared = house.shared();
    shared
        .execute_batch("begin immediate; create table other (x)")
        .unwrap();
    let other_lane = rusqlite::Connection::open(house.lane_file(1, 1)).unwrap();
    other_lane.execute_batch("begin immediate").unwrap();
    house.run(&plan, "b", 2).await.unwrap();
    assert_eq!(
        house.lane_rows(2, 1, "select count(*) from work"),
        vec![json!([2])]
    );
}

#[tokio::test]
async fn more_lanes_than_connections_take_turns() {
    let house = House::with("create table work (id integer)", |options| {
        options.connections = 2;
    });
    let plan = Pipeline::new(&[
        ("a", "insert into work values (1)"),
        ("b", "insert into work values (2)"),
    ])
    .tables(&["work"])
    .plan();
    for step in ["a", "b"] {
        for execution in 1..=9 {
            house.run(&plan, step, execution).await.unwrap();
        }
    }
    for execution in 1..=9 {
        assert_eq!(
            house.lane_rows(execution, 1, "select count(*) from work"),
            vec![json!([2])],
            "lane {execution}"
        );
    }
}

/// Both steps add to what they read, so that an update would be lost if they ran at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_steps_of_one_lane_take_turns_on_its_connection() {
    let house = Arc::new(House::new("create table work (total integer)"));
    let names: Vec<String> = (0..16).map(|number| format!("s{number}")).collect();
    let add = "update work set total = total + 1";
    let steps: Vec<(&str, &str)> = [("begin", "insert into work values (0)")]
        .into_iter()
        .chain(names.iter().map(|name| (name.as_str(), add)))
        .collect();
    let plan = Pipeline::new(&steps).tables(&["work"]).plan();
    house.run(&plan, "begin", 1).await.unwrap();
    let mut running = Vec::new();
    for name in names {
        let (house, plan) = (Arc::clone(&house), Arc::clone(&plan));
        running.push(tokio::spawn(
            async move { house.run(&plan, &name, 1).await },
        ));
    }
    for step in running {
        step.await.unwrap().unwrap();
    }
    assert_eq!(
        house.lane_rows(1, 1, "select total from work"),
        vec![json!([16])]
    );
}

#[tokio::test]
async fn a_damaged_lane_is_put_aside_and_the_others_go_on() {
    let house = House::new("create table work (id integer)");
    let plan = Pipeline::new(&[
        ("a", "insert into work values (1)"),
        ("b", "insert into work values (2)"),
    ])
    .tables(&["work"])
    .plan();
    house.run(&plan, "a", 1).await.unwrap();
    house.run(&plan, "a", 2).await.unwrap();
    let house = house.reopened();
    let file = house.lane_file(1, 1);
    std::fs::remove_file(file.with_extension("db-wal")).unwrap();
    std::fs::write(&file, vec![b'x'; 8_192]).unwrap();
    for attempt in 0..2 {
        let error = house
            .run(&plan, "b", 1)
            .await
            .expect_err("it is no database any more");
        assert_eq!(
            (error.code.as_str(), error.class),
            ("CAR0516", ErrorClass::Permanent),
            "attempt {attempt}: {error:?}"
        );
        assert!(
            error.message.contains("e1-r1.db.corrupt"),
            "{}",
            error.message
        );
    }
    assert!(house.lane_file(1, 1).with_extension("db.corrupt").exists());
    house.run(&plan, "b", 2).await.unwrap();
    house
        .target
        .discard_workspace(plan.definition(), whose(1))
        .await
        .unwrap();
    assert_eq!(
        files(&house.folder.path().join("work spaces/p7"))
            .iter()
            .filter(|name| name.starts_with("e1-"))
            .count(),
        0
    );
}

#[tokio::test]
async fn a_lane_that_somebody_removed_is_not_made_again_empty() {
    let house = House::new("create table work (id integer)");
    let plan = Pipeline::new(&[("a", "insert into work values (1)"), ("b", "select 1")])
        .tables(&["work"])
        .plan();
    let house = {
        house.run(&plan, "a", 1).await.unwrap();
        house
            .target
            .discard_workspace(plan.definition(), whose(99))
            .await
            .unwrap();
        house
    };
    // Other lanes take the only connection away, so that the file must be opened again.
    for name in files(&house.folder.path().join("work spaces/p7")) {
        std::fs::remove_file(house.folder.path().join("work spaces/p7").join(name)).unwrap();
    }
    for execution in 100..170 {
        house.run(&plan, "a", execution).await.unwrap();
    }
    let error = house
        .run(&plan, "b", 1)
        .await
        .expect_err("its rows are gone");
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0516", ErrorClass::Permanent)
    );
    assert!(
        error
            .message
            .contains("has disappeared while its execution ran"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn an_unfinished_file_is_made_again() {
    let house = House::new("create table work (id integer)");
    let plan = Pipeline::new(&[("a", "insert into work values (1)")])
        .tables(&["work"])
        .plan();
    std::fs::create_dir_all(house.lane_file(1, 1).parent().unwrap()).unwrap();
    std::fs::write(house.lane_file(1, 1), b"").unwrap();
    std::fs::write(house.lane_file(1, 1).with_extension("db.part"), b"half").unwrap();
    house.run(&plan, "a", 1).await.unwrap();
    assert_eq!(
        house.lane_rows(1, 1, "select count(*) from work"),
        vec![json!([1])]
    );
    let left = |name: &str| house.folder.path().join("work spaces").join(name).exists();
    assert!(!left("p7/e1-r1.db.part"), "the half file is still there");
}

/// Engines of a shared store on one machine have the same folder, and begin in it at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn engines_of_one_folder_make_their_first_lanes_at_once() {
    let plan = Pipeline::new(&[("a", "insert into work values (1)")])
        .tables(&["work"])
        .plan();
    for round in 0..50 {
        let house = House::new("create table work (id integer)");
        // Whoever is first switches the file to WAL, and the others would find it in use.
        house.run(&plan, "a", 9).await.unwrap();
        let engines: [Arc<SqliteTarget>; 4] = std::array::from_fn(|_| house.another_target());
        let started = Arc::new(Barrier::new(engines.len()));
        let runs = engines.into_iter().zip(1..).map(|(target, execution)| {
            let (started, plan) = (Arc::clone(&started), Arc::clone(&plan));
            tokio::spawn(async move {
                started.wait().await;
                let call = first_try(&plan, "a", execution).call();
                target.run_sql(&call, &Switch::new()).await
            })
        });
        for run in runs.collect::<Vec<_>>() {
            let done = run.await.unwrap();
            done.unwrap_or_else(|error| panic!("round {round}: {error:?}"));
        }
    }
}

#[tokio::test]
async fn workspaces_are_listed_and_removed_with_everything_of_theirs() {
    let house = House::new("create table work (id integer)");
    let plan = Pipeline::new(&[("a", "insert into work values (1)")])
        .tables(&["work"])
        .plan();
    for (execution, run) in [(1, 1), (1, 2), (11, 1)] {
        house
            .attempt(
                &first_try(&plan, "a", execution).run(run).call(),
                &Switch::new(),
            )
            .await
            .unwrap();
    }
    assert_eq!(
        house.target.workspaces(PROCESS).await.unwrap(),
        vec![ExecutionId(1), ExecutionId(11)]
    );
    house
        .target
        .discard_workspace(plan.definition(), whose(1))
        .await
        .unwrap();
    assert_eq!(
        house.target.workspaces(PROCESS).await.unwrap(),
        vec![ExecutionId(11)]
    );
    assert!(
        house.lane_file(11, 1).exists(),
        "an execution whose number begins alike stays"
    );
    house
        .target
        .discard_workspace(plan.definition(), whose(1))
        .await
        .unwrap();
    house
        .target
        .discard_workspace(plan.definition(), whose(11))
        .await
        .unwrap();
    assert!(
        !house.lane_file(11, 1).parent().unwrap().exists(),
        "the process's folder goes with its last lane"
    );
    assert_eq!(house.target.workspaces(PROCESS).await.unwrap(), vec![]);
}

#[tokio::test]
async fn a_retry_takes_the_workspace_over_without_the_tables_it_makes_anew() {
    let house = House::new("create table kept (id integer); create table redone (id integer)");
    let plan = Pipeline::new(&[
        (
            "a",
            "insert into kept values (1); insert into redone values (1)",
        ),
        ("b", "insert into redone values (2)"),
    ])
    .tables(&["kept", "redone"])
    .plan();
    house.run(&plan, "a", 1).await.unwrap();
    for _ in 0..2 {
        house
            .target
            .carry_workspace(
                plan.definition(),
                whose(1),
                Run(1),
                Run(2),
                &["redone".to_owned()],
            )
            .await
            .unwrap();
    }
    house
        .attempt(&first_try(&plan, "b", 1).run(2).call(), &Switch::new())
        .await
        .unwrap();
    assert_eq!(
        house.lane_rows(1, 2, "select (select count(*) from kept), id from redone"),
        vec![json!([1, 2])]
    );
    assert_eq!(
        house.lane_rows(1, 1, "select count(*) from redone"),
        vec![json!([1])],
        "the old run's workspace stays as it was"
    );
}

#[tokio::test]
async fn a_workspace_that_is_gone_is_not_taken_over_as_an_empty_one() {
    let house = House::new("create table kept (id integer); create table redone (id integer)");
    let plan = Pipeline::new(&[("a", "select 1")])
        .tables(&["kept", "redone"])
        .plan();
    let carry = |clear: &[&str]| {
        let (house, plan) = (&house, Arc::clone(&plan));
        let clear: Vec<String> = clear.iter().map(|table| (*table).to_owned()).collect();
        async move {
            house
                .target
                .carry_workspace(plan.definition(), whose(1), Run(1), Run(2), &clear)
                .await
        }
    };
    let Err(TargetError::Unreachable(text)) = carry(&["redone"]).await else {
        panic!("there is nothing to take over")
    };
    assert!(
        text.starts_with("run 1 of execution 1 has no workspace any more"),
        "{text}"
    );
    carry(&["redone", "KEPT"]).await.unwrap();
}
