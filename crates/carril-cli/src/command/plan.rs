//! `carril plan`: what a run would do: how many entities, which stages and steps under which conditions, which limits.
//! The entities query is run, nothing else; nothing is changed.

use crate::arguments::Pipeline;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::table::cut;
use crate::output::{number, paint, time};
use crate::prepared::{self, Prepared};
use carril::model::definition::{Overlap, Scope};
use carril::shape::FindingShape;
use carril::{EntitiesOutline, EntitiesPreview, Outline, StageOutline, StepOutline};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Entities that are named.
const SAMPLE: usize = 5;

#[derive(Debug, Serialize)]
struct Shape<'a> {
    pipeline: Outline,
    params: &'a Map<String, Value>,
    targets: &'a BTreeMap<String, String>,
    entities: Option<u64>,
    sample: Vec<&'a str>,
    findings: Vec<FindingShape<'a>>,
}

/// Tells what a run would do.
pub(crate) async fn run(context: &Context, arguments: &Pipeline) -> Result<Exit, Failure> {
    let prepared = prepared::prepare(context, arguments).await?;
    let plan = prepared.pipeline.plan();
    let entities = carril::entities(
        plan,
        &prepared.params,
        &prepared.targets,
        &prepared.settings.targets,
        SAMPLE,
    )
    .await?;
    let outline = carril::outline(plan);
    if context.output.json() {
        let sample = entities.sample.iter().map(|row| row.key.as_str()).collect();
        let (params, targets) = (&prepared.params, &prepared.settings.targets);
        let findings = carril::shape::findings(&prepared.report.findings);
        context.output.value(&Shape {
            pipeline: outline,
            params,
            targets,
            entities: entities.count,
            sample,
            findings,
        })?;
    } else {
        context
            .output
            .data(&drawn(&prepared, &outline, &entities))?;
    }
    if entities.count == Some(0) {
        let failure = Failure::new(
            Exit::Nothing,
            "CAR0403",
            "a run would do nothing: no entity is selected",
        );
        return Err(failure.help("look at the entities query and at the parameters it is given"));
    }
    context.output.talk(&format!(
        "\nnothing was changed; `{}` does it",
        context.command_line("run", arguments)
    ));
    Ok(Exit::Ok)
}

fn drawn(prepared: &Prepared, outline: &Outline, entities: &EntitiesPreview) -> String {
    let version: String = outline.version.chars().take(8).collect();
    let mut lines = vec![format!(
        "{} {} · version {version}",
        paint::bold("pipeline"),
        outline.name
    )];
    lines.extend(outline.description.iter().map(|text| format!("  {text}")));
    let mut add = |name: &str, value: String| lines.push(format!("  {name:<12}{value}"));
    add("entities", entities_line(outline, entities));
    for (name, value) in &prepared.params {
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        add("parameter", format!("{name} = {value}"));
    }
    for name in &outline.targets {
        let place = prepared
            .settings
            .targets
            .get(name)
            .map_or("not known", String::as_str);
        add("target", format!("{name} = {place}"));
    }
    add("lanes", format!("{}{}", lanes(outline), overlap(prepared)));
    if outline.priority != 0 {
        add("priority", outline.priority.to_string());
    }
    for (name, limits) in &outline.resources {
        add("limit", format!("{name}: {limits}"));
    }
    if !outline.workspace.is_empty() {
        add("workspace", cut(&outline.workspace.join(", "), 100));
    }
    for segment in &outline.segments {
        let heading = match segment.per {
            Scope::Entity => "in every lane",
            Scope::Process => "once, when all lanes are done so far",
        };
        lines.push(format!("\n{}", paint::bold(heading)));
        lines.extend(segment.stages.iter().map(stage));
    }
    lines.join("\n")
}

fn entities_line(outline: &Outline, entities: &EntitiesPreview) -> String {
    let from = match &outline.entities {
        EntitiesOutline::Query { target, key } => format!("from {target} by {key}"),
        EntitiesOutline::List { .. } => "named in the pipeline".to_owned(),
        EntitiesOutline::Given => return "given by the program that launches it".to_owned(),
    };
    let count = entities.count.unwrap_or(0);
    let names: Vec<&str> = entities.sample.iter().map(|row| row.key.as_str()).collect();
    let more = if count > names.len() as u64 {
        ", …"
    } else {
        ""
    };
    format!(
        "{} {from}: {}{more}",
        number::count(count),
        names.join(", ")
    )
}

fn lanes(outline: &Outline) -> String {
    if outline.lanes_auto {
        "as many at once as do most (auto)".to_owned()
    } else {
        format!("{} at once", outline.lanes)
    }
}

fn overlap(prepared: &Prepared) -> &'static str {
    match prepared.pipeline.plan().definition().lanes.overlap {
        Overlap::Skip => {
            "; while one with these parameters is unfinished, a second launch is skipped"
        }
        Overlap::Queue => "; while one with these parameters is unfinished, a second launch waits",
        Overlap::CancelRunning => "; a second launch with these parameters cancels the first",
        Overlap::Allow => "; launches with the same parameters run side by side",
    }
}

fn stage(stage: &StageOutline) -> String {
    let mut head = format!("  {}", paint::bold(&stage.name));
    if stage.parallel {
        head.push_str("  (its steps at once)");
    }
    if let Some(when) = &stage.when {
        head.push_str(&format!("  when {}", paint::command(when)));
    }
    let steps = stage.steps.iter().map(step);
    std::iter::once(head)
        .chain(steps)
        .collect::<Vec<_>>()
        .join("\n")
}

fn step(step: &StepOutline) -> String {
    let mut notes = Vec::new();
    if let Some(when) = &step.when {
        notes.push(format!("when {}", paint::command(when)));
    }
    if !step.critical {
        notes.push("not critical".to_owned());
    }
    if let Some(fallback) = &step.fallback {
        notes.push(format!("else {fallback}"));
    }
    if !step.resources.is_empty() {
        notes.push(format!("uses {}", step.resources.join(", ")));
    }
    if !step.shared_writes.is_empty() {
        notes.push(format!("writes shared {}", step.shared_writes.join(", ")));
    }
    let waits = matches!(step.kind, "wait" | "wait_until" | "signal" | "approval");
    let longest = step
        .timeout_ms
        .map(|millis| time::span(i64::try_from(millis.saturating_mul(1_000)).unwrap_or(i64::MAX)));
    let limit = match longest {
        Some(longest) if waits => Some(format!("{longest} at most")),
        Some(longest) => {
            let tries = number::of(u64::from(step.attempts), "try", "tries");
            Some(format!("{tries} of {longest}"))
        }
        None => None,
    };
    notes.extend(limit.map(|limit| paint::dim(&limit)));
    format!(
        "    {:<20} {:<8} {:<36} {}",
        step.name,
        step.kind,
        cut(&step.what, 36),
        notes.join(" · ")
    )
}
