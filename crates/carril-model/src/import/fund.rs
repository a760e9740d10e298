//! One row of a fund in one run: its states of stages, its times, and what becomes of them.

use super::cells::{self, OldState};
use super::columns::StageColumns;
use super::report::{Left, Problem, ProblemKind};
use super::runs::{Head, Reading};
use crate::contract::{ErrorClass, ImportedAttempt, ImportedExecution, StepError};
use crate::id::StepId;
use crate::state::{ExecutionState, StepState};
use crate::time::Timestamp;
use serde_json::{Map, Value};

/// What is known of a failure of the old system beyond that it was one.
const NO_WORDS: &str = "the old system says ERROR, and no more";

/// One row of a fund.
pub(super) struct OneFund<'r, 'a> {
    pub(super) reading: &'r Reading<'a>,
    pub(super) head: &'r Head,
    pub(super) row: usize,
    pub(super) fund: &'r str,
    pub(super) problems: Vec<Problem>,
    pub(super) without_state: u64,
}

impl OneFund<'_, '_> {
    fn wrong(&mut self, kind: ProblemKind, text: impl Into<String>) {
        let problem = Problem::of_fund(kind, Some(&self.head.name), Some(self.fund), text);
        self.problems.push(problem);
    }

    fn cell(&self, column: Option<usize>) -> Option<&str> {
        self.reading.source.funds.cell(self.row, column)
    }

    /// A time, if the column is there and has one.
    fn time(&mut self, name: &str, column: Option<usize>) -> Option<Timestamp> {
        let options = self.reading.options;
        let read = self
            .cell(column)
            .map(|cell| cells::time(cell, &options.zone, options.now))?;
        match read {
            Ok(at) => Some(at),
            Err(why) => {
                self.wrong(ProblemKind::WrongTime, format!("{name}: {why}"));
                None
            }
        }
    }

    /// The execution, unless its row is left out.
    pub(super) fn execution(&mut self) -> Option<ImportedExecution> {
        let columns = &self.reading.funds;
        let begin = self
            .time("FechaInicio", columns.begin)
            .unwrap_or(self.head.begin);
        if begin < self.head.begin {
            self.wrong(
                ProblemKind::WrongTime,
                "FechaInicio is before that of its run",
            );
        }
        let end = self
            .time("FechaFin", columns.end)
            .or(self.head.end.map(|end| end.max(begin)))
            .unwrap_or(begin);
        if end < begin {
            self.wrong(ProblemKind::WrongTime, "FechaFin is before FechaInicio");
        }
        let mut states = Vec::with_capacity(columns.stages.len());
        let mut attempts = Vec::with_capacity(columns.stages.len());
        for (at, stage) in columns.stages.iter().enumerate() {
            let Some(text) = self.cell(Some(stage.state)).map(str::to_owned) else {
                self.without_state += 1;
                continue;
            };
            let state = OldState::read(&text, &self.reading.options.states)
                .filter(|state| *state != OldState::WithErrors);
            let Some(state) = state else {
                let column = &stage.column;
                self.wrong(
                    ProblemKind::UnknownState,
                    format!("{column} is {text:?}, which is no state of a stage; `--state '{text}=WORD'` says what it means"),
                );
                continue;
            };
            states.push(state);
            let step = StepId(u16::try_from(at).unwrap_or(u16::MAX));
            attempts.push(self.attempt(step, stage, state, begin));
        }
        if self
            .problems
            .iter()
            .any(|problem| problem.kind.left() == Left::LeftOut)
        {
            return None;
        }
        let state = execution_state(&states);
        self.unfinished(&states, state);
        let failed = attempts
            .iter()
            .find(|attempt: &&ImportedAttempt| attempt.state == StepState::Failed);
        Some(ImportedExecution {
            entity_key: self.fund.to_owned(),
            attributes: self.attributes(),
            state,
            started_at: begin,
            ended_at: end,
            failed_step: failed.map(|attempt| attempt.step),
            attempts,
        })
    }

    /// Tells of stages that had not ended where nothing explains it: no failure, no cancel, no run that broke off.
    fn unfinished(&mut self, states: &[OldState], state: ExecutionState) {
        let explained = matches!(
            self.head.state,
            OldState::Error | OldState::Cancelled | OldState::Pending | OldState::Running
        ) || states.contains(&OldState::Error)
            || states.contains(&OldState::Cancelled);
        if state == ExecutionState::Cancelled && !explained {
            let many = states.iter().filter(|state| !state.is_over()).count();
            let text = format!(
                "{many} of its stages had not ended when the run had; it is shown as cancelled"
            );
            self.wrong(ProblemKind::StageUnfinished, text);
        }
    }

    fn attempt(
        &mut self,
        step: StepId,
        stage: &StageColumns,
        state: OldState,
        begin: Timestamp,
    ) -> ImportedAttempt {
        let began = self.time(&format!("FechaInicio of {}", stage.column), stage.begin);
        let began = began.unwrap_or(begin);
        let ended = self.time(&format!("FechaFin of {}", stage.column), stage.end);
        let ended = ended.unwrap_or(began);
        if ended < began {
            let text = format!("the FechaFin of {} is before its FechaInicio", stage.column);
            self.wrong(ProblemKind::WrongTime, text);
        }
        let never = |word: &str| Some(format!("the old system says {word}"));
        let (step_state, reason) = match state {
            OldState::Completed | OldState::WithErrors => (StepState::Succeeded, None),
            OldState::Error => (StepState::Failed, None),
            OldState::Skipped => (StepState::Skipped, never("OMITIDO")),
            OldState::Pending => (StepState::Cancelled, never("PENDIENTE")),
            OldState::Cancelled => (StepState::Cancelled, never("CANCELADO")),
            OldState::Running => (StepState::Interrupted, never("EN_PROGRESO")),
        };
        let error = (step_state == StepState::Failed).then(|| {
            let words = self
                .cell(stage.error)
                .or_else(|| self.cell(self.reading.funds.error));
            StepError::new("CAR0859", ErrorClass::Permanent, words.unwrap_or(NO_WORDS))
        });
        ImportedAttempt {
            step,
            state: step_state,
            began,
            ended: ended.max(began),
            reason,
            error,
        }
    }

    fn attributes(&mut self) -> Map<String, Value> {
        let table = &self.reading.source.funds;
        let mut attributes = Map::new();
        for at in &self.reading.funds.attributes {
            if let Some(value) = table.cell(self.row, Some(*at)) {
                attributes.insert(table.columns[*at].clone(), Value::from(value));
            }
        }
        if let Some(people) = &self.reading.people {
            people.complete(self.fund, &mut attributes);
            if !people.knows(self.fund) {
                let text = format!("{} does not have this fund", people.name());
                self.wrong(ProblemKind::NotInFunds, text);
            }
        }
        attributes
    }
}

/// The state of an execution by those of its stages.
fn execution_state(states: &[OldState]) -> ExecutionState {
    if states.contains(&OldState::Error) {
        ExecutionState::Failed
    } else if states
        .iter()
        .any(|state| !state.is_over() || *state == OldState::Cancelled)
    {
        ExecutionState::Cancelled
    } else if states.iter().all(|state| *state == OldState::Skipped) {
        ExecutionState::Skipped
    } else {
        ExecutionState::Succeeded
    }
}
