//! Lanes of one process side by side: how far the slowest is when the fastest is done.

use super::arguments::{Arguments, Side};
use super::child::{self, Measured};
use super::figures::Figure;
use super::floor::micros;
use super::report::{Report, file_system};
use super::subject::{self, Subject};
use super::usage::Usage;
use anyhow::{Context as _, Result};
use carril::model::definition::{Overlap, STEPS_MAX};
use carril::{Input, Pipeline, PipelineDefinition, Stage, Step, StepFailure};
use serde::de::IgnoredAny;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

const LANES: u32 = 200;
const ROUNDS: u32 = 3;

/// Steps done by each lane, until one has done all.
#[derive(Debug)]
struct Counted {
    began: Instant,
    steps: u32,
    lanes: HashMap<String, u32>,
    /// When the first had done all: how long that took, and what each had done.
    done: Option<(f64, Vec<f64>)>,
}

impl Counted {
    fn count(&mut self, lane: &str) {
        if self.done.is_some() {
            return;
        }
        let count = self.lanes.entry(lane.to_owned()).or_default();
        *count += 1;
        if *count == self.steps {
            let counts = self.lanes.values().map(|count| f64::from(*count));
            self.done = Some((micros(self.began.elapsed()), counts.collect()));
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    match arguments.side {
        Some(_) => {
            let folder = arguments.folder()?;
            let work = work(arguments, &folder);
            child::tell(&subject::runtime(arguments.runtime)?.block_on(work)?)
        }
        None => report(arguments),
    }
}

async fn work(arguments: &Arguments, folder: &Path) -> Result<Measured> {
    let lanes = arguments.entities_or(LANES);
    let steps = u32::try_from(STEPS_MAX)?;
    let counted = Arc::new(Mutex::new(Counted {
        began: Instant::now(),
        steps,
        lanes: HashMap::new(),
        done: None,
    }));
    let subject = Subject::with(arguments, folder, pipeline(lanes, steps, &counted)?).await?;
    counted.lock().unwrap_or_else(PoisonError::into_inner).began = Instant::now();
    let process = subject.launch(lanes).await?;
    subject.wait(process, lanes).await?;
    subject.close().await?;
    let counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
    let (wall_micros, mut samples) = counted.done.clone().context("no lane did all its steps")?;
    // A lane that had done nothing is not among them.
    samples.resize(lanes as usize, 0.0);
    Ok(Measured {
        wall_micros,
        launch_micros: 0.0,
        samples_micros: samples,
        usage: Usage::now()?,
        step_rows: 0,
    })
}

fn pipeline(lanes: u32, steps: u32, counted: &Arc<Mutex<Counted>>) -> Result<PipelineDefinition> {
    let mut stage = Stage::new("work");
    for number in 0..steps {
        let counted = Arc::clone(counted);
        let count = move |input: Input<IgnoredAny>| {
            let lane = input.entity_key.as_deref().unwrap_or_default();
            let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
            counted.count(lane);
            std::future::ready(Ok::<(), StepFailure>(()))
        };
        stage = stage.step(Step::function(format!("step-{number}"), count));
    }
    let pipeline = Pipeline::new("bench")
        .entities_given()
        .lanes(lanes)
        .overlap(Overlap::Allow)
        .stage(stage);
    Ok(pipeline.build()?)
}

fn report(arguments: &Arguments) -> Result<()> {
    let (lanes, rounds) = (arguments.entities_or(LANES), arguments.rounds_or(ROUNDS));
    let measured: Vec<Measured> = (0..rounds)
        .map(|_| child::run(arguments, Side::Carril))
        .collect::<Result<_>>()?;
    let spread = |round: &Measured| {
        let of = Figure::of(round.samples_micros.iter().copied());
        (of.min, of.max)
    };
    let worst = measured
        .iter()
        .map(spread)
        .min_by(|first, second| (first.0 / first.1).total_cmp(&(second.0 / second.1)));
    let (slowest, fastest) = worst.context("there is at least one round")?;
    let rate =
        |round: &Measured| round.samples_micros.iter().sum::<f64>() / round.wall_micros * 1e6;
    let rate = Figure::of(measured.iter().map(rate));
    let heading = format!(
        "{lanes} lanes until the first has done {STEPS_MAX} steps; the worst of {rounds} rounds, steps per second as median (and spread)"
    );
    let mut report = Report::new("fairness", heading);
    report.key("steps", STEPS_MAX)?;
    report.key("lanes", lanes)?;
    report.key("rounds", rounds)?;
    report.key("runtime", arguments.runtime)?;
    report.key("file_system", file_system(arguments)?)?;
    report.key("ratio", slowest / fastest)?;
    report.key("slowest", slowest)?;
    report.key("fastest", fastest)?;
    report.key("steps_per_second", rate)?;
    report.row(
        "steps of the slowest lane",
        fastest.to_string(),
        slowest.to_string(),
    );
    report.row("steps per second", "", rate.shown());
    report.at_most("fastest lane by the slowest", 1.2, fastest / slowest);
    report.print(arguments)
}
