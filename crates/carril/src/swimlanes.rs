//! A process as swim-lanes: of each lane its attempts with the resources they used, its single waits, and who gave up what was waited for.
//!
//! Lanes are read by pages, so that what is held is a page and the ends of uses that arrows may point to, each bounded. [`Page`] is what a picture
//! draws; [`Export`] is the same as a trace that ui.perfetto.dev and chrome://tracing open, made part by part. Nothing here draws or writes to a file.

mod export;
mod releases;
mod slices;
mod writer;

pub use export::Export;

use carril_model::contract::{AttemptRow, ExecutionFilter, ExecutionRow, Fault, History};
use carril_model::id::{ExecutionId, ProcessId, Run};
use carril_model::lock::{Blocker, LockWait};
use releases::Releases;
use serde_json::Value;
use std::collections::BTreeMap;

/// Single waits and uses of resources of one page that are read; a page with more has them cut.
const DETAILS_MAX: u32 = 100_000;

/// A wait as the store keeps it: of at least 10 ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Why it waited, by the name of the cause.
    pub cause: String,
    /// For which resource, target or table.
    pub about: Option<String>,
    /// `stage/step` that waited; `None` when none in particular did.
    pub step: Option<String>,
    /// When it began, in microseconds since 1970.
    pub began: i64,
    /// How long it lasted.
    pub micros: i64,
    /// Who held what it waited for, and when they gave it up in microseconds since 1970; `None` where that is not known.
    pub holder: Option<(ExecutionId, i64)>,
    /// Who held the lock that it waited for, in words.
    pub blocker: Option<String>,
}

/// One lane of a process.
#[derive(Debug)]
pub struct Lane {
    /// The execution.
    pub row: ExecutionRow,
    /// Its attempts, in order of run, step and attempt.
    pub attempts: Vec<AttemptRow>,
    /// Its single waits, in order of time.
    pub waits: Vec<Wait>,
    uses: BTreeMap<Use, Vec<String>>,
}

/// Run, `stage/step` and attempt.
type Use = (u32, String, u32);

impl Lane {
    /// Resources that an attempt used: those that its step names, else the tables it changed.
    #[must_use]
    pub fn resources(&self, attempt: &AttemptRow) -> &[String] {
        let step = format!("{}/{}", attempt.stage, attempt.step);
        let used = self.uses.get(&(attempt.run.0, step, attempt.attempt));
        used.map_or(&[], Vec::as_slice)
    }
}

/// Some lanes of a process, in order of id.
#[derive(Debug)]
pub struct Page {
    /// The lanes.
    pub lanes: Vec<Lane>,
    /// Whether holders are known: where a process used resources too often to read them all, none are.
    pub has_holders: bool,
}

impl Page {
    /// Reads the lanes that a filter takes, with who held what they waited for.
    ///
    /// # Errors
    /// As the store.
    pub async fn read(
        history: &dyn History,
        process: ProcessId,
        filter: &ExecutionFilter,
    ) -> Result<Self, Fault> {
        let mut lanes = lanes(history, process, filter).await?;
        let waits = || lanes.iter().flat_map(|lane| &lane.waits);
        let from = waits().map(|wait| wait.began).min();
        let until = waits().map(|wait| wait.began + wait.micros).max();
        let (Some(from), Some(until)) = (from, until) else {
            return Ok(Self {
                lanes,
                has_holders: true,
            });
        };
        let releases = Releases::read(history, process, Some((from, until))).await?;
        let has_holders = releases.is_some();
        if let Some(releases) = releases {
            lanes.iter_mut().for_each(|lane| releases.point(lane));
        }
        Ok(Self { lanes, has_holders })
    }
}

/// Lanes without the holders that others' ends tell of; those of locks are known.
async fn lanes(
    history: &dyn History,
    process: ProcessId,
    filter: &ExecutionFilter,
) -> Result<Vec<Lane>, Fault> {
    let rows = history.executions(process, filter).await?;
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Ok(Vec::new());
    };
    let among = format!(
        "process_id = {process} and execution_id between {} and {}",
        first.id, last.id
    );
    let mut waits = waits(history, &among).await?;
    let mut uses = uses(history, &among).await?;
    let mut lanes = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.id;
        lanes.push(Lane {
            attempts: history.attempts(id, None).await?,
            waits: waits.remove(&id).unwrap_or_default(),
            uses: uses.remove(&id).unwrap_or_default(),
            row,
        });
    }
    Ok(lanes)
}

/// Single waits of some executions.
async fn waits(
    history: &dyn History,
    among: &str,
) -> Result<BTreeMap<ExecutionId, Vec<Wait>>, Fault> {
    let sql = format!(
        "select execution_id, cause, about, stage || '/' || step, began_us, duration_us, blocker, lock from waits \
         where {among} order by execution_id, began_us"
    );
    let answer = history.query(&sql, DETAILS_MAX).await?;
    let mut found: BTreeMap<ExecutionId, Vec<Wait>> = BTreeMap::new();
    for row in &answer.rows {
        let [execution, cause, about, step, began, micros, blocker, lock] = row.as_slice() else {
            continue;
        };
        let (Some(execution), Some(began), Some(micros)) =
            (execution.as_i64(), began.as_i64(), micros.as_i64())
        else {
            continue;
        };
        let holder = holder_of_lock(lock).filter(|holder| holder.0 != execution);
        found.entry(ExecutionId(execution)).or_default().push(Wait {
            cause: text(cause).unwrap_or_default(),
            about: text(about),
            step: text(step),
            began,
            micros,
            holder: holder.map(|holder| (holder, began + micros)),
            blocker: text(blocker),
        });
    }
    Ok(found)
}

/// The execution that held a lock, if one of ours did.
fn holder_of_lock(lock: &Value) -> Option<ExecutionId> {
    let lock: LockWait = match lock {
        Value::String(text) => serde_json::from_str(text).ok()?,
        other => serde_json::from_value(other.clone()).ok()?,
    };
    match lock.blocker {
        Blocker::Execution { execution, .. } => Some(execution),
        _ => None,
    }
}

/// Which attempts of some executions used which resources.
async fn uses(
    history: &dyn History,
    among: &str,
) -> Result<BTreeMap<ExecutionId, BTreeMap<Use, Vec<String>>>, Fault> {
    let sql = format!(
        "select execution_id, run, stage || '/' || step, attempt, resource from trace \
         where {among} and event = 'START' and resource is not null"
    );
    let answer = history.query(&sql, DETAILS_MAX).await?;
    let mut found: BTreeMap<ExecutionId, BTreeMap<Use, Vec<String>>> = BTreeMap::new();
    for row in &answer.rows {
        let [execution, run, step, attempt, names] = row.as_slice() else {
            continue;
        };
        let small = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        let (Some(execution), Some(run), Some(step), Some(attempt), Some(names)) = (
            execution.as_i64(),
            small(run).map(Run),
            text(step),
            small(attempt),
            names.as_str(),
        ) else {
            continue;
        };
        let names = names.split(", ").map(str::to_owned).collect();
        let of = found.entry(ExecutionId(execution)).or_default();
        of.insert((run.0, step, attempt), names);
    }
    Ok(found)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests;
