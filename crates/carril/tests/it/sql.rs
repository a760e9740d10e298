//! A pipeline from files over an SQLite warehouse: lanes' own tables, publishing, the process's own stage.

use crate::harness::{House, end, run, states};
use carril::model::state::ProcessState;
use carril::{Launch, PipelineDefinition};

pub(crate) const WAREHOUSE: &str = "
    create table funds (id text primary key, active integer not null, price real not null, flag integer not null);
    insert into funds values ('F1', 1, 10.5, 1), ('F2', 1, 20.0, 0), ('F3', 0, 30.0, 0), ('F4', 1, 40.0, 1);
    create table rows (fund text not null, day text not null, value real);
    create table totals (day text primary key, value real);
";

pub(crate) const PIPELINE: &str = r#"
name = "values"

[params]
day = { type = "date" }
factor = { type = "integer", default = 2 }

[entities]
target = "warehouse"
key = "id"
sql = "sql/entities.sql"

[lanes]
max = 2

[workspace]
tables = ["rows"]
publish = [{ from = "rows", into = "rows_history", key = ["fund", "day"], current = "rows_now" }]

[[stage]]
name = "work"
  [[stage.step]]
  name = "value"
  sql = "sql/value.sql"
  [[stage.step]]
  name = "extra"
  when = "entity.flag"
  sql = "update rows set value = value + 1"

[[stage]]
name = "close"
per = "process"
  [[stage.step]]
  name = "total"
  sql = "sql/total.sql"
  shared_writes = ["totals"]
"#;

pub(crate) const FILES: [(&str, &str); 4] = [
    ("pipeline.toml", PIPELINE),
    (
        "sql/entities.sql",
        "select id, price, flag from funds where active = 1 order by id",
    ),
    (
        "sql/value.sql",
        "insert into rows select id, :day, price * :factor from funds where id = :entity_key",
    ),
    (
        "sql/total.sql",
        "insert into totals select :day, sum(value) from rows_now where day = :day on conflict (day) do update set value = excluded.value",
    ),
];

pub(crate) fn values(house: &House) -> PipelineDefinition {
    house.pipeline(&FILES)
}

pub(crate) const SUM: &str = "select group_concat(fund || '=' || value, ' ') from (select fund, value from rows_now order by fund)";

#[tokio::test]
async fn files_and_a_warehouse_give_published_rows_and_a_total() {
    let house = House::with_warehouse(WAREHOUSE);
    let pipeline = values(&house);
    let carril = house.open(&[]).await;
    let outcome = run(&carril, &pipeline, Launch::new().set("day", "2025-06-30")).await;
    assert_eq!(
        outcome.process.state,
        ProcessState::Succeeded,
        "{:?}",
        states(&carril, outcome.process.id).await
    );
    assert_eq!(outcome.process.tally.succeeded, 3);
    assert_eq!(house.text(SUM), "F1=22.0 F2=40.0 F4=81.0");
    assert_eq!(house.text("select value from totals"), "143");
    assert_eq!(
        house.text("select count(*) from rows"),
        "0",
        "the template stays empty"
    );
    end(&carril).await;
}

/// S1.19: a second run of the same day leaves one set of results.
#[tokio::test]
async fn running_twice_replaces() {
    let house = House::with_warehouse(WAREHOUSE);
    let pipeline = values(&house);
    let carril = house.open(&[]).await;
    for factor in [2, 3] {
        let outcome = run(
            &carril,
            &pipeline,
            Launch::new().set("day", "2025-06-30").set("factor", factor),
        )
        .await;
        assert_eq!(outcome.process.state, ProcessState::Succeeded);
    }
    assert_eq!(house.text(SUM), "F1=32.5 F2=60.0 F4=121.0");
    assert_eq!(house.text("select count(*) from rows_history"), "6");
    end(&carril).await;
}

#[tokio::test]
async fn the_workspaces_of_what_succeeded_are_gone() {
    let house = House::with_warehouse(WAREHOUSE);
    let pipeline = values(&house);
    let carril = house.open(&[]).await;
    run(&carril, &pipeline, Launch::new().set("day", "2025-06-30")).await;
    end(&carril).await;
    let mut files = Vec::new();
    let mut folders = vec![house.path().join("carril.db.lanes")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder is read") {
            let path = entry.expect("the entry is read").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    assert_eq!(files, Vec::<std::path::PathBuf>::new());
}
