//! The words of the old fund system: states, names of columns, and what of an entity they are taken from. Only functions of values.

use carril::model::contract::{ExecutionRow, StageState};
use carril::model::state::{ExecutionState, ProcessState};
use serde_json::{Map, Value};

/// Services as the old names write them.
const SERVICES: [&str; 5] = ["IPA", "CAPM", "Derivados", "UBS", "PNL"];
/// Portfolios as the old names write them.
const PORTFOLIOS: [&str; 4] = ["Geneva", "CAPM", "Derivados", "UBS"];

/// A process's state.
pub(super) const fn of_process(state: ProcessState) -> &'static str {
    match state {
        ProcessState::Launching | ProcessState::Running | ProcessState::Paused => "EN_PROGRESO",
        ProcessState::Succeeded => "COMPLETADO",
        ProcessState::CompletedWithErrors => "COMPLETADO_CON_ERRORES",
        ProcessState::Failed => "ERROR",
        ProcessState::Cancelled => "CANCELADO",
        ProcessState::RolledBack => "REVERTIDO",
    }
}

/// An execution's state: one that had a lane is in progress, wherever it waits.
pub(super) fn of_execution(row: &ExecutionRow) -> &'static str {
    match row.state {
        ExecutionState::Pending if row.started_at.is_none() => "PENDIENTE",
        ExecutionState::Pending | ExecutionState::Running | ExecutionState::Waiting => {
            "EN_PROGRESO"
        }
        ExecutionState::Succeeded => "COMPLETADO",
        ExecutionState::Failed => "ERROR",
        ExecutionState::Skipped => "OMITIDO",
        ExecutionState::Cancelled => "CANCELADO",
        ExecutionState::RolledBack => "REVERTIDO",
    }
}

/// A stage's state.
pub(super) const fn of_stage(state: StageState) -> &'static str {
    match state {
        StageState::Pending => "PENDIENTE",
        StageState::Running => "EN_PROGRESO",
        StageState::Succeeded => "COMPLETADO",
        StageState::Failed => "ERROR",
        StageState::Skipped => "OMITIDO",
        StageState::Cancelled => "CANCELADO",
    }
}

/// The state of a stage that an execution has not come to.
pub(super) fn untouched(row: &ExecutionRow) -> &'static str {
    match row.state {
        ExecutionState::Skipped => "OMITIDO",
        _ => "PENDIENTE",
    }
}

/// The fund's number; its key where that is none.
pub(super) fn fund(row: &ExecutionRow) -> Value {
    let key = row.entity.as_deref().unwrap_or_default();
    let is_number =
        !key.is_empty() && key.len() <= 18 && key.bytes().all(|byte| byte.is_ascii_digit());
    let number = key.parse::<i64>().ok().filter(|_| is_number);
    number.map_or_else(|| Value::from(key), Value::from)
}

/// What people call the fund.
pub(super) fn short_name(row: &ExecutionRow) -> Value {
    let known = attribute(&row.attributes, "FundShortName");
    known
        .cloned()
        .unwrap_or_else(|| Value::from(row.entity.clone()))
}

/// Its codes: `Portfolio_Geneva` and so on, as far as they are there.
pub(super) fn portfolios(row: &ExecutionRow) -> Vec<(String, Value)> {
    let names = PORTFOLIOS.iter().map(|name| format!("Portfolio_{name}"));
    names
        .filter_map(|name| {
            let value = attribute(&row.attributes, &name)?.clone();
            Some((name, value))
        })
        .collect()
}

/// What the column of a stage is called: `Estado_Process_IPA` of `ipa` and of `process_ipa`, `Estado_Cubo` of an imported `cubo`.
pub(super) fn column(stage: &str, is_imported: bool) -> String {
    let process = stage.strip_prefix("process_");
    let service = process.unwrap_or(stage);
    let known = SERVICES
        .iter()
        .find(|known| known.eq_ignore_ascii_case(service));
    let service = known.map_or_else(|| capital(service), |known| (*known).to_owned());
    if is_imported && process.is_none() {
        format!("Estado_{service}")
    } else {
        format!("Estado_Process_{service}")
    }
}

/// An attribute, however its name is written: `FundShortName` is `fund_short_name`.
fn attribute<'a>(attributes: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
    let wanted = plain(name);
    let found = attributes.iter().find(|(known, _)| plain(known) == wanted);
    found
        .map(|(_, value)| value)
        .filter(|value| !value.is_null())
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests;
