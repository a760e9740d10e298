//! Every flag of the `carril` command, in one place, as clap reads them.
//!
//! Only what was said is here; what it means is decided by the commands. Nothing is read from the environment or a file.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

mod output;
mod store;
mod value;

pub(crate) use output::{Color, LogFormat};
pub(crate) use store::{LegacyViews, StoreCommand, StoreOf};
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
    /// Where Carril keeps its own state: a path, `sqlite:PATH` or `postgres://USER@HOST/DATABASE` [default: the one in carril.toml, else carril.db].
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

    /// Write the engine's log to stderr as lines of text or of JSON; each line of a lane carries its process and execution.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        help_heading = "Global options"
    )]
    pub(crate) log_format: Option<LogFormat>,

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
    /// Stay and work on whatever the store holds unfinished and is launched, with any number of others where it is on PostgreSQL.
    Worker(Worker),
    /// Serve the store: its processes over HTTP, live events, and an engine that works on whatever is launched.
    Serve(Serve),
    /// Make, list and revoke tokens, which let people and programs in to `carril serve`.
    Token(Token),
    /// List the engines that are at work on the store.
    Nodes,
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
    /// Send a signal to executions that wait for it, or will.
    Signal(Signal),
    /// Let an execution go on that waits for somebody's approval.
    Approve(Decide),
    /// Refuse an execution that waits for somebody's approval: the step that asks fails.
    Reject(Decide),
    /// Run failed or cancelled executions again, with the pipeline as it was launched.
    Retry(Retry),
    /// Remove all that executions published and their workspaces.
    Rollback(Rollback),
    /// Remove whole processes: what they published, their workspaces and their history.
    Purge(Purge),
    /// Prepare tables that executions share.
    Workspace(WorkspaceOf),
    /// Show the store in other ways.
    Store(StoreOf),
    /// Forget processes that ended long ago, and remove workspaces kept of them.
    Prune(Prune),
    /// Say how fast a pipeline is, and see whether it has become slower.
    Baseline(Baselines),
    /// Look at where time went: entity by stage, overlaps, bottlenecks, waits.
    Trace(Trace),
    /// Tell what a process that has ended would have taken with other lanes, slots and connections, and what would hold it up.
    Simulate(Simulate),
    /// List the resources of unfinished processes: who uses them, who waits, and how their breakers are.
    Resources(Resources),
    /// Hold a resource's circuit breaker open or closed, or let it go.
    Breaker(Breaker),
    /// Ask the store with SQL, read-only: processes, executions, steps, waits, trace, breakers.
    Sql(Sql),
    /// Tell what an error code means and what would be right.
    Explain(Explain),
    /// Write a shell's completions to stdout.
    Completions(Completions),
    /// Print the JSON Schema of pipeline.toml or carril.toml, for an editor.
    Schema(Schema),
    /// Watch processes and lanes live: what runs, what waits for whom, what failed.
    Top(Top),
    /// Look whether all is well: machine, store, targets, secrets, pipeline; changes nothing.
    Doctor(Pipeline),
    /// Keep a copy of the store, also while an engine works on it.
    Backup(Backup),
    /// Put a backup in the place of the store, which is kept beside it.
    Restore(Restore),
    /// Bring the history of the old fund system along: its runs and funds as processes that can be shown.
    Import(Import),
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

/// `carril worker`.
#[derive(Debug, Args)]
pub(crate) struct Worker {
    /// The folder with the carril.toml; steps of processes that kept no folder of their own run there, too.
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,

    /// Lanes at once here, over all processes [default: `[engine] lanes` in carril.toml, else each process's own].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) lanes: Option<u32>,

    /// How long running steps may go on after Ctrl-C or SIGTERM; what is not done then is stopped and handed back.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = value::duration)]
    pub(crate) grace: Duration,
}

/// `carril serve`.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The folder with the carril.toml and the pipelines that can be launched: it is one, or has them in folders of its own.
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,

    /// Where to listen [default: `[server] listen` in carril.toml, else 127.0.0.1:7411]; port 0 is any that is free.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,

    /// Only serve: what is asked is done by engines of other programs.
    #[arg(long, conflicts_with = "lanes")]
    pub(crate) no_engine: bool,

    /// Lanes at once here, over all processes [default: `[engine] lanes` in carril.toml, else each process's own].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) lanes: Option<u32>,

    /// How long running steps may go on after Ctrl-C or SIGTERM; what is not done then is stopped and handed back.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = value::duration)]
    pub(crate) grace: Duration,
}

/// `carril token`.
#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    pub(crate) what: TokenCommand,
}

/// What of tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token and print its secret, which is shown this once.
    Create(TokenCreate),
    /// List tokens; never their secrets.
    List,
    /// Revoke a token, at once and for ever.
    Revoke(TokenRevoke),
}

/// `carril token create`.
#[derive(Debug, Args)]
pub(crate) struct TokenCreate {
    /// What to call it.
    #[arg(value_name = "NAME", value_parser = value::token_name)]
    pub(crate) name: String,

    /// What it lets its bearer do: viewer reads, operator also launches and controls, admin also removes processes and makes tokens.
    #[arg(long, value_name = "ROLE", default_value = "viewer")]
    pub(crate) role: carril::model::contract::Role,

    /// When it ends by itself: `90d`, `12h`, `forever`.
    #[arg(long, value_name = "AGE", default_value = "forever", value_parser = value::age)]
    pub(crate) expires: Age,
}

/// `carril token revoke`.
#[derive(Debug, Args)]
pub(crate) struct TokenRevoke {
    /// The token's name.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
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
    /// Where processes compete for lanes and slots, the higher goes first, instead of the pipeline's `lanes.priority`.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i8).range(-100..=100))]
    pub(crate) priority: Option<i8>,
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

/// `carril signal`.
#[derive(Debug, Args)]
pub(crate) struct Signal {
    /// The execution and the signal's name; with --process only the name.
    #[arg(value_name = "ID NAME", num_args = 1..=2, required = true)]
    pub(crate) words: Vec<String>,
    /// To executions of this process, with --entity or --all.
    #[arg(long, value_name = "ID")]
    pub(crate) process: Option<i64>,
    /// To this entity of the process, by its key. May be repeated.
    #[arg(long = "entity", value_name = "KEY", requires = "process")]
    pub(crate) entities: Vec<String>,
    /// To every unfinished execution of the process.
    #[arg(long, requires = "process", conflicts_with = "entities")]
    pub(crate) all: bool,
    /// What it says: the output of the step that takes it, at most 64 KiB.
    #[arg(long, value_name = "JSON", value_parser = value::json)]
    pub(crate) data: Option<serde_json::Value>,
    /// Send it once per key: an execution that has had a signal with this key gets no second.
    #[arg(long = "id", value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}

/// `carril approve` and `carril reject`.
#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// The execution.
    #[arg(value_name = "ID")]
    pub(crate) execution: i64,
    /// The step that asks, where several do.
    #[arg(long, value_name = "STAGE/STEP")]
    pub(crate) step: Option<String>,
    /// Who says so [default: the user's name].
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
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

/// `carril purge`.
#[derive(Debug, Args)]
pub(crate) struct Purge {
    /// The processes; each must have ended.
    #[arg(value_name = "PROCESS", required = true)]
    pub(crate) processes: Vec<i64>,
    /// Tell what would be removed, and remove nothing.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Go on without asking.
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// `carril workspace`.
#[derive(Debug, Args)]
pub(crate) struct WorkspaceOf {
    #[command(subcommand)]
    pub(crate) what: WorkspaceCommand,
}

/// What to do about a workspace.
#[derive(Debug, Subcommand)]
pub(crate) enum WorkspaceCommand {
    /// Print the SQL that gives existing tables the column for `isolation = "column"`, with an index. Runs none of it.
    Migrate(Migrate),
}

/// `carril workspace migrate`.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    #[command(flatten)]
    pub(crate) pipeline: Pipeline,
    /// Print the way back: the indexes go, then the column.
    #[arg(long)]
    pub(crate) down: bool,
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

/// The five questions, and the whole of it.
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
    /// How the number of lanes was found out where the pipeline says `max = "auto"`, newest change first.
    Lanes(TraceOf),
    /// The whole of it as a file that ui.perfetto.dev and chrome://tracing open.
    Export(TraceExport),
}

/// `carril trace export`.
#[derive(Debug, Args)]
pub(crate) struct TraceExport {
    /// The process [default: the newest].
    #[arg(value_name = "PROCESS")]
    pub(crate) process: Option<i64>,
    /// As trace events in JSON, which Perfetto and Chrome read.
    #[arg(long, required = true)]
    pub(crate) perfetto: bool,
    /// The file to write [default: stdout].
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
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

/// `carril resources`.
#[derive(Debug, Args)]
pub(crate) struct Resources {
    /// This resource only, with the last changes of its breaker.
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// `carril breaker`.
#[derive(Debug, Args)]
pub(crate) struct Breaker {
    /// Open: nothing uses the resource. Close: everything does, whatever fails. Auto: the breaker decides again.
    #[arg(value_enum, value_name = "HOW")]
    pub(crate) how: BreakerHow,
    /// The resource.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Why, for whoever finds it so.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// What is done with a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BreakerHow {
    /// Held open.
    Open,
    /// Held closed.
    Close,
    /// By itself.
    Auto,
}

/// `carril sql`.
#[derive(Debug, Args)]
pub(crate) struct Sql {
    /// A query over the views processes, executions, steps, waits, trace, breakers, breaker_changes and lanes_changes.
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

/// `carril schema`.
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Which file's.
    #[arg(value_enum, value_name = "FILE", default_value_t = SchemaOf::Pipeline)]
    pub(crate) of: SchemaOf,
}

/// The files that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// The pipeline.toml.
    Pipeline,
    /// The carril.toml.
    Settings,
}

/// `carril top`.
#[derive(Debug, Args)]
pub(crate) struct Top {
    /// Only this process [default: all that are unfinished, and the newest].
    #[arg(value_name = "PROCESS")]
    pub(crate) process: Option<i64>,
    /// Draw one picture as text, and end; so it is also where there is no terminal.
    #[arg(long)]
    pub(crate) once: bool,
}

/// `carril backup`.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to make.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Take the place of a backup that is there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Keep the workspaces of unfinished lanes too, in the folder FILE.lanes.
    #[arg(long)]
    pub(crate) workspaces: bool,
}

/// `carril restore`.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Go on without asking.
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// `carril simulate`.
#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// The process.
    #[arg(value_name = "PROCESS")]
    pub(crate) process: i64,
    /// Lanes at once; several values make a line each: 10,25,50.
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) lanes: Vec<u32>,
    /// Slots of a resource, in the same way: geneva=2,4.
    #[arg(long = "resource", value_name = "NAME=N,…")]
    pub(crate) resources: Vec<Pair>,
    /// Connections of a target on a server, in the same way: warehouse=10,20.
    #[arg(long = "pool", value_name = "TARGET=N,…")]
    pub(crate) pools: Vec<Pair>,
}

/// `carril import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The database that holds the old history: postgres://USER@HOST/DATABASE or sqlite:PATH; nothing is changed there.
    #[arg(long, value_name = "URL")]
    pub(crate) from: String,
    /// The schema of its tables.
    #[arg(long, default_value = "logs", value_name = "NAME")]
    pub(crate) schema: String,
    /// A table that is called otherwise: runs=NAME, funds=NAME, all-funds=SCHEMA.NAME.
    #[arg(long = "table", value_name = "TABLE=NAME")]
    pub(crate) tables: Vec<Pair>,
    /// A column that is called otherwise: FechaInicio=Inicio.
    #[arg(long = "column", value_name = "COLUMN=NAME")]
    pub(crate) columns: Vec<Pair>,
    /// What an unknown word for a state means: TERMINADO=COMPLETADO.
    #[arg(long = "state", value_name = "WORD=STATE")]
    pub(crate) states: Vec<Pair>,
    /// The time zone that old times without an offset are meant in, as in America/Lima.
    #[arg(long, default_value = "UTC", value_name = "ZONE")]
    pub(crate) zone: String,
    /// The pipeline that the processes are shown under.
    #[arg(long, default_value = "legacy", value_name = "NAME")]
    pub(crate) pipeline: String,
    /// The name of the source; with an old id it tells what was imported before [default: the schema].
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,
    /// Leave out rows of funds that cannot be mapped, and not their whole run.
    #[arg(long)]
    pub(crate) partial: bool,
    /// Import runs that never ended, too, as failed.
    #[arg(long)]
    pub(crate) unfinished: bool,
    /// Write nothing, and tell what would be.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The file for the backup of the store [default: beside the store].
    #[arg(long, value_name = "FILE", conflicts_with = "no_backup")]
    pub(crate) backup: Option<PathBuf>,
    /// Make no backup of the store.
    #[arg(long)]
    pub(crate) no_backup: bool,
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
