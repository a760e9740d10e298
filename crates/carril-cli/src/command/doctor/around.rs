//! What lies around the store: `carril.toml`, targets, secrets and the pipeline, each looked at as a run would, and only looked at.

use super::Line;
use crate::arguments::{Inputs, Pipeline};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::findings;
use crate::output::number;
use crate::prepared;
use carril::model::finding::{Finding, Severity};
use carril::{Location, Settings, Targets};

/// Findings of a pipeline that are told; `carril check` tells all.
const FINDINGS_TOLD: usize = 5;

/// Reads the `carril.toml`; one that is wrong is told, and what the command line says counts alone.
///
/// # Errors
/// Exit 2 for arguments that are wrong.
pub(super) fn settings(
    context: &Context,
    arguments: &Pipeline,
    lines: &mut Vec<Line>,
) -> Result<Settings, Failure> {
    let failure = match context.settings(Some(&arguments.folder), &arguments.inputs) {
        Ok(settings) => {
            lines.push(Line::well("carril.toml", places(&settings)));
            return Ok(settings);
        }
        Err(failure) if failure.exit == Exit::Usage => return Err(failure),
        Err(failure) => failure,
    };
    for finding in &failure.findings {
        let todo = finding.help.clone().unwrap_or_else(|| {
            format!(
                "`carril explain {}` tells what would be right",
                finding.code
            )
        });
        lines.push(Line::fault(
            "carril.toml",
            failure.exit,
            told(finding),
            todo,
        ));
    }
    let mut settings = Settings::default();
    if let Some(store) = context.given_store() {
        settings.set_store(store, &context.surroundings.folder)?;
    }
    Ok(settings)
}

fn places(settings: &Settings) -> String {
    format!(
        "{}, {}",
        number::of(settings.targets.len() as u64, "target", "targets"),
        settings.store.as_ref().map_or_else(
            || "no store named".to_owned(),
            |store| format!("store {}", store.shown())
        )
    )
}

/// Opens each target for reading, and looks whether its file may be written.
pub(super) async fn targets(
    context: &Context,
    store: &Location,
    settings: &Settings,
    lines: &mut Vec<Line>,
) {
    let targets = context.targets(store);
    for (name, url) in &settings.targets {
        lines.push(target(&targets, name, url).await);
    }
}

async fn target(targets: &Targets, name: &str, url: &str) -> Line {
    let probed = match targets.open(name, url) {
        Ok(target) => target.probe().await,
        Err(error) => Err(error),
    };
    let is = match probed {
        Ok(is) => is,
        Err(error) => {
            let said = format!("{name}: {error}");
            let todo = "make it reachable, or say where it is: `[targets]` in carril.toml, or `--target NAME=URL` [CAR0511]";
            return Line::fault("target", Exit::Unreachable, said, todo);
        }
    };
    let said = format!("{name}: {is}");
    let Ok(Some(file)) = targets.file(url) else {
        return Line::well("target", said);
    };
    let disk = carril::disk(&file);
    if disk.network {
        let kind = disk.file_system.unwrap_or_default();
        let todo = "put it on a local disk: SQLite's locks do not hold over a network, and two writers may damage it";
        return Line::warning(
            "target",
            format!("{said}, on a network file system ({kind})"),
            todo,
        );
    }
    if !disk.writable {
        let todo = "that is right for targets that steps only read; else give write permission for the file and its folder";
        return Line::warning("target", format!("{said}; you may not write it"), todo);
    }
    Line::well("target", said)
}

/// Resolves each secret and forgets it.
pub(super) fn secrets(
    context: &Context,
    store: &Location,
    settings: &Settings,
    lines: &mut Vec<Line>,
) {
    for (name, resolved) in settings.http.resolvable(&context.targets(store)) {
        lines.push(match resolved {
            Ok(()) => Line::well("secret", format!("{name} can be resolved")),
            Err(why) => Line::fault(
                "secret",
                Exit::Invalid,
                format!("{name}: {why}"),
                "set the variable or make the file, for the user and the place that runs carril",
            ),
        });
    }
}

/// Checks the pipeline of the folder, if there is one.
pub(super) async fn pipeline(context: &Context, arguments: &Pipeline, lines: &mut Vec<Line>) {
    let folder = context.absolute(&arguments.folder);
    if !folder.join("pipeline.toml").exists() {
        return;
    }
    let arguments = Pipeline {
        folder: arguments.folder.clone(),
        // A target of the command line may be for the store alone.
        inputs: Inputs {
            targets: arguments.inputs.targets.clone(),
            ..Inputs::default()
        },
    };
    let report = match prepared::check(context, &arguments).await {
        Ok(checked) => checked.report,
        // What is wrong with the carril.toml has been told.
        Err(failure) if !failure.findings.is_empty() => return,
        Err(failure) => {
            lines.push(Line::of("pipeline", &failure, "`carril check` tells more"));
            return;
        }
    };
    let exit = Exit::of_findings(&report.findings);
    let mut left = report
        .findings
        .iter()
        .filter(|finding| finding.severity != Severity::Note);
    let mut told_any = false;
    for finding in left.by_ref().take(FINDINGS_TOLD) {
        told_any = true;
        let todo = finding.help.clone();
        let todo = todo.unwrap_or_else(|| "`carril check` tells more".to_owned());
        lines.push(if finding.severity == Severity::Error {
            Line::fault("pipeline", exit, told(finding), todo)
        } else {
            Line::warning("pipeline", told(finding), todo)
        });
    }
    if left.next().is_some() {
        let all = findings::tally(&report.findings).unwrap_or_default();
        lines.push(Line::warning(
            "pipeline",
            format!("in all: {all}"),
            "`carril check` tells each",
        ));
    } else if !told_any {
        lines.push(Line::well("pipeline", "valid"));
    }
}

/// A finding on one line.
fn told(finding: &Finding) -> String {
    let place = finding.place.as_ref().map_or_else(String::new, |place| {
        format!("{}:{}: ", place.file, place.line)
    });
    format!("{place}{} [{}]", finding.message, finding.code)
}
