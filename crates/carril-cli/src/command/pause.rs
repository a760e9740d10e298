//! `carril pause` and `carril resume`: a process begins nothing more until it is resumed, whoever is its engine then.

use crate::arguments::Paused;
use crate::command::control;
use crate::command::retry::follow_all;
use crate::command::run::{How, WITH_RUN, finish, hand_back};
use crate::context::Context;
use crate::door::{Door, Reply};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{End, Follower};
use crate::found;
use crate::summary::Summary;
use crate::view::View;
use carril::EngineError;
use carril::model::contract::Wish;
use carril::model::id::ProcessId;
use carril::shape::ProcessShape;

/// Pauses.
pub(crate) async fn pause(context: &Context, arguments: &Paused) -> Result<Exit, Failure> {
    let process = ProcessId(arguments.process);
    let place = control::place(context)?;
    let store = place.store.clone();
    let reader = context.read(&store).await?;
    found::known_process(reader.history(), process).await?;
    let mut follower =
        Follower::open(context, place, View::for_one_answer(&context.output)).await?;
    let result = change(&mut follower, &Wish::Pause { process }).await;
    let closed = follower.close().await;
    result?;
    closed?;
    let row = found::known_process(reader.history(), process).await?;
    if context.output.json() {
        let worked = found::worked(reader.history(), &row, context.now()).await?;
        context.output.line(&ProcessShape::of(&row, worked))?;
    } else {
        let resume = format!("carril resume {process}{}", context.store_argument(&store));
        context.output.data(&format!(
            "process {process} is {}; what runs is finished, `{resume}` goes on with the rest",
            row.state
        ))?;
    }
    Ok(Exit::Ok)
}

/// Resumes, and follows the process to its end.
pub(crate) async fn resume(context: &Context, arguments: &Paused) -> Result<Exit, Failure> {
    let process = ProcessId(arguments.process);
    let place = control::place(context)?;
    let store = place.store.clone();
    let reader = context.read(&store).await?;
    found::known_process(reader.history(), process).await?;
    let mut follower = Follower::open(context, place, View::new(&context.output)).await?;
    let result = go_on(&mut follower, process).await;
    let settled: Vec<ProcessId> = match &result {
        Ok(End::Settled(row)) => vec![row.id],
        _ => Vec::new(),
    };
    let closed = hand_back(context, &store, &mut follower, &settled).await;
    let end = result?;
    let unfinished = closed?;
    let End::Settled(row) = end else {
        return Err(follower.stopped(WITH_RUN).await?);
    };
    let exit = Exit::of(row.state);
    let summary = Summary::of(follower.door().history(), *row, context.now()).await?;
    finish(
        context,
        &store,
        &summary.beside(&unfinished),
        How::Resumed,
        exit,
    )
}

async fn go_on(follower: &mut Follower<'_>, process: ProcessId) -> Result<End, Failure> {
    // As the engine, it has to be in hand before it can go on.
    follower.adopt(None, |row| row.id == process).await;
    change(follower, &Wish::Resume { process }).await?;
    let mut ends = follow_all(follower, &[process], How::Resumed.name()).await?;
    Ok(ends.pop().expect("one process was followed"))
}

/// Has the engine make a change, whoever it is.
async fn change(follower: &mut Follower<'_>, wish: &Wish) -> Result<(), Failure> {
    loop {
        if let Door::Engine(carril) = follower.door() {
            let engine = carril.engine().clone();
            let changed: Result<(), EngineError> = match wish {
                Wish::Pause { process } => engine.pause(*process).await,
                Wish::Resume { process } => engine.resume(*process).await,
                _ => unreachable!("only these two are asked for here"),
            };
            return Ok(changed?);
        }
        match follower.ask(wish).await? {
            Reply::NoEngine => {
                follower.open_again().await?;
                follower.adopt(None, |_| true).await;
            }
            Reply::Accepted(_) => return Ok(()),
        }
    }
}
