//! Which executions somebody means to cancel, retry or roll back, and the question before it is done.

use crate::arguments::Targeted;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::found::{self, Found};
use crate::output::number;
use carril::model::contract::{ExecutionFilter, ExecutionRow, History, ProcessRow, Selection};
use carril::model::id::{ExecutionId, ProcessId};
use carril::model::state::ExecutionState;
use std::io::Write as _;

/// Executions of one process that are looked at; a process has rarely more, and a preview that takes minutes is none.
const SEEN_MAX: u32 = 100_000;
/// Entities that are named in a question.
const NAMED: usize = 5;

/// What somebody means.
pub(crate) struct Meant {
    /// For the engine.
    pub(crate) selection: Selection,
    /// The processes it is about; never empty.
    pub(crate) processes: Vec<ProcessRow>,
    /// Every execution it is about.
    pub(crate) executions: Vec<ExecutionRow>,
}

impl Meant {
    /// Finds what is meant.
    ///
    /// # Errors
    /// Exit 4 when there is no such thing, exit 2 when two things are mixed that cannot be.
    pub(crate) async fn find(history: &dyn History, targeted: &Targeted) -> Result<Self, Failure> {
        if let Some(id) = targeted.process {
            let process = found::known_process(history, ProcessId(id)).await?;
            if targeted.entities.is_empty() {
                return Self::process(history, process, targeted.failed).await;
            }
            return Self::entities(history, process, &targeted.entities).await;
        }
        match targeted.ids.as_slice() {
            [one] => match found::find(history, one).await? {
                Found::Process(process) => Self::process(history, *process, targeted.failed).await,
                Found::Execution(_) if targeted.failed => Err(failed_of_executions()),
                Found::Execution(row) => Self::executions(history, vec![*row]).await,
                Found::Entity(key, rows) => {
                    let newest = rows.first().map_or(0, |row| row.process.0);
                    let message =
                        format!("`{key}` is an entity's key, which many processes may have");
                    Err(Failure::usage(message)
                        .help(format!("say which: --process {newest} --entity {key}")))
                }
            },
            _ if targeted.failed => Err(failed_of_executions()),
            many => {
                let mut executions = Vec::with_capacity(many.len());
                for id in many {
                    let row = match id.parse() {
                        Ok(id) => history.execution(ExecutionId(id)).await?,
                        Err(_) => None,
                    };
                    let Some(row) = row else {
                        return Err(not_all_executions(history, id).await);
                    };
                    executions.push(row);
                }
                Self::executions(history, executions).await
            }
        }
    }

    async fn process(
        history: &dyn History,
        process: ProcessRow,
        failed: bool,
    ) -> Result<Self, Failure> {
        let states = if failed {
            vec![ExecutionState::Failed, ExecutionState::Cancelled]
        } else {
            Vec::new()
        };
        let filter = ExecutionFilter {
            states,
            max: SEEN_MAX,
            ..ExecutionFilter::default()
        };
        let executions = found::executions(history, process.id, &filter).await?;
        let selection = if failed {
            Selection::Unsuccessful(process.id)
        } else {
            Selection::Process(process.id)
        };
        Ok(Self {
            selection,
            processes: vec![process],
            executions,
        })
    }

    async fn entities(
        history: &dyn History,
        process: ProcessRow,
        keys: &[String],
    ) -> Result<Self, Failure> {
        let mut executions = Vec::new();
        for key in keys {
            let filter = ExecutionFilter {
                entity: Some(key.clone()),
                max: 1,
                ..ExecutionFilter::default()
            };
            let row = history
                .executions(process.id, &filter)
                .await?
                .pop()
                .ok_or_else(|| found::no_entity(process.id, key))?;
            executions.push(row);
        }
        Self::executions(history, executions).await
    }

    async fn executions(
        history: &dyn History,
        executions: Vec<ExecutionRow>,
    ) -> Result<Self, Failure> {
        let mut processes: Vec<ProcessRow> = Vec::new();
        for row in &executions {
            if !processes.iter().any(|process| process.id == row.process) {
                processes.push(found::known_process(history, row.process).await?);
            }
        }
        let selection = Selection::Executions(executions.iter().map(|row| row.id).collect());
        Ok(Self {
            selection,
            processes,
            executions,
        })
    }

    /// Those of a kind, without the processes' own executions.
    pub(crate) fn of(&self, is: impl Fn(&ExecutionRow) -> bool) -> Vec<&ExecutionRow> {
        self.executions
            .iter()
            .filter(|row| row.entity.is_some() && is(row))
            .collect()
    }

    /// Whether a process's own execution is among them.
    pub(crate) fn has_own(&self) -> bool {
        self.executions.iter().any(|row| row.entity.is_none())
    }

    /// `process 3 (fund-report)`, or several.
    pub(crate) fn where_it_is(&self) -> String {
        let named: Vec<String> = self
            .processes
            .iter()
            .map(|process| format!("process {} ({})", process.id, process.pipeline))
            .collect();
        named.join(", ")
    }
}

/// Why several ids cannot be meant together, and what the one is that stands in the way.
async fn not_all_executions(history: &dyn History, id: &str) -> Failure {
    let found = found::no_execution(history, id).await;
    let failure = Failure::usage(format!(
        "{}; several ids must all be executions",
        found.message
    ));
    let help = "give one process, or executions only";
    failure.help(
        found
            .help
            .map_or_else(|| help.to_owned(), |found| format!("{help}; {found}")),
    )
}

fn failed_of_executions() -> Failure {
    Failure::usage(
        "--failed chooses among the executions of a process, and here executions are named",
    )
    .help("name the process: `carril retry PROCESS --failed`")
}

/// `3 executions (MERLC, HALCB, NGTFC)`.
pub(crate) fn named(rows: &[&ExecutionRow]) -> String {
    let names: Vec<&str> = rows
        .iter()
        .take(NAMED)
        .filter_map(|row| row.entity.as_deref())
        .collect();
    let more = if rows.len() > names.len() {
        ", …"
    } else {
        ""
    };
    format!(
        "{} ({}{more})",
        number::of(rows.len() as u64, "execution", "executions"),
        names.join(", ")
    )
}

/// Asks whether to go on, unless that was said already.
///
/// # Errors
/// Exit 2 when nobody can be asked, exit 8 when the answer is no.
pub(crate) fn confirm(context: &Context, yes: bool, what: &str) -> Result<(), Failure> {
    if yes {
        context.output.talk(what);
        return Ok(());
    }
    if !context.output.interactive() {
        let message = format!("nobody is there to be asked, so nothing was done: {what}");
        return Err(
            Failure::new(Exit::Usage, "CAR0808", message).help("`--yes` goes on without asking")
        );
    }
    context.output.say(&format!("{what}\ngo on? [y/N]"));
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    let agreed = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    if read.is_ok() && agreed {
        Ok(())
    } else {
        Err(Failure::new(
            Exit::Cancelled,
            "CAR0809",
            "nothing was changed",
        ))
    }
}
