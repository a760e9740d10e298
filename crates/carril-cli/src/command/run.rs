//! `carril run`: goes on with what is unfinished, launches, follows to the end, and sums up.
//!
//! What a launch does while a process of the same pipeline and parameters is unfinished is the pipeline's own policy. With
//! `skip`, the default, the unfinished one answers for the launch: if nobody ran it, this command does, and launches nothing more.

use crate::arguments::Run;
use crate::command::ps;
use crate::context::Context;
use crate::door::{Door, Place, Reply};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{End, Follower, done};
use crate::found;
use crate::output::number;
use crate::prepared::{self, Prepared};
use crate::summary::Summary;
use crate::view::View;
use carril::model::contract::{ProcessRow, Wish};
use carril::model::definition::Overlap;
use carril::model::id::ProcessId;
use carril::model::state::ProcessState;
use carril::{Carril, Launch, LaunchOutcome, Location};
use std::collections::BTreeMap;

/// How a process came to be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// Launched by this command.
    Launched,
    /// Its idempotency key was seen before.
    Repeated,
    /// It was unfinished, and nobody ran it.
    Resumed,
    /// Executions of it run again.
    Retried,
    /// It is unfinished, and its policy skips this launch.
    Skipped,
}

impl How {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Launched => "launched",
            Self::Repeated => "repeated",
            Self::Resumed => "resumed",
            Self::Retried => "retried",
            Self::Skipped => "skipped",
        }
    }
}

/// What goes on with a launch that was interrupted.
const AGAIN: &str = "the same command goes on where it was";
/// What goes on with executions that run again, or a process that was resumed: once that is begun, nobody can ask for it twice.
pub(crate) const WITH_RUN: &str = "`carril run` with the pipeline and the parameters that it was launched with goes on where it was";

/// Runs a pipeline.
pub(crate) async fn run(context: &Context, arguments: &Run) -> Result<Exit, Failure> {
    let prepared = prepared::prepare(context, &arguments.pipeline).await?;
    work(context, &prepared, arguments).await
}

/// Runs a pipeline that was checked.
pub(crate) async fn work(
    context: &Context,
    prepared: &Prepared,
    arguments: &Run,
) -> Result<Exit, Failure> {
    let place = Place {
        store: prepared.store.clone(),
        folder: prepared.folder.clone(),
        retention: prepared.settings.retention,
        engine: prepared.settings.engine,
        http: prepared.settings.http.clone(),
        stays: false,
    };
    let mut follower = Follower::open(context, place, View::new(&context.output)).await?;
    follower.cancel_after(arguments.timeout);
    let job = Job {
        context,
        prepared,
        arguments,
        key: key(context, arguments),
        folder: carril::kept_folder(prepared.pipeline.plan().definition(), &prepared.folder)?,
    };
    let result = job.run(&mut follower).await;
    let settled: Vec<ProcessId> = match &result {
        Ok((_, End::Settled(row))) => vec![row.id],
        _ => Vec::new(),
    };
    // The engine ends in every case: what is unfinished is handed back, whatever went wrong here.
    let closed = hand_back(context, &prepared.store, &mut follower, &settled).await;
    let (how, end) = result?;
    let unfinished = closed?;
    let row = match end {
        End::Settled(row) => *row,
        End::Interrupted => return Err(follower.stopped(AGAIN).await?),
    };
    let exit = match (how, follower.timed_out()) {
        (How::Skipped, _) => Exit::Ok,
        (_, true) => Exit::TimedOut,
        (_, false) => Exit::of(row.state),
    };
    let history = follower.door().history();
    let summary = Summary::of(history, row, context.now()).await?;
    let summary = summary.beside(&unfinished);
    finish(context, &prepared.store, &summary, how, exit)
}

/// Ends this program's engine, if it is one, and gives the other processes that it had in hand and could not finish, each with
/// the microseconds that it took so far. People are
/// told when nothing else is to be told: after an interrupt they learn that all of it was handed back.
///
/// Nobody waits for those: whoever wants them finished runs them.
pub(crate) async fn hand_back(
    context: &Context,
    store: &Location,
    follower: &mut Follower<'_>,
    settled: &[ProcessId],
) -> Result<Vec<(ProcessRow, i64)>, Failure> {
    if settled.is_empty() {
        follower.close().await?;
        return Ok(Vec::new());
    }
    let others = follower.unfinished_besides(settled).await;
    if let Ok(others) = &others
        && !others.is_empty()
    {
        follower.view.say(&format!(
            "letting running steps of {} finish, up to 30 s; Ctrl-C stops them",
            number::of(others.len() as u64, "other process", "other processes")
        ));
    }
    follower.close().await?;
    let others = follower.unfinished_besides(settled).await?;
    for row in &others {
        context
            .output
            .talk(&handed_back(row, &context.store_argument(store)));
    }
    found::with_worked(follower.door().history(), others, context.now()).await
}

/// Prints a summary.
pub(crate) fn finish(
    context: &Context,
    store: &Location,
    summary: &Summary<'_>,
    how: How,
    exit: Exit,
) -> Result<Exit, Failure> {
    if context.output.json() {
        if !context.output.quiet() {
            for alert in summary.alerts() {
                context.output.line(&alert)?;
            }
        }
        context
            .output
            .line(&summary.shape(context, store, how.name(), exit))?;
    } else {
        context.output.data(&summary.drawn(context, store))?;
    }
    Ok(exit)
}

/// A key that makes this command's launch one launch, also when an engine dies over it. The clock alone would not do: two
/// commands may start in the same microsecond, but not with the same process id.
fn key(context: &Context, arguments: &Run) -> String {
    let made = || {
        format!(
            "{}-{}-{}",
            context.surroundings.host,
            std::process::id(),
            context.now().0
        )
    };
    arguments.idempotency_key.clone().unwrap_or_else(made)
}

struct Job<'a> {
    context: &'a Context,
    prepared: &'a Prepared,
    arguments: &'a Run,
    key: String,
    /// What the process keeps as its folder.
    folder: Option<String>,
}

impl Job<'_> {
    async fn run(&self, follower: &mut Follower<'_>) -> Result<(How, End), Failure> {
        loop {
            let launched = match follower.door() {
                Door::Engine(carril) => {
                    let carril = carril.clone();
                    Some(self.launch_here(follower, &carril).await?)
                }
                Door::Mail(_, holder) => {
                    follower.view.say(&format!(
                        "the store is in use by {holder}; it is asked to launch, and followed"
                    ));
                    self.launch_there(follower).await?
                }
            };
            let Some((how, process)) = launched else {
                follower.open_again().await?;
                continue;
            };
            return self.follow(follower, how, process).await;
        }
    }

    /// As the engine: adopts what is unfinished, then launches.
    async fn launch_here(
        &self,
        follower: &mut Follower<'_>,
        carril: &Carril,
    ) -> Result<(How, ProcessId), Failure> {
        let overlap = self.prepared.pipeline.plan().definition().lanes.overlap;
        let same = carril.unsettled().iter().find(|row| self.is_same(row));
        // Its own policy cancels it in a moment; until then nothing of it should run.
        let doomed = same
            .filter(|_| overlap == Overlap::CancelRunning)
            .map(|row| row.id);
        let is_told = |row: &&ProcessRow| {
            Some(row.id) != doomed && (!carril.is_shared() || self.is_same(row))
        };
        for row in carril.unsettled().iter().filter(is_told) {
            // The one that answers for this launch is told of when that is known.
            if row.state != ProcessState::Paused {
                follower.view.say(&going_on(row));
            } else if same.is_none_or(|same| same.id != row.id) {
                follower.view.say(&resting(row, &self.store_argument()));
            }
        }
        follower.adopt(doomed, |row| self.is_same(row)).await;
        // Adopted, it may settle before the launch is asked for; what this command does must not depend on who is quicker.
        if let (Overlap::Skip, Some(row), None) = (overlap, same, &self.arguments.idempotency_key) {
            return Ok((How::Resumed, row.id));
        }
        let outcome = carril
            .launch(&self.prepared.pipeline, self.launch())
            .await?;
        let left = |process: &ProcessId| carril.unsettled().iter().any(|row| row.id == *process);
        Ok(match outcome {
            LaunchOutcome::Launched(process) => (How::Launched, process),
            // Nobody but this command knows its key, unless it was given: another engine launched it and ended before it said so.
            LaunchOutcome::Repeated(process) if self.arguments.idempotency_key.is_none() => {
                (How::Launched, process)
            }
            LaunchOutcome::Repeated(process) => (How::Repeated, process),
            LaunchOutcome::Skipped(process) if left(&process) => (How::Resumed, process),
            LaunchOutcome::Skipped(process) => (How::Skipped, process),
        })
    }

    /// Beside another engine: asks it. `None` when it ended before it answered.
    async fn launch_there(
        &self,
        follower: &mut Follower<'_>,
    ) -> Result<Option<(How, ProcessId)>, Failure> {
        let newest = found::newest(follower.door().history()).await?;
        let processes = match follower.ask(&self.wish()).await? {
            Reply::NoEngine => return Ok(None),
            Reply::Accepted(processes) => processes,
        };
        let Some(process) = processes.first().copied() else {
            return Err(Failure::internal(
                "the engine that has the store launched no process and said no reason",
            ));
        };
        // The answer names the process only; ids grow, so one that was there before is not this launch's.
        let is_older = newest.is_some_and(|newest| process <= newest.id);
        let how = match (is_older, self.arguments.idempotency_key.is_some()) {
            (false, _) => How::Launched,
            (true, true) => How::Repeated,
            (true, false) => How::Skipped,
        };
        Ok(Some((how, process)))
    }

    async fn follow(
        &self,
        follower: &mut Follower<'_>,
        how: How,
        process: ProcessId,
    ) -> Result<(How, End), Failure> {
        let row = found::known_process(follower.door().history(), process).await?;
        let is_paused = row.state == ProcessState::Paused;
        let how = if is_paused && how == How::Resumed {
            How::Skipped
        } else {
            how
        };
        follower.view.begin(&row, how.name())?;
        // Somebody wants it to rest: it is not waited for, and goes on when somebody says so.
        if is_paused && how != How::Launched {
            follower
                .view
                .say(&paused(&row, how, &self.store_argument()));
            return Ok((how, End::Settled(Box::new(row))));
        }
        match how {
            How::Skipped => {
                follower.view.say(&format!(
                    "process {process} with the same parameters is unfinished, so nothing was launched (lanes.overlap = \"skip\")"
                ));
                return Ok((how, End::Settled(Box::new(row))));
            }
            How::Launched => follower.view.say(&format!(
                "process {process}: {} in {}",
                number::of(row.tally.total, "entity", "entities"),
                number::of(u64::from(row.lanes), "lane", "lanes")
            )),
            How::Repeated => follower.view.say(&format!(
                "this idempotency key was seen before: process {process} answers for it"
            )),
            How::Resumed | How::Retried => {}
        }
        let end = follower.follow(process).await?;
        if how == How::Resumed && matches!(end, End::Settled(_)) {
            follower.view.say(&format!(
                "process {process} is finished now; run again for a new one"
            ));
        }
        Ok((how, end))
    }

    fn store_argument(&self) -> String {
        self.context.store_argument(&self.prepared.store)
    }

    fn is_same(&self, row: &ProcessRow) -> bool {
        row.pipeline == self.prepared.pipeline.plan().definition().name
            && row.params == self.prepared.params
    }

    fn launch(&self) -> Launch {
        let mut launch = Launch::new()
            .by(&self.context.surroundings.user)
            .folder(&self.prepared.folder)
            .idempotency_key(&self.key);
        for pair in &self.arguments.pipeline.inputs.set {
            launch = launch.set(&pair.name, &pair.value);
        }
        for (name, url) in &self.prepared.settings.targets {
            launch = launch.target(name, url, &self.context.surroundings.folder);
        }
        if let Some(lanes) = self.arguments.lanes {
            launch = launch.lanes(lanes);
        }
        if let Some(priority) = self.arguments.priority {
            launch = launch.priority(priority);
        }
        if self.arguments.despite_failures {
            launch = launch.despite_failures();
        }
        launch
            .only(&self.arguments.narrowing.only)
            .except(&self.arguments.narrowing.except)
    }

    fn wish(&self) -> Wish {
        let targets: BTreeMap<String, String> = self.prepared.settings.targets.clone();
        Wish::Launch {
            definition: Box::new(self.prepared.pipeline.plan().written().clone()),
            params: self.prepared.params.clone(),
            launched_by: self.context.surroundings.user.clone(),
            lanes: self.arguments.lanes,
            priority: self.arguments.priority,
            only: self.arguments.narrowing.only.clone(),
            except: self.arguments.narrowing.except.clone(),
            idempotency_key: Some(self.key.clone()),
            targets,
            folder: self.folder.clone(),
            despite_failures: self.arguments.despite_failures,
        }
    }
}

fn going_on(row: &ProcessRow) -> String {
    format!(
        "{} was left unfinished with {}; going on with it",
        named(row),
        done(&row.tally)
    )
}

/// Why a launch is answered by a process that rests.
fn paused(row: &ProcessRow, how: How, store_argument: &str) -> String {
    let process = row.id;
    let why = match how {
        How::Repeated => {
            format!(
                "this idempotency key was seen before: process {process} answers for it, and is"
            )
        }
        _ => format!("nothing was launched, as process {process} with the same parameters is"),
    };
    format!(
        "{why} paused with {}; `carril resume {process}{store_argument}` goes on with it",
        done(&row.tally)
    )
}

/// Another process that rests.
fn resting(row: &ProcessRow, store_argument: &str) -> String {
    format!(
        "{} is paused with {}; `carril resume {}{store_argument}` goes on with it",
        named(row),
        done(&row.tally),
        row.id
    )
}

fn handed_back(row: &ProcessRow, store_argument: &str) -> String {
    if row.state == ProcessState::Paused {
        return resting(row, store_argument);
    }
    format!(
        "{} is unfinished with {} and was handed back; the next `carril run` on this store goes on with it, `carril show {}{store_argument}` tells how it is",
        named(row),
        done(&row.tally),
        row.id
    )
}

/// `process 12 (sizes, mode=full)`.
fn named(row: &ProcessRow) -> String {
    let parameters = ps::parameters(row);
    let with = if parameters.is_empty() {
        String::new()
    } else {
        format!(", {parameters}")
    };
    format!("process {} ({}{with})", row.id, row.pipeline)
}
