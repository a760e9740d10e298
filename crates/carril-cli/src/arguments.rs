//! Every flag of the `carril` command, in one place, as clap reads them.
//!
//! Only what was said is here; what it means is decided by the commands. Nothing is read from the environment or a file.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

mod value;

pub(crate) use value::{Age, Pair};

const EXIT_CODES: &str = "\
Exit codes: 0 done (also a launch skipped by its own policy), 1 a fault of carril itself, 2 wrong usage, 3 the pipeline is \
not valid, 4 nothing selected, 5 ended with failures, 6 refused or busy, 7 timed out, 8 cancelled or interrupted, 9 the \
store is not of this version, 10 a target or the store cannot be reached.";

/// Runs one pipeline for thousands of entities, each in a lane of its own, on the databases you already have.
#[derive(Debug, Parser)]
#[command(name = "carril", version, after_help = EXIT_CODES, disable_help_subcommand = true, infer_subcommands = false)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Where Carril keeps its own state: `sqlite:PATH` or a path [default: the one in carril.toml, else carril.db].
    #[arg(
        long,
        global = true,
        value_name = "URL",
        help_heading = "Global options"
    )]
    pub(crate) store: Option<String>,

    /// Print JSON on stdout: one object, or for `run`, `demo` and other work one event a line and the summary last.
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,

    /// Say nothing but results and errors.
    #[arg(
        long,
        short,
        global = true,
        conflicts_with = "verbose",
        help_heading = "Global options"
    )]
    pub(crate) quiet: bool,

    /// Write the engine's log to stderr; `CARRIL_LOG` narrows it, for instance `CARRIL_LOG=carril_engine=debug`.
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub(crate) verbose: bool,

    /// When to colour.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        help_heading = "Global options"
    )]
    pub(crate) color: Color,
}

/// When to colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal that can.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a small pipeline that runs, to learn from and to change.
    Init(Init),
    /// Read a pipeline and tell every mistake with its place; nothing is run.
    Check(Pipeline),
    /// Tell what a run would do, without doing it.
    Plan(Pipeline),
    /// Finish what is unfinished, then run a pipeline, and follow it to its end.
    Run(Run),
    /// List processes, newest first.
    Ps(Ps),
    /// Show a process, an execution, or an entity's executions.
    Show(Show),
    /// Print what the steps of an execution or of a process printed.
    Logs(Logs),
    /// Tell in one sentence why something waits, failed or was skipped, and the chain behind it.
    Why(Why),
    /// Stop processes or executions.
    Cancel(Cancel),
    /// Begin nothing more of a process: what runs is finished, the rest waits.
    Pause(Paused),
    /// Go on with a paused process, and follow it to its end.
    Resume(Paused),
    /// Run failed or cancelled executions again, with the pipeline as it was launched.
    Retry(Retry),
    /// Remove all that executions published and their workspaces.
    Rollback(Rollback),
    /// Forget processes that ended long ago, and remove workspaces kept of them.
    Prune(Prune),
    /// Say how fast a pipeline is, and see whether it has become slower.
    Baseline(Baselines),
    /// Look at where time went: entity by stage, overlaps, bottlenecks, waits.
    Trace(Trace),
    /// Ask the store with SQL, read-only: processes, executions, steps, waits, trace.
    Sql(Sql),
    /// Tell what an error code means and what would be right.
    Explain(Explain),
    /// Write a shell's completions to stdout.
    Completions(Completions),
    /// Make generated funds and run the fund pipeline over them, in 50 lanes.
    Demo(Demo),
}

/// `carril init`.
#[derive(Debug, Args)]
pub(crate) struct Init {
    /// The folder; made if it is not there.
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

/// What names a pipeline and where its data is.
#[derive(Debug, Clone, Args)]
pub(crate) struct Pipeline {
    /// The folder with the pipeline.toml.
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,

    #[command(flatten)]
    pub(crate) inputs: Inputs,
}

/// What `check`, `plan`, `run` and `demo` share.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Inputs {
    /// Where a target is, for instance warehouse=sqlite:data/warehouse.db; wins over carril.toml. May be repeated.
    #[arg(long = "target", value_name = "NAME=URL")]
    pub(crate) targets: Vec<Pair>,

    /// A parameter's value, for instance report_date=2025-06-30. May be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub(crate) set: Vec<Pair>,
}

/// Which entities.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Narrowing {
    /// Only this entity, by its key. May be repeated.
    #[arg(long, value_name = "ENTITY")]
    pub(crate) only: Vec<String>,

    /// Not this entity. May be repeated.
    #[arg(long, value_name = "ENTITY")]
    pub(crate) except: Vec<String>,
}

/// `carril run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) pipeline: Pipeline,
    #[command(flatten)]
    pub(crate) narrowing: Narrowing,
    /// Executions that run at once, instead of the pipeline's `lanes.max`.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) lanes: Option<u32>,
    /// Launch once per key: a second launch with the same key follows the first one's process.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// Launch although too much of this version has failed in its first two hours.
    #[arg(long)]
    pub(crate) despite_failures: bool,
    /// Cancel the process when it has not ended after this long: 90s, 5m, 2h.
    #[arg(long, value_name = "DURATION", value_parser = value::duration)]
    pub(crate) timeout: Option<Duration>,
}

/// `carril ps`.
#[derive(Debug, Args)]
pub(crate) struct Ps {
    /// Of this pipeline only.
    #[arg(long, value_name = "NAME")]
    pub(crate) pipeline: Option<String>,
    /// In this state only: running, paused, succeeded, completed_with_errors, failed, cancelled, rolled_back. May be repeated.
    #[arg(long = "state", value_name = "STATE", value_parser = value::process_state)]
    pub(crate) states: Vec<carril::model::state::ProcessState>,
    /// At most this many.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) limit: u32,
}

/// `carril show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A process's or execution's id, or an entity's key.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Executions in this state only, of a process: failed, running, waiting, pending. May be repeated.
    #[arg(long = "state", value_name = "STATE", value_parser = value::execution_state)]
    pub(crate) states: Vec<carril::model::state::ExecutionState>,
    /// At most this many executions.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}

/// `carril logs`.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// A process's or execution's id, or an entity's key.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// `carril why`.
#[derive(Debug, Args)]
pub(crate) struct Why {
    /// A process's or execution's id, or an entity's key.
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// Which executions somebody means to change.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Targeted {
    /// Id of one process, or ids of executions.
    #[arg(
        value_name = "ID",
        required_unless_present = "process",
        conflicts_with = "process"
    )]
    pub(crate) ids: Vec<String>,
    /// The process, with --entity or --failed.
    #[arg(long, value_name = "ID")]
    pub(crate) process: Option<i64>,
    /// Only this entity of the process, by its key. May be repeated.
    #[arg(long = "entity", value_name = "KEY", requires = "process")]
    pub(crate) entities: Vec<String>,
    /// Only the executions of the process that failed or were cancelled.
    #[arg(long, conflicts_with = "entities")]
    pub(crate) failed: bool,
    /// Go on without asking.
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// `carril cancel`.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    #[command(flatten)]
    pub(crate) targeted: Targeted,
}

/// `carril pause` and `carril resume`.
#[derive(Debug, Args)]
pub(crate) struct Paused {
    /// The process.
    #[arg(value_name = "PROCESS")]
    pub(crate) process: i64,
}

/// `carril retry`.
#[derive(Debug, Args)]
pub(crate) struct Retry {
    #[command(flatten)]
    pub(crate) targeted: Targeted,
    /// Run again from this step on, earlier outcomes are kept [default: from what failed].
    #[arg(long, value_name = "STAGE/STEP")]
    pub(crate) from: Option<String>,
}

/// `carril rollback`.
#[derive(Debug, Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    pub(crate) targeted: Targeted,
}

/// `carril prune`.
#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// Forget processes that ended longer ago than this: 180d, 12h, forever [default: carril.toml's, else 180d].
    #[arg(long, value_name = "AGE", value_parser = value::age)]
    pub(crate) history: Option<Age>,
    /// Remove workspaces of processes that ended longer ago than this: 30d, 12h, forever [default: carril.toml's, else 30d].
    #[arg(long, value_name = "AGE", value_parser = value::age)]
    pub(crate) workspaces: Option<Age>,
    /// Go on without asking.
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// `carril baseline`.
#[derive(Debug, Args)]
pub(crate) struct Baselines {
    #[command(subcommand)]
    pub(crate) what: BaselineDo,
}

/// What to do with a baseline.
#[derive(Debug, Subcommand)]
pub(crate) enum BaselineDo {
    /// Compare later runs of a process's pipeline with this process.
    Set(BaselineSet),
    /// Show baselines, and how the newest runs stand beside them.
    Show(BaselineShow),
    /// Compare a pipeline's runs with nothing.
    Clear(BaselineClear),
}

/// `carril baseline set`.
#[derive(Debug, Args)]
pub(crate) struct BaselineSet {
    /// A process that has ended.
    #[arg(value_name = "PROCESS")]
    pub(crate) process: i64,
}

/// `carril baseline show`.
#[derive(Debug, Args)]
pub(crate) struct BaselineShow {
    /// Of this pipeline only.
    #[arg(value_name = "PIPELINE")]
    pub(crate) pipeline: Option<String>,
}

/// `carril baseline clear`.
#[derive(Debug, Args)]
pub(crate) struct BaselineClear {
    /// The pipeline's name.
    #[arg(value_name = "PIPELINE")]
    pub(crate) pipeline: String,
}

/// `carril trace`.
#[derive(Debug, Args)]
pub(crate) struct Trace {
    #[command(subcommand)]
    pub(crate) view: TraceView,
}

/// The four questions.
#[derive(Debug, Subcommand)]
pub(crate) enum TraceView {
    /// Each entity by stage, on one time axis.
    Timeline(TraceOf),
    /// Which executions used the same resource at the same time, and how long.
    Overlaps(TraceOf),
    /// Which resources cost the most waiting.
    Bottlenecks(TraceOf),
    /// Where the time of all executions went, by cause.
    Waits(TraceOf),
}

/// Of which process.
#[derive(Debug, Args)]
pub(crate) struct TraceOf {
    /// The process [default: the newest].
    #[arg(value_name = "PROCESS")]
    pub(crate) process: Option<i64>,
    /// At most this many rows.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
}

/// `carril sql`.
#[derive(Debug, Args)]
pub(crate) struct Sql {
    /// A query over the views processes, executions, steps, waits and trace.
    #[arg(value_name = "QUERY")]
    pub(crate) query: String,
    /// At most this many rows.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) limit: u32,
}

/// `carril explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The code, CAR0404 or 404 [default: list all].
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

/// `carril completions`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

/// `carril demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The folder of the demo; made if it is not there.
    #[arg(long = "dir", default_value = "carril-demo", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// How many funds to make up, for a new folder.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) funds: u32,
    #[command(flatten)]
    pub(crate) inputs: Inputs,
}

#[cfg(test)]
mod tests;
