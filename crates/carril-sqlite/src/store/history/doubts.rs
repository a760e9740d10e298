//! Steps of a process that did not succeed by themselves although their lanes went on. The query gives what may be one, run by run;
//! the plan decides, and here it is counted.

use super::read;
use crate::store::fault::OrFault;
use crate::store::rows::{flag, get, step_id, step_state, to_json};
use carril_model::contract::{DoubtRow, Fault};
use carril_model::id::{ExecutionId, ProcessId, StepId};
use carril_model::plan::{Doubt, LastAttempt, Plan};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

/// An execution, its entity, and what may be told of its steps.
type Lane = (ExecutionId, Option<String>, BTreeMap<StepId, LastAttempt>);

/// All of a process, in order of the steps.
pub(super) fn of(connection: &Connection, process: ProcessId) -> Result<Vec<DoubtRow>, Fault> {
    let plan = Plan::new(read::definition(connection, process)?);
    let stand_ins: Vec<u16> = plan
        .steps()
        .iter()
        .filter(|step| step.is_fallback)
        .map(|step| step.id.0)
        .collect();
    let mut statement = connection
        .prepare_cached(sql!("history_doubts"))
        .or_fault()?;
    let mut found = statement
        .query(params![process.0, to_json(&stand_ins)])
        .or_fault()?;
    let mut counted = BTreeMap::new();
    let mut lane: Option<Lane> = None;
    while let Some(row) = found.next().or_fault()? {
        let id = ExecutionId(get(row, 0)?);
        if lane.as_ref().is_none_or(|(known, _, _)| *known != id) {
            count(
                &plan,
                lane.replace((id, get(row, 1)?, BTreeMap::new())),
                &mut counted,
            );
        }
        if let Some((_, _, steps)) = &mut lane {
            let last = (step_state(get(row, 3)?)?, flag(row, 4)?);
            steps.insert(step_id(get(row, 2)?)?, last);
        }
    }
    count(&plan, lane, &mut counted);
    Ok(counted.into_values().collect())
}

fn count(plan: &Plan, lane: Option<Lane>, counted: &mut BTreeMap<(StepId, Doubt), DoubtRow>) {
    let Some((execution, entity, steps)) = lane else {
        return;
    };
    for (step, doubt) in plan.doubts(&steps) {
        let row = counted.entry((step, doubt)).or_insert_with(|| DoubtRow {
            step: plan.planned(step).path.clone(),
            doubt,
            instead: match doubt {
                Doubt::StoodIn(other) => Some(plan.planned(other).path.clone()),
                Doubt::Value | Doubt::NotCritical => None,
            },
            executions: 0,
            examples: Vec::new(),
        });
        row.executions += 1;
        if row.examples.len() < DoubtRow::EXAMPLES {
            row.examples.push((execution, entity.clone()));
        }
    }
}
