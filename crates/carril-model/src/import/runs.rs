//! One run after the other: its row, the rows of its funds, and what becomes of them.

use super::cells::{self, OldState};
use super::columns::{FundColumns, RunColumns, fund_columns};
use super::flat::{FlatTable, Source};
use super::fund::OneFund;
use super::people::People;
use super::report::{Counts, Left, Problem, ProblemKind};
use super::{BY, MapError, Options};
use crate::contract::{ImportedExecution, ImportedProcess};
use crate::state::{ExecutionState, ProcessState};
use crate::time::Timestamp;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A source whose columns are known.
pub(super) struct Reading<'a> {
    pub(super) source: &'a Source,
    pub(super) options: &'a Options,
    runs: RunColumns,
    pub(super) funds: FundColumns,
    stages: Vec<String>,
    pub(super) people: Option<People<'a>>,
    problems: Vec<Problem>,
    counts: Counts,
}

/// What is found out about one run. What is fatal leaves it out.
struct Finding {
    problems: Vec<Problem>,
    without_state: u64,
}

impl Finding {
    fn is_fatal(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.kind.left() == Left::LeftOut)
    }
}

/// What a run's own row says.
pub(super) struct Head {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) date: String,
    pub(super) state: OldState,
    pub(super) begin: Timestamp,
    pub(super) end: Option<Timestamp>,
}

impl<'a> Reading<'a> {
    /// Finds the columns.
    pub(super) fn new(source: &'a Source, options: &'a Options) -> Result<Self, MapError> {
        let renamed = &options.columns;
        let runs = &source.runs;
        let columns = RunColumns::of(runs, renamed)?;
        let (funds, stages) = fund_columns(&source.funds, renamed)?;
        let mut problems = Vec::new();
        let people = match &source.people {
            Some(table) => Some(People::new(table, renamed, &mut problems)?),
            None => None,
        };
        let rows = |table: &FlatTable| table.rows.len() as u64;
        let counts = Counts {
            runs_read: rows(runs),
            funds_read: rows(&source.funds),
            people_read: source.people.as_ref().map_or(0, rows),
            ..Counts::default()
        };
        Ok(Self {
            source,
            options,
            runs: columns,
            funds,
            stages,
            people,
            problems,
            counts,
        })
    }

    /// The stages, in order of their columns.
    pub(super) fn stages(&self) -> &[String] {
        &self.stages
    }

    /// Maps all of it.
    pub(super) fn map(mut self) -> (Vec<ImportedProcess>, Counts, Vec<Problem>) {
        let mut of_run = self.funds_by_run();
        let mut seen: HashMap<i64, u64> = HashMap::new();
        for row in 0..self.source.runs.rows.len() {
            if let Some(id) = self.run_id(row) {
                *seen.entry(id).or_default() += 1;
            }
        }
        let mut processes = Vec::new();
        let mut told = HashSet::new();
        for row in 0..self.source.runs.rows.len() {
            let Some(id) = self.run_id(row) else {
                let value = self.source.runs.cell(row, Some(self.runs.id));
                let text = format!(
                    "row {} of {} has no ID_Ejecucion that is a whole number",
                    row + 1,
                    self.source.runs.name
                );
                self.tell(Problem::of_run(ProblemKind::RunWithoutId, value, text));
                continue;
            };
            if seen[&id] > 1 {
                if told.insert(id) {
                    let text = format!(
                        "{} runs have this id, and their {} rows of funds could be any of theirs; an id should be there once",
                        seen[&id],
                        of_run.remove(&id).map_or(0, |rows| rows.len())
                    );
                    let name = id.to_string();
                    self.tell(Problem::of_run(ProblemKind::RunTwice, Some(&name), text));
                }
                continue;
            }
            let rows = of_run.remove(&id).unwrap_or_default();
            processes.extend(self.run(row, id, &rows));
        }
        self.orphans(of_run);
        // Ids are given out in this order, so that lists by id are lists by time.
        processes.sort_by_key(|process| process.launched_at);
        self.counts.runs_mapped = processes.len() as u64;
        self.counts.runs_left_out = self.counts.runs_read - self.counts.runs_mapped;
        let executions = processes
            .iter()
            .map(|process| process.executions.len() as u64);
        self.counts.funds_mapped = executions.sum();
        self.counts.funds_left_out = self.counts.funds_read - self.counts.funds_mapped;
        let attempts = processes
            .iter()
            .flat_map(|process| &process.executions)
            .map(|execution| execution.attempts.len() as u64);
        self.counts.stages_mapped = attempts.sum();
        (processes, self.counts, self.problems)
    }

    fn tell(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn run_id(&self, row: usize) -> Option<i64> {
        self.source
            .runs
            .cell(row, Some(self.runs.id))
            .and_then(cells::whole)
    }

    /// The rows of funds of each run, in order. Those that name none are told.
    fn funds_by_run(&mut self) -> BTreeMap<i64, Vec<usize>> {
        let mut of_run: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for row in 0..self.source.funds.rows.len() {
            let cell = self.source.funds.cell(row, Some(self.funds.run));
            match cell.and_then(cells::whole) {
                Some(id) => of_run.entry(id).or_default().push(row),
                None => {
                    let fund = self.source.funds.cell(row, Some(self.funds.fund));
                    let text = format!(
                        "row {} of {} names no run: its ID_Ejecucion is {}",
                        row + 1,
                        self.source.funds.name,
                        cell.map_or_else(|| "null".to_owned(), |cell| format!("{cell:?}"))
                    );
                    self.tell(Problem::of_fund(ProblemKind::Orphan, cell, fund, text));
                }
            }
        }
        of_run
    }

    fn orphans(&mut self, of_run: BTreeMap<i64, Vec<usize>>) {
        for (id, rows) in of_run {
            let which = match rows.len() {
                1 => "1 row of a fund is".to_owned(),
                many => format!("{many} rows of funds are"),
            };
            let text = format!(
                "{which} of a run that {} does not have",
                self.source.runs.name
            );
            let name = id.to_string();
            self.tell(Problem::of_run(ProblemKind::Orphan, Some(&name), text));
        }
    }

    /// One run, unless something about it is fatal. What was found is told either way.
    fn run(&mut self, row: usize, id: i64, funds: &[usize]) -> Option<ImportedProcess> {
        let mut finding = Finding {
            problems: Vec::new(),
            without_state: 0,
        };
        let process = self.head(row, id, &mut finding.problems).map(|head| {
            let executions = self.executions(&head, funds, &mut finding);
            self.process(row, head, funds.len(), executions, &mut finding)
        });
        let fatal = process.is_none() || finding.is_fatal();
        if fatal && self.options.partial && process.is_some() {
            // What is wrong with rows of funds took these rows out already.
            let of_funds = finding
                .problems
                .iter()
                .filter(|problem| problem.kind.left() == Left::LeftOut)
                .all(|problem| {
                    problem.fund.is_some() || problem.kind == ProblemKind::FundWithoutId
                });
            if of_funds {
                self.counts.stages_without_state += finding.without_state;
                self.problems.append(&mut finding.problems);
                return process;
            }
        }
        if !fatal {
            self.counts.stages_without_state += finding.without_state;
        } else if !funds.is_empty()
            && let Some(first) = finding
                .problems
                .iter_mut()
                .find(|problem| problem.kind.left() == Left::LeftOut)
        {
            let which = match funds.len() {
                1 => "its row of a fund".to_owned(),
                many => format!("its {many} rows of funds"),
            };
            let text = format!("; the run and {which} are left out");
            first.text.push_str(&text);
        }
        self.problems.append(&mut finding.problems);
        process.filter(|_| !fatal)
    }

    /// What a run's row says; nothing when it cannot be told.
    fn head(&self, row: usize, id: i64, problems: &mut Vec<Problem>) -> Option<Head> {
        let table = &self.source.runs;
        let name = id.to_string();
        let mut wrong =
            |kind, text: String| problems.push(Problem::of_run(kind, Some(&name), text));
        let (zone, now) = (self.options.zone.as_str(), self.options.now);
        let date = match table.cell(row, Some(self.runs.date)).map(cells::day) {
            Some(Ok(date)) => Some(date),
            Some(Err(why)) => {
                wrong(ProblemKind::WrongDate, format!("FechaReporte: {why}"));
                None
            }
            None => {
                wrong(ProblemKind::WrongDate, "FechaReporte is null".to_owned());
                None
            }
        };
        let state = self.run_state(row, &mut wrong);
        let read = |column| {
            let cell = table.cell(row, Some(column));
            cell.map(|cell| cells::time(cell, zone, now)).transpose()
        };
        let begin = match read(self.runs.begin) {
            Ok(Some(begin)) => Some(begin),
            Ok(None) => {
                let begin = cells::time_of_id(id, now);
                match begin {
                    Some(_) => wrong(
                        ProblemKind::NoBeginning,
                        "FechaInicio is null; its id, which is a time, stands for it".to_owned(),
                    ),
                    None => wrong(
                        ProblemKind::WrongTime,
                        "FechaInicio is null, and its id is no time that could stand for it"
                            .to_owned(),
                    ),
                }
                begin
            }
            Err(why) => {
                wrong(ProblemKind::WrongTime, format!("FechaInicio: {why}"));
                None
            }
        };
        let end = match read(self.runs.end) {
            Ok(end) => end,
            Err(why) => {
                wrong(ProblemKind::WrongTime, format!("FechaFin: {why}"));
                return None;
            }
        };
        if let (Some(begin), Some(end)) = (begin, end)
            && end < begin
        {
            let text = "FechaFin is before FechaInicio".to_owned();
            wrong(ProblemKind::WrongTime, text);
            return None;
        }
        Some(Head {
            id,
            date: date?,
            state: state?,
            begin: begin?,
            end,
            name,
        })
    }

    fn run_state(
        &self,
        row: usize,
        wrong: &mut impl FnMut(ProblemKind, String),
    ) -> Option<OldState> {
        let Some(text) = self.source.runs.cell(row, Some(self.runs.state)) else {
            wrong(ProblemKind::UnknownState, "Estado is null".to_owned());
            return None;
        };
        let state =
            OldState::read(text, &self.options.states).filter(|state| *state != OldState::Skipped);
        match state {
            None => wrong(
                ProblemKind::UnknownState,
                format!(
                    "Estado is {text:?}, which is no state of a run; `--state '{text}=WORD'` says what it means"
                ),
            ),
            Some(state) if !state.is_over() && !self.options.unfinished => {
                wrong(
                    ProblemKind::Unfinished,
                    format!(
                        "Estado is {text:?}: it has not ended, or never did; a later import brings it once it has, `--unfinished` as failed"
                    ),
                );
                return None;
            }
            Some(_) => {}
        }
        state
    }

    fn executions(
        &self,
        head: &Head,
        rows: &[usize],
        finding: &mut Finding,
    ) -> Vec<ImportedExecution> {
        let table = &self.source.funds;
        let mut times_seen: HashMap<&str, u32> = HashMap::new();
        for row in rows {
            if let Some(fund) = table.cell(*row, Some(self.funds.fund)) {
                *times_seen.entry(fund).or_default() += 1;
            }
        }
        let mut told = BTreeSet::new();
        let mut executions = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(fund) = table.cell(*row, Some(self.funds.fund)) else {
                let text = format!("row {} of {} has no ID_Fund", row + 1, table.name);
                let kind = ProblemKind::FundWithoutId;
                finding
                    .problems
                    .push(Problem::of_run(kind, Some(&head.name), text));
                continue;
            };
            if times_seen[fund] > 1 {
                if told.insert(fund) {
                    let text = format!(
                        "the run has {} rows of this fund; it should have one",
                        times_seen[fund]
                    );
                    let kind = ProblemKind::FundTwice;
                    finding.problems.push(Problem::of_fund(
                        kind,
                        Some(&head.name),
                        Some(fund),
                        text,
                    ));
                }
                continue;
            }
            let mut one = OneFund {
                reading: self,
                head,
                row: *row,
                fund,
                problems: Vec::new(),
                without_state: 0,
            };
            let execution = one.execution();
            finding.problems.append(&mut one.problems);
            if let Some(execution) = execution {
                finding.without_state += one.without_state;
                executions.push(execution);
            }
        }
        executions
    }

    /// The process of a run's row and its executions.
    fn process(
        &self,
        row: usize,
        head: Head,
        rows: usize,
        executions: Vec<ImportedExecution>,
        finding: &mut Finding,
    ) -> ImportedProcess {
        let mut notes: Vec<(ProblemKind, String)> = Vec::new();
        let latest = executions.iter().map(|execution| execution.ended_at).max();
        let ended_at = head.end.unwrap_or_else(|| {
            let end = latest.unwrap_or(head.begin).max(head.begin);
            if head.state.is_over() {
                let text =
                    "FechaFin is null although it has ended; its last known time stands for it";
                notes.push((ProblemKind::NoEnd, text.to_owned()));
            }
            end
        });
        if rows == 0 {
            notes.push((ProblemKind::NoFunds, "it has no rows of funds".to_owned()));
        }
        let mut process = ImportedProcess {
            key: head.name.clone(),
            params: Map::from_iter([
                ("report_date".to_owned(), Value::from(head.date)),
                ("id_ejecucion".to_owned(), Value::from(head.id)),
            ]),
            state: ProcessState::Succeeded,
            reason: String::new(),
            launched_by: BY.to_owned(),
            launched_at: head.begin,
            ended_at,
            executions,
        };
        process.state = state_of(head.state, rows, &process, &mut notes);
        self.totals(row, rows, &process, &mut notes);
        process.reason = format!(
            "imported from {}, ID_Ejecucion {}",
            self.options.source, head.name
        );
        let of_head = finding
            .problems
            .iter()
            .filter(|problem| problem.fund.is_none() && problem.kind.left() == Left::Noted);
        for problem in of_head {
            process.reason.push_str(&format!("; {}", problem.text));
        }
        if let Some(error) = self.source.runs.cell(row, self.runs.error) {
            process.reason.push_str(&format!("; it says: {error}"));
        }
        for (kind, text) in notes {
            process.reason.push_str(&format!("; {text}"));
            finding
                .problems
                .push(Problem::of_run(kind, Some(&head.name), text));
        }
        process
    }

    /// Compares the totals that the run's row has with its rows of funds.
    fn totals(
        &self,
        row: usize,
        rows: usize,
        process: &ImportedProcess,
        notes: &mut Vec<(ProblemKind, String)>,
    ) {
        let count = |state| process.count(state);
        let good = count(ExecutionState::Succeeded);
        let bad = count(ExecutionState::Failed);
        // Whether what was skipped or stopped counts as good or bad is not known; either is no contradiction.
        let goods = [good, good + count(ExecutionState::Skipped)];
        let bads = [bad, bad + count(ExecutionState::Cancelled)];
        let all = rows as u64;
        let compared: [(&str, Option<usize>, &[u64]); 3] = [
            ("TotalFondos", self.runs.total, &[all]),
            ("FondosExitosos", self.runs.good, &goods),
            ("FondosFallidos", self.runs.bad, &bads),
        ];
        for (column, at, right) in compared {
            let Some(said) = self.source.runs.cell(row, at) else {
                continue;
            };
            match said.parse::<u64>() {
                Ok(number) if right.contains(&number) => {}
                Ok(number) => notes.push((
                    ProblemKind::TotalsDiffer,
                    format!("{column} says {number}, its rows say {}", right[0]),
                )),
                Err(_) => notes.push((
                    ProblemKind::WrongNumber,
                    format!("{column} is {said:?}, which counts nothing"),
                )),
            }
        }
    }
}

/// The state of a process: what its run says, as far as its executions can be so.
fn state_of(
    said: OldState,
    rows: usize,
    process: &ImportedProcess,
    notes: &mut Vec<(ProblemKind, String)>,
) -> ProcessState {
    let broken = process.count(ExecutionState::Failed) + process.count(ExecutionState::Cancelled);
    let (said_state, word) = match said {
        OldState::Cancelled => return ProcessState::Cancelled,
        OldState::Error => return ProcessState::Failed,
        OldState::Pending | OldState::Running | OldState::Skipped => {
            let text = "it never ended, and is shown as failed".to_owned();
            notes.push((ProblemKind::EndedForIt, text));
            return ProcessState::Failed;
        }
        OldState::Completed => (ProcessState::Succeeded, "COMPLETADO"),
        OldState::WithErrors => (ProcessState::CompletedWithErrors, "COMPLETADO_CON_ERRORES"),
    };
    if rows == 0 {
        return said_state;
    }
    let by_rows = if broken > 0 {
        ProcessState::CompletedWithErrors
    } else {
        ProcessState::Succeeded
    };
    if by_rows != said_state {
        let text = format!("Estado says {word}, but {broken} of its funds failed or did not end");
        notes.push((ProblemKind::StateDiffers, text));
    }
    by_rows
}
