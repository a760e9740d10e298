//! `carril baseline`: what a pipeline's runs are compared with, and how they stand beside it.

use crate::arguments::{BaselineClear, BaselineDo, BaselineSet, BaselineShow};
use crate::command::control;
use crate::context::Context;
use crate::door::{Door, Reply};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::Follower;
use crate::found;
use crate::output::{number, time};
use crate::report;
use crate::view::View;
use carril::model::baseline::Baseline;
use carril::model::contract::Wish;
use carril::model::id::ProcessId;
use carril::report::Beside;
use carril::shape::{BaselineShape, BesideShape};
use serde::Serialize;

/// Baselines that are shown; nobody reads more pipelines.
const SHOWN_MAX: u32 = 1_000;

#[derive(Debug, Serialize)]
struct Shown<'a> {
    baselines: Vec<BesideShape<'a>>,
}

#[derive(Debug, Serialize)]
struct Cleared<'a> {
    cleared: &'a str,
}

/// Sets, shows or clears.
pub(crate) async fn run(context: &Context, what: &BaselineDo) -> Result<Exit, Failure> {
    match what {
        BaselineDo::Set(arguments) => set(context, arguments).await,
        BaselineDo::Show(arguments) => show(context, arguments).await,
        BaselineDo::Clear(arguments) => clear(context, arguments).await,
    }
}

async fn set(context: &Context, arguments: &BaselineSet) -> Result<Exit, Failure> {
    let reader = context.reader().await?;
    let process = ProcessId(arguments.process);
    let row = found::known_process(reader.history(), process).await?;
    let by = context.surroundings.user.clone();
    ask(context, &Wish::SetBaseline { process, by }).await?;
    let kept = reader.history().baselines(Some(&row.pipeline), 1).await?;
    let Some(kept) = kept.first() else {
        return Err(Failure::internal(
            "the baseline that was just set is not there",
        ));
    };
    if context.output.json() {
        context.output.line(&BaselineShape::from(kept))?;
    } else {
        context.output.data(&format!(
            "later runs of `{}` are compared with {}",
            kept.pipeline,
            told(kept)
        ))?;
    }
    Ok(Exit::Ok)
}

async fn show(context: &Context, arguments: &BaselineShow) -> Result<Exit, Failure> {
    let reader = context.reader().await?;
    let (history, now) = (reader.history(), context.now());
    let kept = history.baselines(arguments.pipeline.as_deref(), SHOWN_MAX);
    let mut shown = Vec::new();
    for baseline in kept.await? {
        shown.push(Beside::of(history, baseline, now).await?);
    }
    if let (Some(pipeline), true) = (&arguments.pipeline, shown.is_empty()) {
        return Err(none(pipeline));
    }
    if context.output.json() {
        context.output.value(&Shown {
            baselines: shown.iter().map(BesideShape::from).collect(),
        })?;
        return Ok(Exit::Ok);
    }
    if shown.is_empty() {
        context
            .output
            .talk("no pipeline has a baseline yet; `carril baseline set PROCESS` sets one");
        return Ok(Exit::Ok);
    }
    let lines: Vec<String> = shown
        .iter()
        .map(|beside| {
            let baseline = beside.baseline();
            let when = time::local(baseline.set_at, context.zone());
            format!(
                "{}\n  baseline    {}, set by {} {when}\n  now         {}",
                baseline.pipeline,
                told(baseline),
                baseline.set_by,
                report::standing(beside)
            )
        })
        .collect();
    context.output.data(&lines.join("\n"))?;
    Ok(Exit::Ok)
}

async fn clear(context: &Context, arguments: &BaselineClear) -> Result<Exit, Failure> {
    let pipeline = arguments.pipeline.clone();
    let reader = context.reader().await?;
    let kept = reader.history().baselines(Some(&pipeline), 1).await?;
    if kept.is_empty() {
        return Err(none(&pipeline));
    }
    ask(
        context,
        &Wish::ClearBaseline {
            pipeline: pipeline.clone(),
        },
    )
    .await?;
    if context.output.json() {
        context.output.line(&Cleared { cleared: &pipeline })?;
    } else {
        context
            .output
            .data(&format!("runs of `{pipeline}` are compared with nothing"))?;
    }
    Ok(Exit::Ok)
}

/// Has the store's engine do it, whoever that is.
async fn ask(context: &Context, wish: &Wish) -> Result<(), Failure> {
    let place = control::place(context)?;
    let mut follower =
        Follower::open(context, place, View::for_one_answer(&context.output)).await?;
    let result = change(&mut follower, wish).await;
    let closed = follower.close().await;
    result?;
    closed
}

async fn change(follower: &mut Follower<'_>, wish: &Wish) -> Result<(), Failure> {
    loop {
        if let Door::Engine(carril) = follower.door() {
            let engine = carril.engine();
            match wish {
                Wish::SetBaseline { process, by } => {
                    engine.set_baseline(*process, by).await?;
                }
                Wish::ClearBaseline { pipeline } => engine.clear_baseline(pipeline).await?,
                _ => unreachable!("only these two are asked for here"),
            }
            return Ok(());
        }
        match follower.ask(wish).await? {
            Reply::NoEngine => follower.open_again().await?,
            Reply::Accepted(_) => return Ok(()),
        }
    }
}

/// `process 12 of version 1a2b3c4d: 50 entities in 12 s, 240 ms each`.
fn told(baseline: &Baseline) -> String {
    let entities = i64::try_from(baseline.entities).unwrap_or(i64::MAX).max(1);
    format!(
        "process {} of version {}: {} in {}, {} each",
        baseline.process,
        baseline.version.short(),
        number::of(baseline.entities, "entity", "entities"),
        time::span(baseline.worked_micros),
        time::span(baseline.worked_micros / entities)
    )
}

fn none(pipeline: &str) -> Failure {
    let message = format!("no pipeline called `{pipeline}` has a baseline");
    Failure::new(Exit::Nothing, "CAR0825", message).help(
        "`carril baseline show` lists those that have one, `carril baseline set PROCESS` sets one",
    )
}
