//! The commands, one module each, and which of them is meant.

use crate::advice;
use crate::arguments::{Command, StoreCommand, WorkspaceCommand};
use crate::context::{Context, quoted};
use crate::exit::Exit;
use crate::failure::Failure;
use std::path::Path;

mod backup;
mod baseline;
mod breaker;
mod cancel;
mod check;
mod control;
mod demo;
mod doctor;
mod explain;
mod import;
mod init;
mod logs;
mod nodes;
mod pause;
mod plan;
mod prune;
pub(crate) mod ps;
mod purge;
mod resources;
mod restore;
mod retry;
mod rollback;
mod run;
mod schema;
mod serve;
pub(crate) mod show;
mod signal;
mod simulate;
mod sql;
mod store;
mod token;
mod top;
mod trace;
mod why;
mod worker;
mod workspace;

/// Does what the command line says.
pub(crate) async fn run(context: &Context, command: &Command) -> Result<Exit, Failure> {
    match command {
        Command::Init(arguments) => init::run(context, arguments),
        Command::Check(arguments) => check::run(context, arguments).await,
        Command::Plan(arguments) => plan::run(context, arguments)
            .await
            .map_err(|failure| advice::of_launch(context, arguments, failure)),
        Command::Ps(arguments) => ps::run(context, arguments).await,
        Command::Show(arguments) => show::run(context, arguments).await,
        Command::Logs(arguments) => logs::run(context, arguments).await,
        Command::Why(arguments) => why::run(context, arguments).await,
        Command::Trace(arguments) => trace::run(context, arguments).await,
        Command::Simulate(arguments) => simulate::run(context, arguments).await,
        Command::Sql(arguments) => sql::run(context, arguments).await,
        Command::Run(arguments) => run::run(context, arguments)
            .await
            .map_err(|failure| advice::of_launch(context, &arguments.pipeline, failure)),
        Command::Cancel(arguments) => cancel::run(context, arguments).await,
        Command::Retry(arguments) => retry::run(context, arguments).await,
        Command::Rollback(arguments) => rollback::run(context, arguments).await,
        Command::Signal(arguments) => signal::send(context, arguments).await,
        Command::Approve(arguments) => signal::decide(context, arguments, true).await,
        Command::Reject(arguments) => signal::decide(context, arguments, false).await,
        Command::Pause(arguments) => pause::pause(context, arguments).await,
        Command::Resume(arguments) => pause::resume(context, arguments).await,
        Command::Resources(arguments) => resources::run(context, arguments).await,
        Command::Breaker(arguments) => breaker::run(context, arguments).await,
        Command::Explain(arguments) => explain::explain(context, arguments),
        Command::Completions(arguments) => explain::completions(context, arguments),
        Command::Schema(arguments) => schema::run(context, arguments),
        Command::Purge(arguments) => purge::run(context, arguments).await,
        Command::Worker(arguments) => worker::run(context, arguments).await,
        Command::Serve(arguments) => serve::run(context, arguments).await,
        Command::Token(arguments) => token::run(context, &arguments.what).await,
        Command::Nodes => nodes::run(context).await,
        Command::Workspace(arguments) => match &arguments.what {
            WorkspaceCommand::Migrate(arguments) => workspace::migrate(context, arguments).await,
        },
        Command::Store(arguments) => match &arguments.what {
            StoreCommand::LegacyViews(arguments) => store::legacy_views(context, arguments).await,
        },
        Command::Prune(arguments) => prune::run(context, arguments).await,
        Command::Top(arguments) => top::run(context, arguments).await,
        Command::Doctor(arguments) => doctor::run(context, arguments).await,
        Command::Backup(arguments) => backup::run(context, arguments).await,
        Command::Restore(arguments) => restore::run(context, arguments).await,
        Command::Import(arguments) => import::run(context, arguments).await,
        Command::Baseline(arguments) => baseline::run(context, &arguments.what).await,
        Command::Demo(arguments) => demo::run(context, arguments).await,
    }
}

impl Command {
    /// Whether it may run an engine, which wants all of the machine.
    pub(crate) const fn works(&self) -> bool {
        matches!(
            self,
            Self::Run(_)
                | Self::Demo(_)
                | Self::Cancel(_)
                | Self::Retry(_)
                | Self::Rollback(_)
                | Self::Prune(_)
                | Self::Purge(_)
                | Self::Import(_)
                | Self::Baseline(_)
                | Self::Pause(_)
                | Self::Resume(_)
                | Self::Breaker(_)
                | Self::Signal(_)
                | Self::Approve(_)
                | Self::Reject(_)
                | Self::Worker(_)
                | Self::Serve(_)
                | Self::Store(_)
                | Self::Token(_)
        )
    }

    /// The command as people recognise it when it holds the store; values of parameters and targets are not in it.
    pub(crate) fn as_people_know_it(&self) -> String {
        let folder = |name: &str, folder: &Path| {
            format!("carril {name} {}", quoted(&folder.to_string_lossy()))
        };
        match self {
            Self::Init(arguments) => folder("init", &arguments.folder),
            Self::Check(arguments) => folder("check", &arguments.folder),
            Self::Plan(arguments) => folder("plan", &arguments.folder),
            Self::Run(arguments) => folder("run", &arguments.pipeline.folder),
            Self::Demo(arguments) => folder("demo --dir", &arguments.folder),
            Self::Cancel(_) => "carril cancel".to_owned(),
            Self::Retry(_) => "carril retry".to_owned(),
            Self::Rollback(_) => "carril rollback".to_owned(),
            Self::Prune(_) => "carril prune".to_owned(),
            Self::Purge(_) => "carril purge".to_owned(),
            Self::Workspace(_) => "carril workspace".to_owned(),
            Self::Store(_) => "carril store".to_owned(),
            Self::Worker(arguments) => folder("worker", &arguments.folder),
            Self::Serve(arguments) => folder("serve", &arguments.folder),
            Self::Token(_) => "carril token".to_owned(),
            Self::Signal(_) => "carril signal".to_owned(),
            Self::Approve(_) => "carril approve".to_owned(),
            Self::Reject(_) => "carril reject".to_owned(),
            Self::Baseline(_) => "carril baseline".to_owned(),
            Self::Pause(_) => "carril pause".to_owned(),
            Self::Resume(_) => "carril resume".to_owned(),
            Self::Restore(_) => "carril restore".to_owned(),
            Self::Import(_) => "carril import".to_owned(),
            Self::Breaker(_) => "carril breaker".to_owned(),
            Self::Backup(_)
            | Self::Doctor(_)
            | Self::Top(_)
            | Self::Ps(_)
            | Self::Show(_)
            | Self::Logs(_)
            | Self::Why(_)
            | Self::Trace(_)
            | Self::Resources(_)
            | Self::Nodes
            | Self::Simulate(_)
            | Self::Sql(_)
            | Self::Explain(_)
            | Self::Completions(_)
            | Self::Schema(_) => "carril".to_owned(),
        }
    }
}
