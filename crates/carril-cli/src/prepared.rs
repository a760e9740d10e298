//! A pipeline read from its folder, checked against its targets, with the parameters of this call: what `check`, `plan` and
//! `run` begin with. Nothing is changed here.

use crate::arguments::{Pair, Pipeline};
use crate::context::Context;
use crate::failure::Failure;
use crate::findings;
use carril::model::finding::{Finding, Severity};
use carril::model::load::{self, Loaded};
use carril::{CheckReport, Location, PipelineDefinition, Settings, Targets};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A pipeline that can be launched.
pub(crate) struct Prepared {
    /// Its folder, absolute.
    pub(crate) folder: PathBuf,
    /// It.
    pub(crate) pipeline: PipelineDefinition,
    /// Every parameter's value.
    pub(crate) params: Map<String, Value>,
    /// Where store and targets are.
    pub(crate) settings: Settings,
    /// The store.
    pub(crate) store: Location,
    /// Its targets, for looking only.
    pub(crate) targets: Targets,
    /// What the check found and what it asked.
    pub(crate) report: CheckReport,
}

/// A pipeline that was read and checked, right or wrong.
pub(crate) struct Checked {
    pub(crate) loaded: Loaded,
    pub(crate) report: CheckReport,
    pub(crate) settings: Settings,
    pub(crate) store: Location,
    pub(crate) targets: Targets,
}

/// Reads and checks.
///
/// # Errors
/// For a wrong `carril.toml` or wrong arguments; what is wrong with the pipeline is in the report.
pub(crate) async fn check(context: &Context, arguments: &Pipeline) -> Result<Checked, Failure> {
    let folder = context.absolute(&arguments.folder);
    let settings = context.settings(Some(&folder), &arguments.inputs)?;
    let loaded = carril::pipeline::load_dir(&folder);
    let store = context.store_of(&settings);
    let targets = context.targets(&store);
    let mut report = carril::check(&loaded, &targets, &settings.targets).await;
    report.findings.extend(settings.http.check(&loaded));
    if loaded.definition.is_some() {
        known_targets(&report, arguments)?;
    }
    Ok(Checked {
        loaded,
        report,
        settings,
        store,
        targets,
    })
}

/// A target that the command line places and the pipeline does not have is a slip; in `carril.toml` it may be another pipeline's.
fn known_targets(report: &CheckReport, arguments: &Pipeline) -> Result<(), Failure> {
    let unknown = |pair: &&Pair| !report.asked.contains_key(&pair.name);
    let Some(pair) = arguments.inputs.targets.iter().find(unknown) else {
        return Ok(());
    };
    let message = format!("the pipeline has no target `{}`", pair.name);
    let known = report.asked.keys().map(String::as_str);
    let help =
        load::suggestion(&pair.name, known).unwrap_or_else(|| "it has no targets".to_owned());
    Err(Failure::usage(message).help(help))
}

/// The parameters of this call.
///
/// # Errors
/// What is missing, unknown or of the wrong type.
pub(crate) fn parameters(
    loaded: &Loaded,
    arguments: &Pipeline,
) -> Result<Map<String, Value>, Vec<Finding>> {
    let given: BTreeMap<String, String> = arguments
        .inputs
        .set
        .iter()
        .map(|pair| (pair.name.clone(), pair.value.clone()))
        .collect();
    loaded.definition.as_ref().map_or_else(
        || Ok(Map::new()),
        |definition| load::parameters(definition, &given),
    )
}

/// Reads, checks and takes the parameters; tells doubts on stderr.
///
/// # Errors
/// Exit 3 with everything that is wrong, exit 10 when all that is wrong is a target that cannot be reached.
pub(crate) async fn prepare(context: &Context, arguments: &Pipeline) -> Result<Prepared, Failure> {
    let Checked {
        loaded,
        mut report,
        settings,
        store,
        targets,
    } = check(context, arguments).await?;
    let params = match parameters(&loaded, arguments) {
        Ok(params) => params,
        Err(findings) => {
            report.findings.extend(findings);
            Map::new()
        }
    };
    if report.has_errors() {
        return Err(Failure::invalid(report.findings));
    }
    // Notes tell what was not looked at, which only matters to whoever checks.
    let doubts: Vec<Finding> = report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Warning)
        .cloned()
        .collect();
    if !doubts.is_empty() && !context.output.json() {
        context.output.talk(&findings::draw(&doubts));
    }
    let pipeline = PipelineDefinition::from_loaded(loaded)
        .map_err(|invalid| Failure::invalid(invalid.findings))?;
    Ok(Prepared {
        folder: context.absolute(&arguments.folder),
        pipeline,
        params,
        settings,
        store,
        targets,
        report,
    })
}
