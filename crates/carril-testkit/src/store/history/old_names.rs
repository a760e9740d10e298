//! Where stages stand, and the same under the names of the old fund system.

use super::*;
use carril_model::contract::{ProcessChange, StageState};

/// Every stage that an execution has come to.
fn stages(house: &House, process: ProcessId, execution: ExecutionId) -> Vec<(String, StageState)> {
    let asked = house.history.stages(process, execution, execution);
    let rows = house.harness.wait(asked).expect("they are told");
    assert!(rows.iter().all(|row| row.execution == execution));
    rows.into_iter().map(|row| (row.stage, row.state)).collect()
}

fn stage_of(house: &House, process: ProcessId) -> Option<String> {
    let asked = house.history.stage_of(process);
    house.harness.wait(asked).expect("it is told")
}

/// What the old names say of an execution's stages.
fn old_states(house: &House, execution: ExecutionId) -> Value {
    let asked = format!(
        "SELECT \"Estados\" FROM logs_ejecucion_fondos WHERE \"ID_Ejecucion\" = {}",
        execution.0
    );
    let rows = house.sql(&asked);
    let text = rows[0][0].as_str().expect("a text");
    serde_json::from_str(text).expect("it is JSON")
}

/// A stage stands as the last attempts of its steps say, and it has been done only when all of them are.
pub fn a_stage_stands_as_its_last_attempts_say(house: &mut House) {
    let (process, claimed) = house.harness.running(1);
    let id = claimed[0].owned.execution;
    let told = |house: &House| stages(house, process, id);
    let one = |state| vec![("load".to_owned(), state)];
    assert_eq!(told(house), []);
    assert_eq!(old_states(house, id), json!({}));
    let at = house.harness.now();
    house.end(&claimed[0], step_end(0, at, at));
    assert_eq!(told(house), one(StageState::Running), "two are to come");
    let later = house.harness.tick(10);
    let again = StepEnd {
        retry_at: Some(house.harness.tick(100)),
        ..failed(1, ErrorClass::Transient, at, later)
    };
    house.end(&claimed[0], again);
    assert_eq!(told(house), one(StageState::Running), "it is tried again");
    let end = |step, attempt, end: StepEnd| StepEnd {
        step: StepId(step),
        attempt,
        ..end
    };
    house.end(&claimed[0], end(1, 2, step_end(1, at, later)));
    let skipped = StepEnd {
        state: StepState::Skipped,
        attempt: 0,
        ..step_end(2, at, at)
    };
    house.end(&claimed[0], skipped);
    assert_eq!(told(house), one(StageState::Succeeded));
    assert_eq!(old_states(house, id), json!({"load": "COMPLETADO"}));
    // Its other entity stage fails for good.
    house.end(&claimed[0], failed(4, ErrorClass::Permanent, at, later));
    let last = |state| [one(StageState::Succeeded), vec![("tell".to_owned(), state)]].concat();
    assert_eq!(told(house), last(StageState::Failed));
    let expected = json!({"load": "COMPLETADO", "tell": "ERROR"});
    assert_eq!(old_states(house, id), expected);
    house.harness.settle(&claimed, ExecutionState::Failed);
    assert_eq!(stage_of(house, process), Some("load".to_owned()));
}

/// A process is at the first stage that a lane has not done, and in the segment that it is in.
pub fn a_process_is_at_its_earliest_stage(house: &mut House) {
    let mut spec = house.harness.spec_in_segments(2);
    spec.open = 100;
    let (process, claimed) = house.harness.launch(&spec);
    assert_eq!(stage_of(house, process).as_deref(), Some("load"));
    let now = house.harness.now();
    for one in &claimed {
        for step in 0..3 {
            house.end(one, step_end(step, now, now));
        }
        house.harness.park(one, 2);
    }
    let advance = |from| {
        house.harness.change(ProcessChange::Advance {
            process,
            from,
            to: from + 1,
            at: house.harness.now(),
        });
    };
    advance(0);
    assert_eq!(stage_of(house, process).as_deref(), Some("sum"));
    let told = "SELECT \"Estado\", \"Etapa_Actual\", \"TotalFondos\" FROM logs_procesos";
    assert_eq!(
        house.sql(told),
        [[json!("EN_PROGRESO"), json!("sum"), json!(2)]]
    );
    assert_eq!(stage_of(house, ProcessId(process.0 + 50)), None);
}

/// States have the words of old, in every view.
pub fn states_have_the_words_of_old(house: &mut House) {
    let (process, claimed) = house.harness.running(1);
    let id = claimed[0].owned.execution;
    let word = |house: &House, table: &str, view: &str, code: i64| {
        house.raw(&format!("UPDATE {table} SET state = {code}"));
        house.sql(&format!("SELECT \"Estado\" FROM {view}"))[0][0].clone()
    };
    let expected = [
        (ExecutionState::Pending, "EN_PROGRESO"),
        (ExecutionState::Running, "EN_PROGRESO"),
        (ExecutionState::Waiting, "EN_PROGRESO"),
        (ExecutionState::Succeeded, "COMPLETADO"),
        (ExecutionState::Failed, "ERROR"),
        (ExecutionState::Skipped, "OMITIDO"),
        (ExecutionState::Cancelled, "CANCELADO"),
        (ExecutionState::RolledBack, "REVERTIDO"),
    ];
    for (state, name) in expected {
        let told = word(house, "execution", "logs_ejecuciones", state.code());
        assert_eq!(told, name, "{state}");
    }
    house.raw("UPDATE execution SET started_at = NULL");
    let told = word(house, "execution", "logs_ejecuciones", 0);
    assert_eq!(told, "PENDIENTE", "it never had a lane");
    let expected = [
        (ProcessState::Running, "EN_PROGRESO"),
        (ProcessState::Paused, "EN_PROGRESO"),
        (ProcessState::Succeeded, "COMPLETADO"),
        (ProcessState::CompletedWithErrors, "COMPLETADO_CON_ERRORES"),
        (ProcessState::Failed, "ERROR"),
        (ProcessState::Cancelled, "CANCELADO"),
        (ProcessState::RolledBack, "REVERTIDO"),
    ];
    for (state, name) in expected {
        for view in ["logs_procesos", "logs_ejecuciones_v2"] {
            assert_eq!(word(house, "process", view, state.code()), name, "{state}");
        }
    }
    let ids = "SELECT v.\"ID_Ejecucion\", e.\"ID_Ejecucion\" FROM logs_ejecuciones_v2 v \
         JOIN logs_ejecuciones e ON e.\"ID_Proceso\" = v.\"ID_Ejecucion\"";
    assert_eq!(
        house.sql(ids),
        [[json!(process.0), json!(id.0)]],
        "of v2 it is the process's"
    );
}

/// A launch that is not whole shows under no name.
pub fn a_launch_that_is_not_whole_has_no_old_names(house: &mut House) {
    let (_, claimed) = house.harness.running(1);
    let now = house.harness.now();
    house.end(&claimed[0], step_end(0, now, now));
    house.raw("UPDATE process SET state = 0");
    for view in [
        "logs_procesos",
        "logs_ejecuciones",
        "logs_ejecuciones_v2",
        "logs_ejecucion_fondos",
    ] {
        let count = house.sql(&format!("SELECT count(*) FROM {view}"));
        assert_eq!(count, [[json!(0)]], "{view}");
    }
}

/// The page of the old names has every column and no other.
pub fn the_old_names_are_those_of_their_page(house: &mut House) {
    let page = include_str!("../../../../../docs/reference/old-names.md");
    for view in [
        "Procesos",
        "Ejecuciones",
        "Ejecuciones_v2",
        "Ejecucion_Fondos",
        "Trace_Records",
    ] {
        let asked = format!("SELECT * FROM logs_{} LIMIT 0", view.to_lowercase());
        let answer = house.harness.wait(house.history.query(&asked, 1));
        let columns = answer.expect("it is answered").columns;
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{view}` |")))
            .expect("the view has a row");
        let cell = row.split('|').nth(2).expect("a cell with its columns");
        let documented: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        assert_eq!(columns, documented, "{view}");
    }
}
