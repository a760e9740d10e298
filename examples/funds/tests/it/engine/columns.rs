//! The example's own SQL, unchanged, over tables that all funds share: it must publish what it publishes from tables of their own.

use super::house::{DATE, House, end, pipeline, run};
use carril::model::state::ProcessState;
use rusqlite::Connection;

/// Tables of one's own may have keys that name a row within its lane; shared ones need the execution in front of that.
fn shared(create: &str) -> String {
    let mut text = create.replacen('(', "(\n    execution_id integer not null,", 1);
    if text.contains("    primary key (") {
        return text.replacen("    primary key (", "    primary key (execution_id, ", 1);
    }
    let line = text.lines().find(|line| line.contains(" primary key"));
    let key = line
        .and_then(|line| line.split_whitespace().next())
        .unwrap()
        .to_owned();
    text = text.replacen(" primary key", "", 1);
    let end = text.rfind(')').unwrap();
    format!(
        "{},\n    primary key (execution_id, {key})\n)",
        text[..end].trim_end()
    )
}

fn share(warehouse: &Connection, tables: &[String]) {
    for table in tables {
        let create: String = warehouse
            .query_row(
                "select sql from sqlite_schema where name = ?1",
                [table],
                |row| row.get(0),
            )
            .unwrap();
        warehouse
            .execute_batch(&format!("drop table {table}; {}", shared(&create)))
            .unwrap();
    }
}

/// What is published, without what a second computation has otherwise.
fn published(house: &House) -> Vec<Vec<String>> {
    let of = |view: &&str| {
        let columns: String = house.one(&format!(
            "select group_concat(name, ', ') from pragma_table_info('{view}') where name <> 'execution_id'"
        ));
        house.rows(&format!("select {columns} from {view}"))
    };
    ["fund_report", "fund_position", "fund_cube"]
        .iter()
        .map(of)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn funds_that_share_their_tables_publish_what_they_publish_from_their_own() {
    let funds = 30;
    let own = House::generated(funds);
    let carril = own.open().await;
    run(&carril, &pipeline(), DATE).await;
    end(&carril).await;

    let house = House::generated(funds);
    let by_column = house.changed_pipeline(
        |text| text.replace("isolation = \"own\"", "isolation = \"column\""),
        &[],
    );
    let workspace = by_column.plan().definition().workspace.clone().unwrap();
    share(&house.warehouse(), &workspace.tables);
    let carril = house.open().await;
    let outcome = run(&carril, &by_column, DATE).await;
    assert_eq!(outcome.process.state, ProcessState::Succeeded);
    end(&carril).await;

    assert_eq!(published(&house), published(&own));
    assert_eq!(published(&house)[0].len(), funds as usize);
    for table in &workspace.tables {
        let left: i64 = house.one(&format!("select count(*) from {table}"));
        assert_eq!(
            left, 0,
            "{table} keeps rows of executions that have done well"
        );
    }
    assert!(house.lane_files_of_all().is_empty());
}
