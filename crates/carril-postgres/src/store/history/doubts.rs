//! Steps of a process that did not succeed by themselves although their lanes went on. The query gives what may be one, run by run;
//! the plan decides, and here it is counted.

use super::read;
use crate::store::rows::{flag, get, int, step_id, step_state};
use crate::store::session::Tx;
use carril_model::contract::{DoubtRow, Fault};
use carril_model::id::{ExecutionId, ProcessId, StepId};
use carril_model::plan::{Doubt, LastAttempt, Plan};
use std::collections::BTreeMap;

/// An execution, its entity, and what may be told of its steps.
type Lane = (ExecutionId, Option<String>, BTreeMap<StepId, LastAttempt>);

/// All of a process, in order of the steps.
pub(super) async fn of(tx: &Tx<'_>, process: ProcessId) -> Result<Vec<DoubtRow>, Fault> {
    let plan = Plan::new(read::definition(tx, process).await?);
    let stand_ins: Vec<i64> = plan
        .steps()
        .iter()
        .filter(|step| step.is_fallback)
        .map(|step| i64::from(step.id.0))
        .collect();
    let found = tx
        .rows(sql!("history_doubts"), &[&process.0, &stand_ins])
        .await?;
    let mut counted = BTreeMap::new();
    let mut lane: Option<Lane> = None;
    for row in &found {
        let id = ExecutionId(int(row, 0)?);
        if lane.as_ref().is_none_or(|(known, _, _)| *known != id) {
            count(
                &plan,
                lane.replace((id, get(row, 1)?, BTreeMap::new())),
                &mut counted,
            );
        }
        if let Some((_, _, steps)) = &mut lane {
            let last = (step_state(int(row, 3)?)?, flag(row, 4)?);
            steps.insert(step_id(int(row, 2)?)?, last);
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
