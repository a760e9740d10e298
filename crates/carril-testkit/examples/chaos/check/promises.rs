//! What was said must be so: an event on stdout is told when it is durable (I1, I13), so a kill right after it changes nothing.

use super::super::world::Failure;
use rusqlite::{Connection, OptionalExtension as _};
use serde_json::Value;

/// The rule.
pub(super) const KEPT: &str = "I13 what was said is so";

/// Promises that the store does not keep.
///
/// # Errors
/// When the store cannot be read.
pub(crate) fn kept(
    connection: &Connection,
    promises: &[Value],
) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut found = Vec::new();
    for promise in promises {
        let is_kept = match promise["event"].as_str() {
            Some("step") => step_is_there(connection, promise)?,
            Some("settled") => run_is_settled(connection, promise)?,
            _ => true,
        };
        if !is_kept {
            found.push((KEPT, promise.to_string()));
        }
    }
    Ok(found)
}

fn step_is_there(connection: &Connection, said: &Value) -> Result<bool, Failure> {
    let ask = "select 1 from s where execution = ?1 and path = ?2 and attempt = ?3 and state = ?4";
    let values = (
        said["execution"].as_i64(),
        said["step"].as_str(),
        said["attempt"].as_i64(),
        said["state"].as_str(),
    );
    let there: Option<i64> = connection
        .query_row(ask, values, |row| row.get(0))
        .optional()?;
    Ok(there.is_some())
}

/// As it was said, or in the history of runs once it was retried or rolled back.
fn run_is_settled(connection: &Connection, said: &Value) -> Result<bool, Failure> {
    let ask = "select 1 from x where id = ?1 and state = ?2 union all
               select 1 from main.run_history where execution_id = ?1 and state = case ?2
                 when 'succeeded' then 3 when 'failed' then 4 when 'skipped' then 5 when 'cancelled' then 6 when 'rolled_back' then 7 end";
    let values = (said["execution"].as_i64(), said["state"].as_str());
    let there: Option<i64> = connection
        .query_row(ask, values, |row| row.get(0))
        .optional()?;
    Ok(there.is_some())
}
