//! `carril signal`, `carril approve` and `carril reject`: what executions are told that wait for it, or will.
//!
//! What was said is durable when the command ends. Whoever is the store's engine goes on with it; where nobody is, the next
//! `carril run` does.

use crate::arguments::{Decide, Signal};
use crate::command::control;
use crate::context::Context;
use crate::door::{Door, Reply};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::Follower;
use crate::found;
use crate::output::number;
use crate::view::View;
use carril::model::contract::{ExecutionFilter, ExecutionRow, History, Selection, Wish};
use carril::model::id::{ExecutionId, ProcessId};
use carril::{Sending, Word};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Shape<'a> {
    signal: &'a str,
    execution: Option<i64>,
    process: Option<i64>,
    all: bool,
}

#[derive(Debug, Serialize)]
struct Decided<'a> {
    execution: i64,
    approved: bool,
    by: &'a str,
}

/// Sends a signal.
pub(crate) async fn send(context: &Context, arguments: &Signal) -> Result<Exit, Failure> {
    let place = control::place(context)?;
    let reader = context.read(&place.store).await?;
    let (selection, name) = meant(reader.history(), arguments).await?;
    let wish = Wish::Signal {
        selection: selection.clone(),
        name: name.clone(),
        data: arguments.data.clone().unwrap_or_default(),
        sent_by: context.surroundings.user.clone(),
        idempotency_key: arguments.idempotency_key.clone(),
    };
    say(context, &wish).await?;
    if context.output.json() {
        let execution = match &selection {
            Selection::Executions(ids) if ids.len() == 1 => Some(ids[0].0),
            _ => None,
        };
        context.output.line(&Shape {
            signal: &name,
            execution,
            process: arguments.process,
            all: arguments.all,
        })?;
    } else {
        let whom = match &selection {
            Selection::Executions(ids) => {
                let many = number::of(ids.len() as u64, "execution", "executions");
                ids.first()
                    .filter(|_| ids.len() == 1)
                    .map_or(many, |id| format!("execution {id}"))
            }
            Selection::Process(id) | Selection::Unsuccessful(id) => {
                format!("every unfinished execution of process {id}")
            }
        };
        context
            .output
            .data(&format!("signal `{name}` was sent to {whom}"))?;
    }
    Ok(Exit::Ok)
}

/// Approves or rejects.
pub(crate) async fn decide(
    context: &Context,
    arguments: &Decide,
    approved: bool,
) -> Result<Exit, Failure> {
    let by = arguments
        .by
        .clone()
        .unwrap_or_else(|| context.surroundings.user.clone());
    let id = ExecutionId(arguments.execution);
    let place = control::place(context)?;
    let reader = context.read(&place.store).await?;
    if reader.history().execution(id).await?.is_none() {
        return Err(found::no_execution(reader.history(), &id.to_string()).await);
    }
    let wish = Wish::Decide {
        execution: id,
        step: arguments.step.clone(),
        approved,
        by: by.clone(),
        reason: arguments.reason.clone(),
    };
    say(context, &wish).await?;
    if context.output.json() {
        context.output.line(&Decided {
            execution: id.0,
            approved,
            by: &by,
        })?;
    } else {
        let what = if approved { "approved" } else { "rejected" };
        context
            .output
            .data(&format!("execution {id} is {what} by {by}"))?;
    }
    Ok(Exit::Ok)
}

/// Whom a signal is for, and its name.
async fn meant(history: &dyn History, arguments: &Signal) -> Result<(Selection, String), Failure> {
    let wrong = |message: &str| {
        Failure::usage(message.to_owned())
            .help("as in `carril signal 12 paid`, `carril signal --process 3 --entity F001 paid` or `carril signal --process 3 --all paid`")
    };
    match (arguments.process, arguments.words.as_slice()) {
        (None, [id, name]) => {
            let execution = id.parse().ok().map(ExecutionId);
            let execution =
                execution.ok_or_else(|| wrong(&format!("`{id}` is no execution's number")))?;
            if history.execution(execution).await?.is_none() {
                return Err(found::no_execution(history, id).await);
            }
            Ok((Selection::Executions(vec![execution]), name.clone()))
        }
        (None, _) => Err(wrong("a signal wants an execution and a name")),
        (Some(_), [_, _, ..] | []) => Err(wrong("with --process only the signal's name is given")),
        (Some(id), [name]) => {
            let process = found::known_process(history, ProcessId(id)).await?;
            if arguments.all {
                return Ok((Selection::Process(process.id), name.clone()));
            }
            if arguments.entities.is_empty() {
                return Err(wrong(
                    "say whom of the process is meant: --entity KEY, or --all",
                ));
            }
            let mut executions = Vec::with_capacity(arguments.entities.len());
            for key in &arguments.entities {
                let row = of_entity(history, process.id, key).await?;
                executions.push(row.ok_or_else(|| found::no_entity(process.id, key))?.id);
            }
            Ok((Selection::Executions(executions), name.clone()))
        }
    }
}

async fn of_entity(
    history: &dyn History,
    process: ProcessId,
    key: &str,
) -> Result<Option<ExecutionRow>, Failure> {
    let filter = ExecutionFilter {
        entity: Some(key.to_owned()),
        max: 1,
        ..ExecutionFilter::default()
    };
    Ok(history.executions(process, &filter).await?.pop())
}

/// Has the engine keep it, whoever it is.
async fn say(context: &Context, wish: &Wish) -> Result<(), Failure> {
    let place = control::place(context)?;
    let mut follower =
        Follower::open(context, place, View::for_one_answer(&context.output)).await?;
    let said = hand_over(&mut follower, wish).await;
    let closed = follower.close().await;
    said?;
    closed?;
    Ok(())
}

async fn hand_over(follower: &mut Follower<'_>, wish: &Wish) -> Result<(), Failure> {
    loop {
        if let Door::Engine(carril) = follower.door() {
            let engine = carril.engine().clone();
            match wish.clone() {
                Wish::Signal {
                    selection,
                    name,
                    data,
                    sent_by,
                    idempotency_key,
                } => {
                    let sending = Sending {
                        name,
                        data,
                        sent_by,
                        idempotency_key,
                    };
                    engine.signal(&selection, sending).await?;
                }
                Wish::Decide {
                    execution,
                    step,
                    approved,
                    by,
                    reason,
                } => {
                    let word = Word {
                        approved,
                        by,
                        reason,
                        idempotency_key: None,
                    };
                    engine.decide(execution, step.as_deref(), word).await?;
                }
                _ => unreachable!("only these two are said here"),
            }
            return Ok(());
        }
        match follower.ask(wish).await? {
            Reply::NoEngine => follower.open_again().await?,
            Reply::Accepted(_) => return Ok(()),
        }
    }
}
