//! Short names for what the rules look at: the documented views of the store, as `carril sql` shows them to anybody.
//!
//! What no view shows (half launches, nodes, wishes, the fence's step numbers) is asked of the tables, and only there.

use rusqlite::Connection;

/// `p` processes, `x` executions, `s` attempts; the process's own execution has no entity.
const NAMES: &str = "
create temp view p as
select process_id as id, pipeline, state, state not in ('launching', 'running', 'paused') as settled,
  total, succeeded, failed, skipped, cancelled, rolled_back
from main.processes;

create temp view x as
select execution_id as id, process_id as process, entity_key as entity, run, entity_key is null as is_own, state,
  state not in ('pending', 'running', 'waiting') as settled, cause, account, warnings, failed_step,
  launched_at_us as launched_at, started_at_us as started_at, ended_at_us as ended_at
from main.executions;

create temp view s as
select execution_id as execution, process_id as process, entity_key as entity, run, stage || '/' || step as path, attempt, state,
  began_us as began, ended_us as ended, fallback, carried_from
from main.steps;
";

/// Gives a connection the short names.
///
/// # Errors
/// When the store has another shape.
pub(crate) fn name(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "query_only", false)?;
    connection.execute_batch(NAMES)?;
    connection.pragma_update(None, "query_only", true)
}
