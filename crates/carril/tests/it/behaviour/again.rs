//! Retrying and undoing, over lanes' own tables and published rows, while other lanes run.

use super::{Gates, in_time, launch, of, settled};
use crate::harness::{House, end, states};
use carril::model::contract::Selection;
use carril::model::definition::Keep;
use carril::model::state::ProcessState;
use carril::{
    Input, Launch, Pipeline, PipelineDefinition, Publish, Stage, Step, StepFailure, Workspace,
};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const WAREHOUSE: &str = "
    create table entities (id text primary key);
    insert into entities values ('a'), ('b');
    create table one (id text not null, run integer not null);
    create table two (id text not null, run integer not null);
    create table three (id text not null, run integer not null);
";

/// Three tables, each filled by a step of its own, and a function that fails for `a` while `broken` is set.
fn three_tables(broken: &Arc<AtomicBool>, gates: &Arc<Gates>) -> PipelineDefinition {
    let broken = Arc::clone(broken);
    let check = move |input: Input| {
        let fails = broken.load(Ordering::Relaxed) && input.entity_key.as_deref() == Some("a");
        async move {
            if fails {
                Err(StepFailure::permanent("no"))
            } else {
                Ok(())
            }
        }
    };
    let fill = |table: &str| {
        Step::sql(
            table,
            format!("insert into {table} values (:entity_key, :run)"),
        )
    };
    let publish = |table: &str| Publish::new(table, format!("{table}_history"), ["id"]);
    Pipeline::new("tables")
        .entities_query("warehouse", "id", "select id from entities order by id")
        .workspace(
            Workspace::new(["one", "two", "three"])
                .keep(Keep::Always)
                .publish(publish("one"))
                .publish(publish("two"))
                .publish(publish("three")),
        )
        .stage(
            Stage::new("fill")
                .step(fill("one"))
                .step(fill("two"))
                .step(gates.step("gate"))
                .step(fill("three"))
                .step(Step::function("check", check)),
        )
        .build()
        .expect("the pipeline is right")
}

/// What `a` has published: for each table the runs whose steps filled it.
fn published(house: &House) -> String {
    house.text(
        "select (select group_concat(run) from one_history where id = 'a') || ' '
             || (select group_concat(run) from two_history where id = 'a') || ' '
             || (select group_concat(run) from three_history where id = 'a')",
    )
}

#[tokio::test]
async fn a_retry_keeps_what_came_before_and_repeats_the_rest() {
    let broken = Arc::new(AtomicBool::new(true));
    let gates = Gates::new();
    gates.open("a/gate");
    gates.open("b/gate");
    let pipeline = three_tables(&broken, &gates);
    let house = House::with_warehouse(WAREHOUSE);
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    settled(&house, &carril, process).await;
    broken.store(false, Ordering::Relaxed);
    let a = of(&carril, process, "a").await;
    let again = async |from: Option<&str>| {
        let selection = Selection::Executions(vec![a]);
        let retried = carril.engine().retry(selection, from).await;
        retried.expect("it is retried");
        settled(&house, &carril, process).await.state
    };
    assert_eq!(again(None).await, ProcessState::Succeeded);
    assert_eq!(published(&house), "1 1 1", "only the check was left to do");
    assert_eq!(again(Some("fill/two")).await, ProcessState::Succeeded);
    assert_eq!(published(&house), "1 3 3");
    assert_eq!(again(Some("fill/three")).await, ProcessState::Succeeded);
    assert_eq!(published(&house), "1 3 4");
    assert_eq!(again(Some("fill/one")).await, ProcessState::Succeeded);
    assert_eq!(published(&house), "5 5 5");
    end(&carril).await;
}

/// A retry that was refused, or died on the way, leaves nothing behind that a later one takes for its own.
#[tokio::test]
async fn what_a_refused_retry_prepared_is_not_what_the_next_one_gets() {
    let broken = Arc::new(AtomicBool::new(true));
    let gates = Gates::new();
    gates.open("a/gate");
    gates.open("b/gate");
    let pipeline = three_tables(&broken, &gates);
    let house = House::with_warehouse(WAREHOUSE);
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    settled(&house, &carril, process).await;
    broken.store(false, Ordering::Relaxed);
    let a = of(&carril, process, "a").await;
    let prepare = async |run: u32, clear: &[&str]| {
        // What a retry does first; then its engine dies.
        let url = format!("sqlite:{}", house.path().join("warehouse.db").display());
        let target = carril
            .targets()
            .open("warehouse", &url)
            .expect("it is there");
        let whose = carril::model::contract::Whose {
            process,
            execution: a,
        };
        let clear: Vec<String> = clear.iter().map(ToString::to_string).collect();
        let (from, to) = (carril::model::id::Run(run), carril::model::id::Run(run + 1));
        let carried = target.carry_workspace(pipeline.plan().definition(), whose, from, to, &clear);
        carried.await.expect("it is carried over");
    };
    let again = async |from: &str| {
        let selection = Selection::Executions(vec![a]);
        let retried = carril.engine().retry(selection, Some(from)).await;
        retried.expect("it is retried");
        assert_eq!(
            settled(&house, &carril, process).await.state,
            ProcessState::Succeeded
        );
    };
    prepare(1, &["two", "three"]).await;
    again("fill/three").await;
    assert_eq!(published(&house), "1 1 2", "what is kept is there");
    prepare(2, &["three"]).await;
    again("fill/two").await;
    assert_eq!(published(&house), "1 3 3", "what is repeated is there once");
    prepare(3, &["three"]).await;
    again("fill/one").await;
    assert_eq!(published(&house), "4 4 4", "nothing is kept");
    end(&carril).await;
}

#[tokio::test]
async fn a_lane_that_runs_is_rolled_back_and_can_run_again() {
    let broken = Arc::new(AtomicBool::new(false));
    let gates = Gates::new();
    let pipeline = three_tables(&broken, &gates);
    let house = House::with_warehouse(WAREHOUSE);
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    gates.begun("a/gate", 1).await;
    gates.begun("b/gate", 1).await;
    let a = of(&carril, process, "a").await;
    let selection = Selection::Executions(vec![a]);
    let report = carril.engine().roll_back(selection.clone());
    let report = in_time("rolling back", report).await.expect("it is undone");
    let removed: Vec<String> = report
        .rows
        .iter()
        .map(|rows| format!("{} {}", rows.table, rows.deleted))
        .collect();
    assert_eq!(removed, ["one 1", "two 1"]);
    assert_eq!(states(&carril, process).await, "a rolled_back, b running");
    assert_eq!(workspaces_of(&house, a.0), Vec::<PathBuf>::new());
    gates.open("a/gate");
    gates.open("b/gate");
    let again = carril.engine().retry(selection, None);
    again.await.expect("it runs again");
    let row = settled(&house, &carril, process).await;
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, 2)
    );
    assert_eq!(published(&house), "2 2 2");
    end(&carril).await;
}

fn workspaces_of(house: &House, execution: i64) -> Vec<PathBuf> {
    let mut folders = vec![house.path().join("carril.db.lanes")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder is read") {
            let path = entry.expect("the folder is read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| {
                name.to_string_lossy()
                    .starts_with(&format!("e{execution}-"))
            }) {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test]
async fn a_whole_process_is_rolled_back_while_it_runs() {
    let broken = Arc::new(AtomicBool::new(false));
    let gates = Gates::new();
    let pipeline = three_tables(&broken, &gates);
    let house = House::with_warehouse(WAREHOUSE);
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new().lanes(1)).await;
    gates.begun("a/gate", 1).await;
    let undone = carril.engine().roll_back(Selection::Process(process));
    let report = in_time("rolling back", undone).await.expect("it is undone");
    assert_eq!(report.executions, 2);
    let row = settled(&house, &carril, process).await;
    assert_eq!(row.state, ProcessState::RolledBack);

    gates.open("a/gate");
    gates.open("b/gate");
    let again = carril.engine().retry(Selection::Process(process), None);
    again.await.expect("it runs again");
    let row = settled(&house, &carril, process).await;
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, 2)
    );
    end(&carril).await;
}

/// What a lane had done is gone with its workspace: it fails and says so, and never goes on as if there had been nothing.
#[tokio::test]
async fn a_workspace_that_is_lost_between_two_engines_is_missed() {
    let broken = Arc::new(AtomicBool::new(false));
    let gates = Gates::new();
    let pipeline = three_tables(&broken, &gates);
    let house = House::with_warehouse(WAREHOUSE);
    let carril = house.open(&[&pipeline]).await;
    let process = launch(&carril, &pipeline, Launch::new()).await;
    gates.begun("a/gate", 1).await;
    gates.begun("b/gate", 1).await;
    let a = of(&carril, process, "a").await;
    carril
        .shutdown(std::time::Duration::ZERO)
        .await
        .expect("it ends");
    drop(carril);
    for file in workspaces_of(&house, a.0) {
        std::fs::remove_file(file).expect("it is there");
    }

    gates.open("a/gate");
    gates.open("b/gate");
    let carril = house.open(&[&pipeline]).await;
    assert!(carril.adopt_unsettled().await.is_empty());
    let row = settled(&house, &carril, process).await;
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::CompletedWithErrors, 1)
    );
    assert_eq!(states(&carril, process).await, "a failed, b succeeded");
    let row = carril.history().execution(a).await;
    let row = row.expect("the history is read").expect("it is there");
    assert_eq!(row.error.expect("it failed").code, "CAR0516");

    let selection = Selection::Executions(vec![a]);
    let again = carril.engine().retry(selection, Some("fill/one"));
    again.await.expect("it runs again from its beginning");
    settled(&house, &carril, process).await;
    assert_eq!(published(&house), "2 2 2");
    end(&carril).await;
}
