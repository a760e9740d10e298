//! The `carril` command: reads the command line, the environment and the terminal, and hands what they say to the commands.
//!
//! Nothing is started before the command line is understood, so that `--version` and mistakes cost nothing.

mod advice;
mod arguments;
mod command;
mod context;
mod door;
mod embedded;
mod exit;
#[cfg(feature = "failpoints")]
mod failpoints;
mod failure;
mod files;
mod findings;
mod follow;
mod found;
mod interrupts;
mod locks;
mod log;
mod meant;
mod notify;
mod output;
mod prepared;
mod report;
mod summary;
mod view;

use arguments::{Arguments, Color, Global};
use clap::Parser as _;
use context::{Context, Surroundings};
use exit::Exit;
use failure::Failure;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// How long what is left on other threads may take when the command has ended.
const LEFTOVERS: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return misunderstood(&error).into(),
    };
    let surroundings = match surroundings(&arguments) {
        Ok(surroundings) => surroundings,
        Err(failure) => {
            output::Output::new(&arguments.global, true).failure(&failure);
            return failure.exit.into();
        }
    };
    log::start(&arguments.global, &surroundings);
    #[cfg(feature = "failpoints")]
    let _failpoints = failpoints::set_up(&surroundings);
    let context = Context::new(&arguments.global, surroundings);
    // What panicked has told its place already; the exit code must not look like one of the documented ones.
    let ended = catch_unwind(AssertUnwindSafe(|| run(&context, &arguments)));
    ended
        .unwrap_or_else(|_| {
            let failure = Failure::internal("carril broke; what it had written down stays, and the same command goes on from there");
            context.output.failure(&failure.help("please report this with the lines above"));
            Exit::Internal
        })
        .into()
}

fn run(context: &Context, arguments: &Arguments) -> Exit {
    let mut builder = if arguments.command.works() {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = match builder.enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            context.output.failure(&Failure::internal(format!(
                "the system gives no threads: {error}"
            )));
            return Exit::Internal;
        }
    };
    let exit = match runtime.block_on(command::run(context, &arguments.command)) {
        Ok(exit) => exit,
        Err(failure) => {
            context.output.failure(&failure);
            failure.exit
        }
    };
    runtime.shutdown_timeout(LEFTOVERS);
    exit
}

/// Help and version are answers; the rest is wrong usage.
fn misunderstood(error: &clap::Error) -> Exit {
    // What cannot be written here cannot be told either.
    if !error.use_stderr() {
        let _ = error.print();
        return Exit::Ok;
    }
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if wants_json {
        let global = Global {
            store: None,
            json: true,
            quiet: false,
            verbose: false,
            log_format: None,
            color: Color::Never,
        };
        let text = error.render().to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text).trim();
        output::Output::new(&global, true).failure(&Failure::usage(text));
    } else {
        let _ = error.print();
    }
    Exit::Usage
}

#[expect(
    clippy::disallowed_methods,
    reason = "main reads the environment, and nobody else does"
)]
fn surroundings(arguments: &Arguments) -> Result<Surroundings, Failure> {
    let here = PathBuf::from(".");
    let folder =
        std::env::current_dir().map_err(|error| Failure::file(&here, "find the folder", &error))?;
    let first = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| std::env::var(name).ok())
            .filter(|text| !text.is_empty())
    };
    let kernel = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|name| name.trim().to_owned());
    let in_ci = first(&["CI"]).is_some_and(|value| value != "false" && value != "0");
    let logs = first(&["CARRIL_LOG"]).is_some();
    Ok(Surroundings {
        folder,
        user: first(&["USER", "LOGNAME", "USERNAME"]).unwrap_or_else(user_of_this_process),
        host: kernel
            .or_else(|| first(&["HOSTNAME", "COMPUTERNAME"]))
            .unwrap_or_else(|| "this host".to_owned()),
        command: arguments.command.as_people_know_it(),
        path: std::env::var_os("PATH").unwrap_or_default(),
        lookup: Arc::new(|name| std::env::var(name).ok()),
        plain_lines: in_ci || logs,
    })
}

/// Who runs this, where the environment does not say: a scheduler often starts programs without it. The owner of our own entry
/// in `/proc`, by name where the system has one for the number.
fn user_of_this_process() -> String {
    let Some(number) = owner_of_this_process() else {
        return "an unknown user".to_owned();
    };
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = known.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let own = fields.nth(1)?.parse() == Ok(number);
        (own && !name.is_empty()).then(|| name.to_owned())
    });
    name.unwrap_or_else(|| format!("user {number}"))
}

#[cfg(unix)]
fn owner_of_this_process() -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    Some(std::fs::metadata("/proc/self").ok()?.uid())
}

#[cfg(not(unix))]
const fn owner_of_this_process() -> Option<u32> {
    None
}
