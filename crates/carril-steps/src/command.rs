//! Runs a command step: a program with its arguments, no shell in between.
//!
//! One attempt is one future. It starts the program as the leader of a process group of its own, writes one JSON document
//! to its standard input, keeps a bounded log, and sees to it that the whole group is gone before it answers, or when it
//! is dropped. How many run at once, and when one has had enough time, is the engine's business.
//!
//! ```text
//!  StepCall ── template, surroundings, program ──> Group ──┬── stdin   <── one JSON document
//!                                                          ├── output  ──> Log, Output   (transfer)
//!                                                          └── exit    ──> outcome
//! ```

mod group;
mod outcome;
mod output;
mod program;
mod surroundings;
mod transfer;

use self::group::Group;
use self::outcome::{Ending, could_not_start, start_failure};
use self::transfer::Transfer;
use crate::template;
use carril_model::contract::{Cancellation, Pending, StepCall, StepDone, StepError, StepRunner};
use carril_model::definition::Action;
use carril_model::plan::Plan;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How commands are run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOptions {
    /// The folder that commands start in where their process keeps none ([`Plan::folder`](carril_model::plan::Plan::folder));
    /// relative programs (`./tools/load`) are looked up from there. Must be absolute if the program that embeds Carril changes
    /// its own folder.
    pub directory: PathBuf,
    /// What commands get as `PATH`, and where programs without a slash are looked for; empty finds only programs with a
    /// slash. A step's own `env` may set another `PATH`, which then counts for both.
    pub path: OsString,
    /// How long a command that was asked to stop (SIGTERM) may take before its group is killed. Default two seconds;
    /// the engine gives up on a step five seconds after asking, so more than four is too much.
    pub grace: Duration,
}

impl CommandOptions {
    /// Options with the default grace.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, path: impl Into<OsString>) -> Self {
        Self {
            directory: directory.into(),
            path: path.into(),
            grace: Duration::from_secs(2),
        }
    }
}

/// Runs command steps; any number at once.
///
/// What the program gets:
///
/// * its arguments and the listed variables with `{name}` replaced by that value (`{{` and `}}` are braces), as data: no
///   shell ever sees them;
/// * of the environment only `PATH`, `CARRIL_EXECUTION_ID`, `CARRIL_PROCESS_ID`, `CARRIL_RUN`, `CARRIL_ATTEMPT`,
///   `CARRIL_IDEMPOTENCY_KEY`, `CARRIL_ENTITY_KEY` (not in per-process stages) and the listed ones;
/// * on standard input one line of JSON: `process`, `execution`, `run`, `attempt`, `step`, `entity_key`, `entity` (the
///   attributes), `params`, `idempotency_key`. It need not read it.
///
/// Exit code 0 is success, 75 is a failure that may go away by itself, anything else one that will not. Whatever is left
/// in its process group when it ends is killed, so a program that starts others has to wait for them. A process that
/// puts itself into another session is out of reach; it is not waited for either.
#[derive(Debug, Clone)]
pub struct CommandRunner {
    options: CommandOptions,
}

/// A step's action, once it is known to be a command.
#[derive(Clone, Copy)]
struct Written<'a> {
    argv: &'a [String],
    env: &'a BTreeMap<String, String>,
    json: bool,
}

impl CommandRunner {
    /// A runner with these options.
    #[must_use]
    pub const fn new(options: CommandOptions) -> Self {
        Self { options }
    }

    async fn attempt(
        &self,
        call: &StepCall,
        cancel: &dyn Cancellation,
    ) -> Result<StepDone, Box<StepError>> {
        let Action::Command { argv, env, json } = &call.plan.step(call.step).action else {
            unreachable!("the engine hands this runner commands only");
        };
        let written = Written {
            argv,
            env,
            json: *json,
        };
        let name = argv.first().map_or("", String::as_str).to_owned();
        let input = surroundings::document(call);
        let mut command = self.prepare(call, written)?;
        if cancel.is_cancelled() {
            return Err(outcome::stopped_before_start(&name));
        }
        let (mut group, mut transfer) = start(&mut command, written.json, input)
            .map_err(|error| start_failure(&name, &error))?;
        // The command holds our copies of the pipes' writing ends; while they are open no pipe ever ends.
        drop(command);
        let asked = transfer.run(&mut group, cancel, self.options.grace).await;
        let status = group.reap().await;
        let (log, output) = transfer.finish();
        outcome::decide(Ending {
            name: &name,
            status,
            asked,
            log,
            output,
        })
    }

    fn prepare(
        &self,
        call: &StepCall,
        written: Written<'_>,
    ) -> Result<tokio::process::Command, Box<StepError>> {
        let values = call.context.as_ref();
        let mut filled = Vec::with_capacity(written.argv.len());
        for argument in written.argv {
            filled.push(template::fill_argument(argument, values)?);
        }
        let Some((program, arguments)) = filled.split_first() else {
            return Err(could_not_start(
                "the step's `command` is empty; its first item is the program",
            ));
        };
        let directory = self.directory(&call.plan)?;
        let variables = surroundings::environment(call, written.env, &self.options.path)?;
        let found = program::find(program, directory, surroundings::path_of(&variables))
            .map_err(could_not_start)?;
        let mut command = tokio::process::Command::new(found);
        command.arg0(program).args(arguments).current_dir(directory);
        command.env_clear().envs(variables);
        command.process_group(0).kill_on_drop(true);
        Ok(command)
    }

    /// The process's own folder, whoever runs it now; else that of this runner. Nowhere else would its programs be the same.
    fn directory<'a>(&'a self, plan: &'a Plan) -> Result<&'a Path, Box<StepError>> {
        let kept = plan.folder().map(Path::new);
        let directory = kept.unwrap_or(&self.options.directory);
        if directory.is_dir() {
            return Ok(directory);
        }
        let shown = directory.display();
        Err(could_not_start(if kept.is_some() {
            format!(
                "the folder that its process was launched in, `{shown}`, is not there; put it back and retry, or launch the pipeline anew from where it is now"
            )
        } else {
            format!("the folder to start in, `{shown}`, is not there")
        }))
    }
}

fn start(
    command: &mut tokio::process::Command,
    json: bool,
    input: Vec<u8>,
) -> std::io::Result<(Group, Transfer)> {
    let shared = transfer::connect(command, json)?;
    let mut group = Group::spawn(command)?;
    let transfer = Transfer::new(group.child(), shared, json, input)?;
    Ok((group, transfer))
}

impl StepRunner for CommandRunner {
    /// Runs the step's command once.
    ///
    /// # Panics
    /// Where the step is no command, which is a bug of the caller.
    ///
    /// # Cancel safety
    /// Dropping the future kills the command's whole process group at once, without the grace that `cancel` gives. What
    /// the command has done until then stays done.
    fn run<'a>(
        &'a self,
        call: &'a StepCall,
        cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>> {
        Box::pin(async move { self.attempt(call, cancel).await.map_err(|error| *error) })
    }

    /// Without the folder of its process no program of it would be the same.
    fn refuses(&self, plan: &Plan) -> Option<StepError> {
        self.directory(plan).err().map(|error| *error)
    }
}
