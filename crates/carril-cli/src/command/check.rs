//! `carril check`: everything that is wrong with a pipeline, with its place. Runs nothing, changes nothing.

use crate::arguments::Pipeline;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::findings;
use crate::prepared;
use carril::Asked;
use carril::shape::FindingShape;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug, Serialize)]
struct Shape<'a> {
    valid: bool,
    findings: Vec<FindingShape<'a>>,
    targets: BTreeMap<&'a str, TargetShape<'a>>,
}

#[derive(Debug, Serialize)]
struct TargetShape<'a> {
    asked: &'static str,
    is: Option<&'a str>,
}

/// Checks. What it finds is its result and goes to stdout.
pub(crate) async fn run(context: &Context, arguments: &Pipeline) -> Result<Exit, Failure> {
    let mut checked = prepared::check(context, arguments).await?;
    // Without any parameter given, a missing one is no mistake of the pipeline.
    if !arguments.inputs.set.is_empty()
        && let Err(findings) = prepared::parameters(&checked.loaded, arguments)
    {
        checked.report.findings.extend(findings);
    }
    let report = &checked.report;
    let exit = Exit::of_findings(&report.findings);
    if context.output.json() {
        let targets = report
            .asked
            .iter()
            .map(|(name, asked)| (name.as_str(), target(asked)))
            .collect();
        let valid = exit == Exit::Ok;
        context.output.value(&Shape {
            valid,
            findings: carril::shape::findings(&report.findings),
            targets,
        })?;
        return Ok(exit);
    }
    if !report.findings.is_empty() {
        context.output.data(&findings::draw(&report.findings))?;
    }
    let name = checked
        .loaded
        .definition
        .as_ref()
        .map_or("the pipeline", |definition| definition.name.as_str());
    let told = findings::tally(&report.findings);
    let said = match (exit, told) {
        (Exit::Ok, None) => format!("{name} is valid"),
        (Exit::Ok, Some(told)) => format!("{name} is valid, with {told}"),
        (_, told) => format!("{name} is not valid: {}", told.unwrap_or_default()),
    };
    let gap = if report.findings.is_empty() { "" } else { "\n" };
    context.output.talk(&format!("{gap}{said}"));
    Ok(exit)
}

fn target(asked: &Asked) -> TargetShape<'_> {
    match asked {
        Asked::Answered(is) => TargetShape {
            asked: "answered",
            is: Some(is),
        },
        Asked::Unknown => TargetShape {
            asked: "unknown",
            is: None,
        },
        Asked::Unreachable => TargetShape {
            asked: "unreachable",
            is: None,
        },
    }
}
