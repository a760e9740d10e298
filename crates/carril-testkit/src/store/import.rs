//! Importing: what another program did is written settled, whole or not at all, once, and takes part in nothing.

use super::Harness;
use super::history::House;
use carril_model::contract::{
    ErrorClass, Fault, History, ImportDone, ImportRow, ImportedAttempt, ImportedExecution,
    ImportedProcess, NewImport, Pending, StepError,
};
use carril_model::definition::Definition;
use carril_model::id::{ProcessId, StepId};
use carril_model::state::{ExecutionState, ProcessState, StepState};
use carril_model::time::Timestamp;
use serde_json::{Map, json};
use std::sync::Arc;

/// Long before the harness's time.
const BEGAN: i64 = 100_000_000;
const SECOND: i64 = 1_000_000;

fn attempt(step: u16, state: StepState, began: i64) -> ImportedAttempt {
    ImportedAttempt {
        step: StepId(step),
        state,
        began: Timestamp(began),
        ended: Timestamp(began + SECOND),
        reason: (state == StepState::Skipped).then(|| "it was not wanted".to_owned()),
        error: (state == StepState::Failed)
            .then(|| StepError::new("CAR0859", ErrorClass::Permanent, "no data")),
    }
}

fn execution(key: &str, state: ExecutionState, steps: [StepState; 2]) -> ImportedExecution {
    let failed = steps.iter().position(|step| *step == StepState::Failed);
    ImportedExecution {
        entity_key: key.to_owned(),
        attributes: Map::from_iter([("short".to_owned(), json!("A"))]),
        state,
        started_at: Timestamp(BEGAN + SECOND),
        ended_at: Timestamp(BEGAN + 5 * SECOND),
        failed_step: failed.map(|at| StepId(u16::try_from(at).unwrap_or(0))),
        attempts: vec![
            attempt(0, steps[0], BEGAN + SECOND),
            attempt(1, steps[1], BEGAN + 2 * SECOND),
        ],
    }
}

fn process(key: &str, executions: Vec<ImportedExecution>) -> ImportedProcess {
    let failed = executions
        .iter()
        .any(|one| one.state == ExecutionState::Failed);
    ImportedProcess {
        key: key.to_owned(),
        params: Map::from_iter([("report_date".to_owned(), json!("2025-10-24"))]),
        state: if failed {
            ProcessState::CompletedWithErrors
        } else {
            ProcessState::Succeeded
        },
        reason: format!("imported from old, {key}"),
        launched_by: "carril import".to_owned(),
        launched_at: Timestamp(BEGAN),
        ended_at: Timestamp(BEGAN + 6 * SECOND),
        executions,
    }
}

fn three(key: &str) -> ImportedProcess {
    use StepState::{Failed, Skipped, Succeeded};
    process(
        key,
        vec![
            execution("101", ExecutionState::Succeeded, [Succeeded, Skipped]),
            execution("102", ExecutionState::Failed, [Succeeded, Failed]),
            execution("103", ExecutionState::Skipped, [Skipped, Skipped]),
        ],
    )
}

fn import(harness: &Harness, processes: Vec<ImportedProcess>) -> NewImport {
    let definition = Definition {
        name: "old".to_owned(),
        ..super::definition()
    };
    NewImport {
        source: "old".to_owned(),
        version: definition.version(),
        definition,
        processes,
        at: harness.now(),
    }
}

fn try_import(harness: &Harness, import: NewImport) -> Result<ImportDone, Fault> {
    harness.wait(harness.store().import(Arc::new(import)))
}

fn imported(harness: &Harness, processes: Vec<ImportedProcess>) -> ImportDone {
    let import = import(harness, processes);
    try_import(harness, import).expect("it can be written")
}

/// It is there as it was, with numbers that are those of its executions, and nobody claims anything of it.
pub fn what_is_imported_is_settled_and_adds_up(harness: &mut Harness) {
    let done = imported(harness, vec![three("7"), process("8", Vec::new())]);
    assert_eq!((done.known, done.executions, done.attempts), (0, 3, 6));
    let (key, id) = done.added[0].clone();
    assert_eq!(key, "7");
    let row = harness.recount(id);
    assert_eq!(row.state, ProcessState::CompletedWithErrors);
    assert_eq!(
        (
            row.tally.total,
            row.tally.succeeded,
            row.tally.failed,
            row.tally.skipped
        ),
        (3, 1, 1, 1)
    );
    assert_eq!(row.pipeline, "old");
    assert_eq!(row.launched_at, Timestamp(BEGAN));
    assert_eq!(row.ended_at, Some(Timestamp(BEGAN + 6 * SECOND)));
    assert_eq!(harness.executions(id).len(), 3);
    assert_eq!(harness.recount(done.added[1].1).tally.total, 0);
    assert!(harness.claim(id, 10).is_empty(), "nothing of it is claimed");
    let failed = harness.executions(id)[1].0.execution;
    let steps = harness
        .wait(harness.store().steps(failed))
        .expect("they are there");
    assert_eq!(steps.len(), 2);
    assert_eq!(steps[1].state, StepState::Failed);
    assert_eq!(
        steps[1].error.as_ref().expect("it failed").message,
        "no data"
    );
    let entered = harness.crash();
    assert!(entered.unsettled.iter().all(|row| row.id != id));
}

/// Once is enough: what is known stays, what is new comes, and another source may use the same keys.
pub fn a_second_import_adds_only_what_is_new(harness: &mut Harness) {
    let first = imported(harness, vec![three("7")]);
    let again = imported(harness, vec![three("7")]);
    assert_eq!(
        (again.known, again.added.len(), again.executions),
        (1, 0, 0)
    );
    let more = imported(harness, vec![three("7"), three("8")]);
    assert_eq!((more.known, more.added.len()), (1, 1));
    assert_ne!(more.added[0].1, first.added[0].1);
    let mut other = import(harness, vec![three("7")]);
    other.source = "other".to_owned();
    let other = try_import(harness, other).expect("it is another source");
    assert_eq!(other.added.len(), 1);
}

/// Whatever is wrong with one of them, nothing is left of any.
pub fn an_import_is_whole_or_nothing(harness: &mut Harness) {
    let mut twice = three("8");
    twice.executions[2].entity_key = "101".to_owned();
    let wrong = import(harness, vec![three("7"), twice]);
    let refused = try_import(harness, wrong);
    assert!(
        matches!(refused, Err(Fault::Conflict(ref text)) if text.contains("101")),
        "{refused:?}"
    );
    let wrong = import(harness, vec![three("7"), three("7")]);
    assert!(matches!(
        try_import(harness, wrong),
        Err(Fault::Conflict(_))
    ));
    let mut wrong = import(harness, vec![three("7")]);
    wrong.definition.name = "another".to_owned();
    assert!(matches!(
        try_import(harness, wrong),
        Err(Fault::Conflict(_))
    ));
    let mut running = three("7");
    running.executions[0].state = ExecutionState::Running;
    let wrong = import(harness, vec![running]);
    assert!(matches!(
        try_import(harness, wrong),
        Err(Fault::Conflict(_))
    ));
    let done = imported(harness, vec![three("7")]);
    assert_eq!(
        (done.known, done.added.len()),
        (0, 1),
        "nothing of it was left"
    );
}

/// Old history is kept as long as own: from its import on.
pub fn what_is_imported_is_as_old_as_its_import(harness: &mut Harness) {
    let before = harness.tick(1);
    let done = imported(harness, vec![three("7")]);
    let id = done.added[0].1;
    let ended = |harness: &Harness, before| -> Vec<ProcessId> {
        let rows = harness.wait(harness.store().ended(before, None, 100));
        rows.expect("it can be asked")
            .iter()
            .map(|row| row.id)
            .collect()
    };
    assert!(!ended(harness, before).contains(&id));
    let after = harness.tick(1);
    assert!(ended(harness, after).contains(&id));
}

/// It is forgotten like everything else, and then it is new again.
pub fn what_was_forgotten_can_be_imported_again(harness: &mut Harness) {
    let id = imported(harness, vec![three("7")]).added[0].1;
    while !harness
        .wait(harness.store().forget(id, 2))
        .expect("it is settled")
        .whole
    {}
    let again = imported(harness, vec![three("7")]);
    assert_eq!((again.known, again.added.len()), (0, 1));
    harness.recount(again.added[0].1);
}

/// What people read of it: the same as of everything else, and where it came from.
pub fn imports_are_told_with_where_they_came_from(house: &mut House) {
    let at = house.harness.tick(1);
    let done = imported(&house.harness, vec![three("7"), three("8")]);
    let [(_, first), (_, second)] = [done.added[0].clone(), done.added[1].clone()];
    let row = |process, key: &str| ImportRow {
        process,
        source: "old".to_owned(),
        key: key.to_owned(),
        at,
    };
    let history: &dyn History = house.history.as_ref();
    type Asked<'a> = Pending<'a, Result<Vec<ImportRow>, Fault>>;
    let wait = |asked: Asked<'_>| house.harness.wait(asked).expect("it is answered");
    assert_eq!(
        wait(history.imports("old", None, 10)),
        [row(first, "7"), row(second, "8")]
    );
    assert_eq!(
        wait(history.imports("old", Some(first), 10)),
        [row(second, "8")]
    );
    assert_eq!(wait(history.imports("old", None, 1)), [row(first, "7")]);
    assert_eq!(wait(history.imports("else", None, 10)), []);
    assert_eq!(wait(history.imported_as("8")), [row(second, "8")]);
    assert_eq!(wait(history.imported_as("9")), []);
    let of = |process| {
        house
            .harness
            .wait(history.import_of(process))
            .expect("it is answered")
    };
    assert_eq!(of(second), Some(row(second, "8")));
    let (own, _) = house.harness.running(1);
    assert_eq!(of(own), None);
    let listed = house.sql("select source, source_key from imports order by process_id");
    assert_eq!(
        listed,
        [[json!("old"), json!("7")], [json!("old"), json!("8")]]
    );
    let old = "select \"Estado\", \"ID_Anterior\", \"FechaReporte\", \"TotalFondos\", \"FondosFallidos\" from logs_procesos where \"ID_Anterior\" = '7'";
    let expected = json!(["COMPLETADO_CON_ERRORES", "7", "2025-10-24", 3, 1]);
    assert_eq!(json!(house.sql(old)), json!([expected]));
    let counted = house.sql(&format!(
        "select count(*) from trace where process_id = {}",
        first.0
    ));
    // Three attempts began and ended, three steps were skipped.
    assert_eq!(counted, [[json!(9)]]);
    let filter = carril_model::contract::ExecutionFilter {
        max: 10,
        ..Default::default()
    };
    let executions = house
        .harness
        .wait(history.executions(first, &filter))
        .expect("they are there");
    let failed = &executions[1];
    assert_eq!(failed.failed_step.as_deref(), Some("load/second"));
    assert_eq!(failed.attributes["short"], json!("A"));
    let total: i64 = failed.account.sums().values().sum();
    assert_eq!(total, 5 * SECOND, "all of its life is in its account");
}
