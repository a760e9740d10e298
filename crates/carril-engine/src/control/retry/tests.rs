//! What is kept and what is emptied when an execution runs again, over the shapes a last run can leave.

use super::*;
use carril_model::contract::{Owned, TableRows};
use carril_model::definition::{
    Action, Definition, Effects, Entities, Isolation, Keep, Lanes, RetryPolicy, SqlText, Stage,
    Step, Synchronous, Workspace,
};
use carril_model::id::{ExecutionId, Token};
use std::collections::BTreeMap;
use std::time::Duration;

fn step(name: &str) -> Step {
    let sql = SqlText {
        start: None,
        file: format!("{name}.sql"),
        text: "select 1".to_owned(),
    };
    Step {
        name: name.to_owned(),
        action: Action::Sql {
            target: "w".to_owned(),
            sql,
        },
        when: None,
        critical: true,
        timeout: Duration::from_secs(60),
        retry: RetryPolicy::default(),
        resources: Vec::new(),
        on_open: Default::default(),
        fallback: None,
        shared_writes: Vec::new(),
        effects: Effects::ExactlyOnce,
    }
}

/// Stage `x` runs `a` and `b` at once, stage `y` runs `c` then `d`, stage `z` is the process's own.
fn plan() -> Plan {
    let stage = |name: &str, per, parallel, steps| Stage {
        name: name.to_owned(),
        per,
        parallel,
        when: None,
        steps,
    };
    Plan::new(Definition {
        name: "p".to_owned(),
        description: None,
        params: BTreeMap::new(),
        entities: Entities::Given,
        lanes: Lanes::default(),
        workspace: Some(Workspace {
            target: "w".to_owned(),
            isolation: Isolation::Own,
            tables: vec!["ta".to_owned(), "tc".to_owned()],
            publish: Vec::new(),
            synchronous: Synchronous::Full,
            keep: Keep::Failed,
        }),
        resources: BTreeMap::new(),
        goal: carril_model::definition::Goal::default(),
        stages: vec![
            stage("x", Scope::Entity, true, vec![step("a"), step("b")]),
            stage("y", Scope::Entity, false, vec![step("c"), step("d")]),
            stage("z", Scope::Process, false, vec![step("e")]),
        ],
    })
}

fn row(id: u16, state: StepState, table: &str) -> StepRow {
    StepRow {
        step: StepId(id),
        attempt: 1,
        failures: 0,
        state,
        began: carril_model::time::Timestamp(0),
        ended: None,
        retry_at: None,
        fallback: false,
        output: None,
        rows: vec![TableRows {
            table: table.to_owned(),
            inserted: 1,
            updated: 0,
            deleted: 0,
        }],
        error: None,
    }
}

fn meant(state: ExecutionState) -> Meant {
    let owned = Owned {
        process: ProcessId(1),
        execution: ExecutionId(2),
        run: Run(1),
        token: Token(1),
        per_process: false,
    };
    Meant {
        owned,
        state,
        segment: 0,
    }
}

/// Steps kept, the segment to go on in, and tables to empty.
type Kept = (Vec<u16>, u32, Vec<String>);

fn kept(rows: &[StepRow], state: ExecutionState, from: Option<u16>) -> Result<Kept, String> {
    kept_of(&plan(), rows, state, from)
}

fn kept_of(
    plan: &Plan,
    rows: &[StepRow],
    state: ExecutionState,
    from: Option<u16>,
) -> Result<Kept, String> {
    let next = next_run(
        plan,
        meant(state),
        rows,
        from.map(StepId),
        Scope::Entity,
        None,
    )
    .map_err(|error| error.code().to_owned())?;
    Ok((
        next.rerun.carried.iter().map(|step| step.0).collect(),
        next.rerun.segment,
        next.clear,
    ))
}

#[test]
fn a_failed_run_goes_on_from_what_failed() {
    let rows = [
        row(0, StepState::Succeeded, "ta"),
        row(1, StepState::Succeeded, "tb"),
        row(2, StepState::Failed, "tc"),
    ];
    assert_eq!(
        kept(&rows, ExecutionState::Failed, None),
        Ok((vec![0, 1], 0, vec!["tc".to_owned()]))
    );
}

#[test]
fn a_rolled_back_run_starts_from_nothing() {
    let rows = [row(0, StepState::Succeeded, "ta")];
    assert_eq!(
        kept(&rows, ExecutionState::RolledBack, None),
        Ok((vec![], 0, vec!["ta".to_owned(), "tc".to_owned()]))
    );
}

#[test]
fn from_a_step_keeps_what_comes_before_it_and_parallel_siblings() {
    let rows: Vec<StepRow> = (0..4)
        .map(|id| row(id, StepState::Succeeded, &format!("t{id}")))
        .collect();
    assert_eq!(
        kept(&rows, ExecutionState::Succeeded, Some(3)),
        Ok((vec![0, 1, 2], 0, vec!["t3".to_owned()]))
    );
    let cleared = vec!["t0".to_owned(), "t2".to_owned(), "t3".to_owned()];
    assert_eq!(
        kept(&rows, ExecutionState::Succeeded, Some(0)),
        Ok((vec![1], 0, cleared))
    );
}

#[test]
fn rows_that_cannot_be_told_apart_are_refused() {
    let rows = [
        row(0, StepState::Succeeded, "ta"),
        row(2, StepState::Succeeded, "ta"),
    ];
    assert_eq!(
        kept(&rows, ExecutionState::Succeeded, Some(2)),
        Err("CAR0425".to_owned())
    );
}

#[test]
fn process_stages_after_the_earliest_lane_run_again() {
    let rows = [row(4, StepState::Succeeded, "te")];
    let mut own = meant(ExecutionState::Succeeded);
    own.owned.per_process = true;
    own.segment = 1;
    let next = next_run(&plan(), own, &rows, None, Scope::Process, Some(0))
        .expect("nothing is in the way");
    assert_eq!((next.rerun.carried.len(), next.rerun.segment), (0, 1));
}

/// The same where these steps say that they write `other`, which all lanes share.
fn plan_sharing(names: &[&str]) -> Plan {
    let mut definition = plan().definition().clone();
    let steps = definition
        .stages
        .iter_mut()
        .flat_map(|stage| &mut stage.steps);
    for step in steps.filter(|step| names.contains(&step.name.as_str())) {
        step.shared_writes = vec!["other".to_owned()];
    }
    Plan::new(definition)
}

/// Where a target commits shared tables and the execution's own at once, a step that says `shared_writes` may have left rows in both.
#[test]
fn what_a_step_with_shared_writes_left_in_its_own_tables_is_kept_too() {
    let rows = [
        row(0, StepState::Succeeded, "ta"),
        row(1, StepState::Succeeded, "other"),
        row(2, StepState::Failed, "tc"),
    ];
    assert_eq!(
        kept_of(
            &plan_sharing(&["a", "b"]),
            &rows,
            ExecutionState::Failed,
            None
        ),
        Ok((vec![0, 1], 0, vec!["tc".to_owned()]))
    );
    let rows = [
        row(0, StepState::Succeeded, "ta"),
        row(1, StepState::Succeeded, "ta"),
        row(2, StepState::Succeeded, "TC"),
        row(3, StepState::Failed, "TC"),
    ];
    assert_eq!(
        kept_of(&plan_sharing(&["c"]), &rows, ExecutionState::Failed, None),
        Err("CAR0425".to_owned()),
        "rows of both cannot be told apart"
    );
}

#[test]
fn shared_tables_are_never_emptied() {
    let rows = [
        row(0, StepState::Succeeded, "ta"),
        row(1, StepState::Succeeded, "other"),
        row(2, StepState::Failed, "other"),
    ];
    assert_eq!(
        kept_of(
            &plan_sharing(&["b", "c"]),
            &rows,
            ExecutionState::Failed,
            None
        ),
        Ok((vec![0, 1], 0, Vec::new()))
    );
}
