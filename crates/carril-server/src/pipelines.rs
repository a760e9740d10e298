//! Pipelines that can be launched here: the server's folder is one, or has some in folders of its own. Read from disk when they are
//! asked for, so that a file that changed is launched as it is.

use crate::app::App;
use crate::listener::blocking;
use crate::parameters::Name;
use crate::problem::Problem;
use crate::told::Told;
use axum::extract::State;
use carril::model::definition::Parameter;
use carril::model::finding::{Finding, Severity};
use carril::model::load::Loaded;
use carril::{PipelineDefinition, Settings};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use utoipa::ToSchema;

/// What makes a folder a pipeline's.
const FILE: &str = "pipeline.toml";
/// Folders that are looked into.
const FOLDERS_MAX: usize = 500;

/// Pipelines.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Pipelines {
    pipelines: Vec<PipelineListed>,
}

/// A pipeline in short.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PipelineListed {
    name: String,
    /// Its folder below the server's; empty for that one itself.
    folder: String,
    description: Option<String>,
    version: Option<String>,
    /// Mistakes in its files; with any it cannot be launched.
    errors: u64,
}

/// What a pipeline is going to do, and what a launch of it may set.
#[derive(Serialize)]
struct Described<'a> {
    #[serde(flatten)]
    outline: carril::Outline,
    /// By name: its kind, its default, what it is for.
    params: &'a BTreeMap<String, Parameter>,
}

/// A pipeline that can be launched.
pub(crate) struct Prepared {
    pub(crate) folder: PathBuf,
    pub(crate) pipeline: PipelineDefinition,
    pub(crate) settings: Settings,
}

/// A folder, its path below the server's, and what was read there.
struct Read {
    folder: PathBuf,
    below: String,
    loaded: Loaded,
}

impl Read {
    /// As its file says; of one that cannot be read, as its folder is called.
    fn name(&self) -> &str {
        let known = self.loaded.definition.as_ref();
        known.map_or(&self.below, |definition| &definition.name)
    }
}

/// Lists pipelines.
pub(crate) async fn list(State(app): State<App>) -> Result<Told, Problem> {
    let found = all(&app).await?;
    let listed = found.iter().map(|read| {
        let definition = read.loaded.definition.as_ref();
        let is_error = |finding: &&Finding| finding.severity == Severity::Error;
        PipelineListed {
            name: read.name().to_owned(),
            folder: read.below.clone(),
            description: definition.and_then(|definition| definition.description.clone()),
            version: definition.map(|definition| definition.version().0),
            errors: read.loaded.findings.iter().filter(is_error).count() as u64,
        }
    });
    Ok(Told::ok(&Pipelines {
        pipelines: listed.collect(),
    }))
}

/// Tells of one pipeline.
pub(crate) async fn one(State(app): State<App>, Name(name): Name) -> Result<Told, Problem> {
    let read = find(&app, &name).await?;
    let pipeline = PipelineDefinition::from_loaded(read.loaded)
        .map_err(|invalid| Problem::invalid(invalid.findings))?;
    let plan = pipeline.plan();
    Ok(Told::ok(&Described {
        outline: carril::outline(plan),
        params: &plan.definition().params,
    }))
}

/// Reads a pipeline and checks it against its targets.
pub(crate) async fn prepare(app: &App, name: &str) -> Result<Prepared, Problem> {
    let read = find(app, name).await?;
    let folders: [&Path; 2] = [&read.folder, &app.folder];
    let settings = Settings::find(&folders).map_err(Problem::invalid)?;
    let report = carril::check(&read.loaded, &app.targets, &settings.targets).await;
    if report.has_errors() {
        return Err(Problem::invalid(report.findings));
    }
    let pipeline = PipelineDefinition::from_loaded(read.loaded)
        .map_err(|invalid| Problem::invalid(invalid.findings))?;
    Ok(Prepared {
        folder: read.folder,
        pipeline,
        settings,
    })
}

async fn find(app: &App, name: &str) -> Result<Read, Problem> {
    let mut found = all(app).await?;
    let at = found.iter().position(|read| read.name() == name);
    match at {
        Some(at) => Ok(found.swap_remove(at)),
        None => {
            let known: Vec<&str> = found.iter().map(Read::name).collect();
            let problem =
                Problem::of_code("CAR0912", format!("there is no pipeline `{name}` here"));
            let help = carril::model::load::suggestion(name, known);
            Err(problem.help(help.unwrap_or_else(|| {
                "`carril serve DIR` launches pipelines of DIR and of the folders in it".to_owned()
            })))
        }
    }
}

async fn all(app: &App) -> Result<Vec<Read>, Problem> {
    let folder = app.folder.clone();
    let read = blocking(move || folders(&folder).into_iter().map(read).collect()).await;
    read.ok_or_else(|| Problem::of_code("CAR0800", "reading the pipelines panicked"))
}

fn read((folder, below): (PathBuf, String)) -> Read {
    Read {
        loaded: carril::pipeline::load_dir(&folder),
        folder,
        below,
    }
}

/// Folders with a pipeline, in order of their names.
fn folders(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    if folder.join(FILE).is_file() {
        found.push((folder.to_owned(), String::new()));
    }
    // A folder that is not there, or may not be read, has no pipelines.
    let inner = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut below: Vec<(PathBuf, String)> = inner
        .filter(|entry| entry.path().join(FILE).is_file())
        .filter_map(|entry| Some((entry.path(), entry.file_name().into_string().ok()?)))
        .take(FOLDERS_MAX)
        .collect();
    below.sort();
    found.append(&mut below);
    found
}
