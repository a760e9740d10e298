//! What an import tells: the same words for a dry run and for a real one, for people and as JSON.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{number, paint};
use carril::model::contract::ImportDone;
use carril::model::import::{Counts, Left, Mapped, Problem, ProblemKind};
use carril::model::state::ProcessState;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

/// Problems of one kind that people are shown; `--json` has all.
const SHOWN: usize = 5;

/// All that is told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) source: String,
    pub(super) runs: String,
    pub(super) funds: String,
    pub(super) all_funds: Option<String>,
    pub(super) zone: String,
    pub(super) pipeline: String,
    pub(super) dry_run: bool,
    pub(super) counts: Counts,
    pub(super) problems: Vec<Problem>,
    pub(super) written: Written,
}

/// What was written, or would be.
#[derive(Debug, Default, Serialize)]
pub(super) struct Written {
    processes: u64,
    executions: u64,
    attempts: u64,
    /// Runs that an earlier import had brought.
    known: u64,
    /// New processes by state; of a dry run, what they would be.
    states: BTreeMap<&'static str, u64>,
    first: Option<i64>,
    last: Option<i64>,
    backup: Option<String>,
}

#[derive(Debug, Serialize)]
struct Shape<'a> {
    source: &'a str,
    runs: &'a str,
    funds: &'a str,
    all_funds: Option<&'a str>,
    zone: &'a str,
    pipeline: &'a str,
    dry_run: bool,
    read: &'a Counts,
    written: &'a Written,
    left_out: Vec<&'a Problem>,
    noted: Vec<&'a Problem>,
}

impl Told {
    /// What a dry run would write.
    pub(super) fn preview(&mut self, mapped: &Mapped, known: &HashSet<String>) {
        let written = &mut self.written;
        for process in &mapped.import.processes {
            if known.contains(&process.key) {
                written.known += 1;
                continue;
            }
            written.processes += 1;
            written.executions += process.executions.len() as u64;
            let attempts = process
                .executions
                .iter()
                .map(|one| one.attempts.len() as u64);
            written.attempts += attempts.sum::<u64>();
            *written.states.entry(process.state.name()).or_default() += 1;
        }
    }

    /// What was written.
    pub(super) fn written(&mut self, backup: Option<PathBuf>, done: &ImportDone) {
        let ids = || done.added.iter().map(|(_, process)| process.0);
        self.written = Written {
            processes: done.added.len() as u64,
            executions: done.executions,
            attempts: done.attempts,
            known: done.known,
            states: BTreeMap::new(),
            first: ids().min(),
            last: ids().max(),
            backup: backup.map(|file| file.display().to_string()),
        };
    }

    fn of(&self, left: Left) -> impl Iterator<Item = &Problem> {
        self.problems
            .iter()
            .filter(move |problem| problem.kind.left() == left)
    }

    /// Tells it, and how the command ends: as one with failures when rows were left out.
    pub(super) fn tell(&self, context: &Context) -> Result<Exit, Failure> {
        if context.output.json() {
            context.output.value(&Shape {
                source: &self.source,
                runs: &self.runs,
                funds: &self.funds,
                all_funds: self.all_funds.as_deref(),
                zone: &self.zone,
                pipeline: &self.pipeline,
                dry_run: self.dry_run,
                read: &self.counts,
                written: &self.written,
                left_out: self.of(Left::LeftOut).collect(),
                noted: self.of(Left::Noted).collect(),
            })?;
        } else {
            context.output.data(&self.drawn())?;
            if self.written.processes > 0 && !self.dry_run {
                context.output.talk(&format!(
                    "`carril ps --pipeline {}` lists them, `carril show ID` shows one, also by its old id",
                    self.pipeline
                ));
            }
        }
        Ok(match self.of(Left::LeftOut).next() {
            Some(_) => Exit::Failures,
            None => Exit::Ok,
        })
    }

    fn drawn(&self) -> String {
        let Self {
            counts, written, ..
        } = self;
        let mut lines = vec![format!(
            "read      {} of {}, {} of {}",
            number::of(counts.runs_read, "run", "runs"),
            self.runs,
            number::of(counts.funds_read, "row", "rows"),
            self.funds
        )];
        if let Some(table) = &self.all_funds {
            let rows = number::of(counts.people_read, "fund", "funds");
            lines.push(format!("          {rows} of {table}, for their attributes"));
        }
        let done = if self.dry_run {
            "would be imported"
        } else {
            "imported"
        };
        lines.push(format!(
            "{done}{}{}, {}, {}{}",
            if self.dry_run { ": " } else { "  " },
            number::of(written.processes, "process", "processes"),
            number::of(written.executions, "execution", "executions"),
            number::of(written.attempts, "state of a stage", "states of stages"),
            self.ids()
        ));
        let states: Vec<String> = ProcessState::ALL
            .iter()
            .filter_map(|state| {
                let many = written.states.get(state.name())?;
                Some(format!("{} {state}", number::count(*many)))
            })
            .collect();
        if !states.is_empty() {
            lines.push(format!("          {}", states.join(", ")));
        }
        if written.known > 0 {
            let known = number::of(written.known, "run was", "runs were");
            lines.push(format!(
                "known     {known} imported before, and left as they are"
            ));
        }
        if let Some(file) = &written.backup {
            lines.push(format!("backup    {file}"));
        }
        if counts.stages_without_state > 0 {
            let many = number::of(counts.stages_without_state, "stage has", "stages have");
            lines.push(format!(
                "no state  {many} none, and no attempt is made up for it"
            ));
        }
        lines.push(format!(
            "left out  {}, {}",
            number::of(counts.runs_left_out, "run", "runs"),
            number::of(counts.funds_left_out, "row of a fund", "rows of funds")
        ));
        for kind in ProblemKind::ALL {
            self.kind(*kind, &mut lines);
        }
        lines.join("\n")
    }

    /// ` (processes 5 to 19)`.
    fn ids(&self) -> String {
        match (self.written.first, self.written.last) {
            (Some(first), Some(last)) if first == last => format!(" (process {first})"),
            (Some(first), Some(last)) => format!(" (processes {first} to {last})"),
            _ => String::new(),
        }
    }

    fn kind(&self, kind: ProblemKind, lines: &mut Vec<String>) {
        let of_kind: Vec<&Problem> = self
            .problems
            .iter()
            .filter(|problem| problem.kind == kind)
            .collect();
        if of_kind.is_empty() {
            return;
        }
        let many = number::count(of_kind.len() as u64);
        let head = match kind.left() {
            Left::LeftOut => paint::warning(&format!("left out: {} ({many})", kind.name())),
            Left::Noted => format!("noted: {} ({many})", kind.name()),
        };
        lines.push(head);
        for problem in of_kind.iter().take(SHOWN) {
            let mut whose = Vec::new();
            whose.extend(problem.run.as_ref().map(|run| format!("run {run}")));
            whose.extend(problem.fund.as_ref().map(|fund| format!("fund {fund}")));
            let whose = if whose.is_empty() {
                String::new()
            } else {
                format!("{}: ", whose.join(", "))
            };
            lines.push(format!("  {whose}{}", problem.text));
        }
        if of_kind.len() > SHOWN {
            let more = of_kind.len() - SHOWN;
            lines.push(format!("  … and {more} more; `--json` tells all"));
        }
    }
}
