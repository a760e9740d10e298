//! Who gave up which resource when, and which of them a wait was for. What is not known for sure is not told: beyond a bound there
//! are no answers, as some of them would be wrong.

use super::{Lane, Wait};
use carril_model::contract::{Fault, History};
use carril_model::id::{ExecutionId, ProcessId};
use serde_json::Value;
use std::collections::BTreeMap;

/// Ends of uses that are read: a process of 10,000 lanes with 20 uses each.
const RELEASES_MAX: u32 = 200_000;
/// A resource is taken by whoever waits within this after it was given up.
const HAND_OVER_MICROS: i64 = 50_000;

/// Ends of uses by resource, in order of time.
#[derive(Debug, Default)]
pub(super) struct Releases {
    pub(super) by_resource: BTreeMap<String, Vec<(i64, ExecutionId)>>,
}

impl Releases {
    /// Reads them, of all of a process or of a span in microseconds since 1970; `None` when there are too many.
    pub(super) async fn read(
        history: &dyn History,
        process: ProcessId,
        span: Option<(i64, i64)>,
    ) -> Result<Option<Self>, Fault> {
        let within = span.map_or_else(String::new, |(from, until)| {
            format!(" and at_us between {from} and {until}")
        });
        let sql = format!(
            "select resource, at_us, execution_id from trace where process_id = {process} and resource is not null \
             and event in ('END', 'ERROR', 'TIMEOUT', 'CANCEL', 'INTERRUPT'){within}"
        );
        let answer = history.query(&sql, RELEASES_MAX).await?;
        if answer.cut {
            return Ok(None);
        }
        let mut found = Self::default();
        for row in &answer.rows {
            let [Value::String(names), at, execution] = row.as_slice() else {
                continue;
            };
            let (Some(at), Some(execution)) = (at.as_i64(), execution.as_i64()) else {
                continue;
            };
            for name in names.split(", ") {
                let ends = found.by_resource.entry(name.to_owned()).or_default();
                ends.push((at, ExecutionId(execution)));
            }
        }
        let each = found.by_resource.values_mut();
        each.for_each(|ends| ends.sort_unstable());
        Ok(Some(found))
    }

    /// Tells the waits of a lane who held what they waited for, where they do not know it yet.
    pub(super) fn point(&self, lane: &mut Lane) {
        let waiter = lane.row.id;
        for wait in &mut lane.waits {
            wait.holder = wait.holder.or_else(|| self.holder(waiter, wait));
        }
    }

    /// Who gave up what this wait was for, just before it ended, and when.
    pub(super) fn holder(&self, waiter: ExecutionId, wait: &Wait) -> Option<(ExecutionId, i64)> {
        let ends = self.by_resource.get(wait.about.as_deref()?)?;
        let until = wait.began + wait.micros;
        let before = ends.partition_point(|(at, _)| *at <= until);
        let newest_first = ends[..before].iter().rev();
        let mut near =
            newest_first.take_while(|(at, _)| *at >= wait.began && until - *at <= HAND_OVER_MICROS);
        let (at, holder) = near.find(|(_, holder)| *holder != waiter)?;
        Some((*holder, *at))
    }
}
