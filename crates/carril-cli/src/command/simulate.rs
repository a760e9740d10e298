//! `carril simulate`: what a recorded process would have taken with other numbers, what would hold it up then, and which of its
//! stages trouble each other. Only reads; how it is worked out is the model's.

mod told;

use crate::arguments::{Pair as Argument, Simulate};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::found;
use carril::POSTGRES_CONNECTIONS;
use carril::model::contract::{ExecutionFilter, History, ProcessRow};
use carril::model::id::ProcessId;
use carril::model::plan::Plan;
use carril::model::simulate::{
    COMBINATIONS_MAX, NotRecorded, Numbers, Recorder, Recording, Use, check, pairs, predict,
};
use std::collections::{BTreeMap, BTreeSet};
use told::Told;

/// Executions read in one go.
const PAGE: u32 = 1_000;
/// Executions that are played; all their attempts are held in memory.
const EXECUTIONS_MAX: u64 = 100_000;

/// Simulates.
pub(crate) async fn run(context: &Context, arguments: &Simulate) -> Result<Exit, Failure> {
    let reader = context.reader().await?;
    let history = reader.history();
    let process = found::known_process(history, ProcessId(arguments.process)).await?;
    if process.tally.total > EXECUTIONS_MAX {
        let message = format!(
            "process {} has more than {EXECUTIONS_MAX} executions, and a model holds them in memory",
            process.id
        );
        return Err(Failure::new(Exit::Refused, "CAR0870", message));
    }
    let plan = Plan::new(history.definition_of(process.id).await?);
    let (recording, uses) = record(history, &process, &plan).await?;
    let asked = combinations(&recording, arguments)?;
    let checked = check(&recording);
    let told = Told {
        process: &process,
        check: checked,
        same: predict(&recording, &recording.numbers),
        predictions: asked
            .iter()
            .map(|numbers| predict(&recording, numbers))
            .collect(),
        pairs: pairs(&uses),
        recording: &recording,
    };
    told.tell(context)?;
    Ok(Exit::Ok)
}

async fn record(
    history: &dyn History,
    process: &ProcessRow,
    plan: &Plan,
) -> Result<(Recording, Vec<Use>), Failure> {
    let refuse = |why| unrecorded(process, why);
    let connections = u32::try_from(POSTGRES_CONNECTIONS).unwrap_or(u32::MAX);
    let mut recorder = Recorder::new(process, plan, connections).map_err(refuse)?;
    let mut filter = ExecutionFilter {
        max: PAGE,
        ..ExecutionFilter::default()
    };
    loop {
        let page = found::executions(history, process.id, &filter).await?;
        let Some(last) = page.last() else {
            break;
        };
        filter.after = Some(last.id);
        for row in &page {
            recorder.add(row, &history.attempts(row.id, None).await?);
        }
    }
    recorder.finish().map_err(refuse)
}

fn unrecorded(process: &ProcessRow, why: NotRecorded) -> Failure {
    let id = process.id;
    let (message, help) = match why {
        NotRecorded::Unsettled => (
            format!(
                "process {id} is {}, and only a process that has ended is whole",
                process.state
            ),
            "wait for its end, or name an earlier process of the pipeline: `carril ps`",
        ),
        NotRecorded::Imported => (
            format!("process {id} was imported, and nobody knows when its stages ran"),
            "name a process that was run here: `carril ps`",
        ),
        NotRecorded::Nothing => (
            format!("no step of process {id} ran, so there is nothing to go by"),
            "name a process whose steps ran: `carril ps`",
        ),
    };
    Failure::new(Exit::Refused, "CAR0870", message).help(help)
}

/// Every combination of the numbers that were asked for; none where none was.
fn combinations(recording: &Recording, arguments: &Simulate) -> Result<Vec<Numbers>, Failure> {
    let mut all = vec![recording.numbers.clone()];
    let mut asked = false;
    let mut multiply = |values: &[u32], set: &dyn Fn(&mut Numbers, u32)| -> Result<(), Failure> {
        if values.is_empty() {
            return Ok(());
        }
        asked = true;
        let mut next = Vec::new();
        for numbers in &all {
            for value in values {
                let mut numbers = numbers.clone();
                set(&mut numbers, *value);
                next.push(numbers);
            }
        }
        if next.len() > COMBINATIONS_MAX {
            let message = format!("that makes more than {COMBINATIONS_MAX} combinations");
            return Err(Failure::usage(message).help("ask for fewer values at once"));
        }
        all = next;
        Ok(())
    };
    multiply(&arguments.lanes, &|numbers, value| numbers.lanes = value)?;
    for (name, values) in listed(&arguments.resources)? {
        let known = resources(recording);
        if !known.contains(&name) {
            return Err(unknown("resource", &name, known.iter()));
        }
        multiply(&values, &|numbers, value| {
            numbers.slots.insert(name.clone(), value);
        })?;
    }
    for (name, values) in listed(&arguments.pools)? {
        let known = &recording.numbers.pools;
        if !known.contains_key(&name) {
            return Err(unknown("target with connections", &name, known.keys()));
        }
        multiply(&values, &|numbers, value| {
            numbers.pools.insert(name.clone(), value);
        })?;
    }
    Ok(if asked { all } else { Vec::new() })
}

/// What its steps use, whether it limits them or not.
fn resources(recording: &Recording) -> BTreeSet<String> {
    let jobs = recording.segments.iter().flat_map(|segment| &segment.jobs);
    let acts = jobs.flat_map(|job| job.phases.iter().flatten().flatten());
    let used = acts.flat_map(|act| act.resources.iter().cloned());
    used.chain(recording.numbers.slots.keys().cloned())
        .collect()
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a String>) -> Failure {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let help = if known.is_empty() {
        "its steps use none".to_owned()
    } else {
        format!("its steps use {}", known.join(", "))
    };
    let message = format!("the process has no {what} called `{name}`");
    Failure::new(Exit::Usage, "CAR0871", message).help(help)
}

/// `NAME=2,4` as a name with its values.
fn listed(arguments: &[Argument]) -> Result<BTreeMap<String, Vec<u32>>, Failure> {
    let mut all: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for argument in arguments {
        for value in argument.value.split(',') {
            let value = value.trim().parse().ok().filter(|value| *value > 0);
            let Some(value) = value else {
                let message = format!(
                    "`{}={}` names no number of places",
                    argument.name, argument.value
                );
                return Err(Failure::usage(message)
                    .help("write NAME=N or NAME=N,N: whole numbers from 1 on"));
            };
            all.entry(argument.name.clone()).or_default().push(value);
        }
    }
    Ok(all)
}
