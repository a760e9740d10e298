//! What a program is told besides its arguments: its variables and the document on its standard input.
//!
//! Nothing of the surroundings of Carril itself gets through; a variable is there because it is named here or in the step.

use super::outcome::could_not_start;
use crate::template::{fill_argument, without_nul};
use carril_model::contract::{StepCall, StepError};
use serde_json::json;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// All variables of the program, and the only ones. What Carril says about itself cannot be overridden, `PATH` can.
///
/// # Errors
/// `CAR0510` when a value is missing, `CAR0509` when a name cannot be a variable's.
pub(super) fn environment(
    call: &StepCall,
    listed: &BTreeMap<String, String>,
    path: &OsStr,
) -> Result<BTreeMap<OsString, OsString>, Box<StepError>> {
    let mut variables = BTreeMap::from([(OsString::from("PATH"), path.to_owned())]);
    for (name, text) in listed {
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(could_not_start(format!(
                "`{name}` in the step's `env` cannot be the name of a variable"
            )));
        }
        variables.insert(
            name.into(),
            fill_argument(text, call.context.as_ref())?.into(),
        );
    }
    let mut ours = vec![
        ("CARRIL_EXECUTION_ID", call.execution().to_string()),
        ("CARRIL_PROCESS_ID", call.process().to_string()),
        ("CARRIL_RUN", call.run().to_string()),
        ("CARRIL_ATTEMPT", call.attempt.to_string()),
        ("CARRIL_IDEMPOTENCY_KEY", call.idempotency_key()),
    ];
    if let Some(key) = &call.context.entity_key {
        ours.push((
            "CARRIL_ENTITY_KEY",
            without_nul(key.to_string(), "the entity's key")?,
        ));
    }
    variables.extend(
        ours.into_iter()
            .map(|(name, value)| (name.into(), value.into())),
    );
    Ok(variables)
}

/// The search path among the variables.
pub(super) fn path_of(variables: &BTreeMap<OsString, OsString>) -> &OsStr {
    variables
        .get(OsStr::new("PATH"))
        .map_or(OsStr::new(""), OsString::as_os_str)
}

/// The document for the program's standard input: one line of JSON.
pub(super) fn document(call: &StepCall) -> Vec<u8> {
    let context = &call.context;
    let document = json!({
        "process": context.process,
        "execution": context.execution,
        "run": context.run,
        "attempt": call.attempt,
        "step": call.plan.planned(call.step).path,
        "entity_key": context.entity_key.as_deref(),
        "entity": context.entity.as_ref(),
        "params": context.params.as_ref(),
        "idempotency_key": call.idempotency_key(),
    });
    let mut line = document.to_string().into_bytes();
    line.push(b'\n');
    line
}
