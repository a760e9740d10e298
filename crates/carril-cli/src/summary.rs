//! What a process came to, so that a manager can read it: how many, how fast, what was slow, where the time went, what failed
//! and what to do next. Only reads.

use crate::command::ps;
use crate::command::show::{entity, took};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::found;
use crate::output::table::one_line;
use crate::output::{number, paint, time};
use crate::report::{self, pace};
use carril::Location;
use carril::model::account::CauseKind;
use carril::model::contract::{
    DoubtRow, ExecutionFilter, ExecutionRow, History, ProcessRow, WaitRow,
};
use carril::model::plan::Doubt;
use carril::model::state::ExecutionState;
use carril::model::time::Timestamp;
use carril::report::{Report, per_hour};
use carril::shape::{AlertShape, ProcessShape, ReportShape};
use std::collections::BTreeMap;

mod next;
mod shape;

use next::{Standing, Suggestion};
use shape::{DoubtShape, GroupShape, LaneShape, SummaryShape};

/// Lanes that are named as the slowest.
const SLOWEST: usize = 3;
/// Executions among which the slowest are looked for.
const SEEN_MAX: u32 = 20_000;
/// Failed executions that are looked at.
const FAILED_MAX: u32 = 5_000;
/// Kinds of failure that are told.
const GROUPS: usize = 5;
/// Entities that are named per kind of failure.
const EXAMPLES: usize = 3;

/// A program that ended with an exit code; what it printed often says why.
const COMMAND_FAILED: &str = "CAR0507";

/// What a process came to.
pub(crate) struct Summary<'a> {
    row: ProcessRow,
    /// What the same engine handed back unfinished, each with the microseconds that it took so far.
    unfinished: &'a [(ProcessRow, i64)],
    slowest: Vec<ExecutionRow>,
    waits: Vec<WaitRow>,
    /// What its executions are at, as long as it is not over.
    causes: BTreeMap<CauseKind, u64>,
    failures: Vec<Group>,
    /// Steps that failed although their lanes went on.
    doubts: Vec<DoubtRow>,
    warnings: u64,
    report: Report,
    worked: i64,
    now: Timestamp,
}

/// Executions that failed in the same way.
#[derive(Debug)]
struct Group {
    step: String,
    code: String,
    message: String,
    count: u64,
    examples: Vec<(i64, String)>,
}

impl<'a> Summary<'a> {
    /// Reads what there is to say about a process.
    ///
    /// # Errors
    /// As the store.
    pub(crate) async fn of(
        history: &dyn History,
        row: ProcessRow,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let all = ExecutionFilter {
            max: SEEN_MAX,
            ..ExecutionFilter::default()
        };
        let mut executions = found::executions(history, row.id, &all).await?;
        let warnings = executions
            .iter()
            .map(|execution| u64::from(execution.warnings))
            .sum();
        executions.retain(|execution| execution.entity.is_some() && is_told_slow(execution));
        executions.sort_by_key(|execution| std::cmp::Reverse(took(execution, now)));
        executions.truncate(SLOWEST);
        let failures = if row.tally.failed > 0 || Exit::of(row.state) == Exit::Failures {
            let failed = ExecutionFilter {
                states: vec![ExecutionState::Failed],
                max: FAILED_MAX,
                ..ExecutionFilter::default()
            };
            grouped(&found::executions(history, row.id, &failed).await?)
        } else {
            Vec::new()
        };
        let mut waits = history.waits(row.id, now).await?;
        waits.sort_by_key(|wait| std::cmp::Reverse(wait.total_micros));
        let causes = found::causes(history, &row).await?;
        let doubts = history.doubts(row.id).await?;
        let worked = found::worked(history, &row, now).await?;
        let report = Report::of(history, &row, worked, now).await?;
        Ok(Self {
            row,
            unfinished: &[],
            slowest: executions,
            waits,
            causes,
            failures,
            doubts,
            warnings,
            report,
            worked,
            now,
        })
    }

    /// The same, of a command whose engine had these besides and handed them back.
    pub(crate) const fn beside(mut self, unfinished: &'a [(ProcessRow, i64)]) -> Self {
        self.unfinished = unfinished;
        self
    }

    /// For people.
    pub(crate) fn drawn(&self, context: &Context, store: &Location) -> String {
        let row = &self.row;
        let state = paint::tone(paint::of_process(row.state), row.state.name());
        let mut lines = vec![format!(
            "{} {} · {} · {state}",
            paint::bold("process"),
            row.id,
            row.pipeline
        )];
        let mut add = |name: &str, value: String| lines.push(format!("  {name:<14}{value}"));
        if let Some(reason) = &row.reason {
            add("reason", reason.clone());
        }
        add("entities", self.entities());
        if !self.causes.is_empty() {
            add("now", at_work(&self.causes));
        }
        let is_over = row.state.is_settled();
        add(if is_over { "took" } else { "so far" }, self.pace());
        if !self.slowest.is_empty() {
            let named = self.slowest.iter().map(|lane| {
                format!(
                    "{} {}",
                    entity(lane),
                    time::span(took(lane, self.now).unwrap_or(0))
                )
            });
            let name = if is_over { "slowest" } else { "longest" };
            add(name, named.collect::<Vec<_>>().join(", "));
        }
        if let Some(spent) = self.spent() {
            add("time went to", spent);
        }
        for (name, line) in report::lines(&self.report, false) {
            add(name, line);
        }
        for (name, rows) in [("fallbacks", self.fallbacks()), ("warnings", self.warned())] {
            if !rows.is_empty() {
                let told: Vec<String> = rows.into_iter().map(doubt).collect();
                add(name, told.join(&format!("\n{:16}", "")));
            }
        }
        if !self.failures.is_empty() {
            lines.push(self.what_failed());
        }
        lines.push(format!("\n{}", paint::bold("next")));
        lines.extend(suggestions(&self.next(context, store)));
        lines.join("\n")
    }

    /// Steps that a fallback stood in for.
    fn fallbacks(&self) -> Vec<&DoubtRow> {
        let stood_in = |row: &&DoubtRow| row.doubt != Doubt::NotCritical;
        self.doubts.iter().filter(stood_in).collect()
    }

    /// Steps that failed and are not critical.
    fn warned(&self) -> Vec<&DoubtRow> {
        let warned = |row: &&DoubtRow| row.doubt == Doubt::NotCritical;
        self.doubts.iter().filter(warned).collect()
    }

    fn what_failed(&self) -> String {
        let mut lines = vec![format!("\n{}", paint::bold("what failed"))];
        lines.extend(self.failures.iter().take(GROUPS).map(Group::drawn));
        if self.failures.len() > GROUPS {
            lines.push(format!(
                "  and {} more kinds of failure",
                self.failures.len() - GROUPS
            ));
        }
        lines.join("\n")
    }

    fn entities(&self) -> String {
        let tally = &self.row.tally;
        let parts = [
            (tally.succeeded, "succeeded"),
            (tally.failed, "failed"),
            (tally.skipped, "skipped"),
            (tally.cancelled, "cancelled"),
            (tally.rolled_back, "rolled back"),
        ];
        let said: Vec<String> = parts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{} {what}", number::count(*count)))
            .collect();
        format!(
            "{}: {}",
            number::count(tally.total),
            if said.is_empty() {
                "none done".to_owned()
            } else {
                said.join(", ")
            }
        )
    }

    /// How long it took and, where that says how fast it is, its pace.
    fn pace(&self) -> String {
        let took = ps::took(&self.row, self.worked);
        pace(&self.row, self.worked).map_or_else(
            || took.clone(),
            |hour| format!("{took} ({} entities an hour)", number::count(hour)),
        )
    }

    fn spent(&self) -> Option<String> {
        let total = u64::try_from(self.waits.iter().map(|wait| wait.total_micros).sum::<i64>())
            .unwrap_or(0);
        let part = |wait: &WaitRow| {
            let share = number::percent(u64::try_from(wait.total_micros).unwrap_or(0), total);
            (share > 0).then(|| format!("{} {share} %", wait.cause))
        };
        let parts: Vec<String> = self.waits.iter().filter_map(part).take(5).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// Commands that work here and now, and what each is for.
    pub(crate) fn next(&self, context: &Context, store: &Location) -> Vec<Suggestion> {
        let example = self
            .failures
            .first()
            .and_then(|group| group.examples.first());
        let slowest = self.slowest.first();
        next::next(&Standing {
            process: self.row.id,
            state: self.row.state,
            waiting: self.row.waiting,
            failed: self.failures.iter().map(|group| group.count).sum(),
            cancelled: self.row.tally.cancelled,
            example: example.map(|(execution, _)| *execution),
            printed: self
                .failures
                .first()
                .is_some_and(|group| group.code == COMMAND_FAILED),
            slowest: slowest.map(|lane| (lane.id.0, lane.entity.as_deref().unwrap_or_default())),
            at: &context.store_argument(store),
        })
    }

    /// For programs: what of it somebody should look at, as events.
    pub(crate) fn alerts(&self) -> Vec<AlertShape> {
        let alerts = self.report.alerts().into_iter();
        alerts
            .map(|alert| {
                AlertShape::of(
                    alert.rail,
                    Some(self.row.id),
                    &self.row.pipeline,
                    alert.message,
                    self.now,
                )
            })
            .collect()
    }

    /// For programs: the last line of what `run --json` prints.
    pub(crate) fn shape(
        &self,
        context: &Context,
        store: &Location,
        how: &'static str,
        exit: Exit,
    ) -> SummaryShape<'_> {
        let slowest = self.slowest.iter().map(|lane| LaneShape {
            execution: lane.id.0,
            entity: lane.entity.as_deref(),
            state: lane.state.name(),
            micros: took(lane, self.now),
        });
        SummaryShape {
            event: "summary",
            how,
            exit: exit.code(),
            process: ProcessShape::of(&self.row, self.worked),
            entities_per_hour: per_hour(&self.row.tally, self.worked),
            report: ReportShape::from(&self.report),
            slowest: slowest.collect(),
            time_micros: self
                .waits
                .iter()
                .map(|wait| (wait.cause.name(), wait.total_micros))
                .collect(),
            failures: self.failures.iter().map(GroupShape::from).collect(),
            fallbacks: self.fallbacks().into_iter().map(DoubtShape::from).collect(),
            warnings: self.warnings,
            warned: self.warned().into_iter().map(DoubtShape::from).collect(),
            unfinished: ProcessShape::all(self.unfinished),
            next: self
                .next(context, store)
                .into_iter()
                .map(|(command, _)| command)
                .collect(),
        }
    }
}

/// Whether how long a lane took says something: it began, and nobody cut it short.
const fn is_told_slow(row: &ExecutionRow) -> bool {
    let is_cut = matches!(
        row.state,
        ExecutionState::Cancelled | ExecutionState::RolledBack
    );
    row.started_at.is_some() && !is_cut
}

/// `2 running, 3 signal, 1 barrier`.
pub(crate) fn at_work(causes: &BTreeMap<CauseKind, u64>) -> String {
    let told: Vec<String> = causes
        .iter()
        .filter(|(_, executions)| **executions > 0)
        .map(|(cause, executions)| format!("{} {cause}", number::count(*executions)))
        .collect();
    told.join(", ")
}

/// `rates/fetch failed in 2 executions, rates/cached ran instead: ada (2), bela (3)`.
fn doubt(row: &DoubtRow) -> String {
    let how = match (row.doubt, row.instead.as_deref()) {
        (Doubt::NotCritical, _) => ", which is not critical".to_owned(),
        (_, Some(other)) => format!(", {other} ran instead"),
        (_, None) => ", its fallback value was taken".to_owned(),
    };
    let names: Vec<String> = row
        .examples
        .iter()
        .map(|(id, name)| format!("{} ({id})", name.as_deref().unwrap_or("(process)")))
        .collect();
    let more = if row.executions > names.len() as u64 {
        ", …"
    } else {
        ""
    };
    format!(
        "{} failed in {}{how}: {}{more}",
        row.step,
        number::of(row.executions, "execution", "executions"),
        names.join(", ")
    )
}

/// Commands to copy, and what each is for.
fn suggestions(next: &[(String, &str)]) -> Vec<String> {
    let width = next
        .iter()
        .map(|(command, _)| command.chars().count())
        .max()
        .unwrap_or(0);
    let line = |(command, what): &(String, &str)| {
        format!(
            "  {}  {}",
            paint::command(&format!("{command:<width$}")),
            paint::dim(what)
        )
    };
    next.iter().map(line).collect()
}

fn grouped(executions: &[ExecutionRow]) -> Vec<Group> {
    let mut groups: BTreeMap<(String, String, String), Group> = BTreeMap::new();
    for row in executions {
        let Some(error) = &row.error else { continue };
        let step = row.failed_step.clone().unwrap_or_default();
        let key = (step.clone(), error.code.clone(), error.message.clone());
        let group = groups.entry(key).or_insert_with(|| Group {
            step,
            code: error.code.clone(),
            message: error.message.clone(),
            count: 0,
            examples: Vec::new(),
        });
        group.count += 1;
        if group.examples.len() < EXAMPLES {
            group.examples.push((row.id.0, entity(row)));
        }
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

impl Group {
    fn drawn(&self) -> String {
        let names: Vec<String> = self
            .examples
            .iter()
            .map(|(id, name)| format!("{name} ({id})"))
            .collect();
        let more = if self.count > names.len() as u64 {
            ", …"
        } else {
            ""
        };
        let count = paint::error(&format!("{:>4}×", number::count(self.count)));
        format!(
            "  {count} {}: {} [{}]\n        {}{more}",
            self.step,
            one_line(&self.message),
            self.code,
            paint::dim(&names.join(", "))
        )
    }
}

#[cfg(test)]
mod tests;
