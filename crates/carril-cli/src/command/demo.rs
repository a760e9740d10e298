//! `carril demo`: the fund pipeline over made-up funds, from nothing to a summary. A second call goes on where the first was.

use crate::arguments::{Demo, Inputs, Narrowing, Pair, Pipeline, Run};
use crate::command::run::work;
use crate::context::{Context, quoted};
use crate::embedded::{self, FUNDS};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::output::number;
use crate::prepared;
use crate::summary::Summary;
use carril::model::contract::{ProcessFilter, ProcessRow};
use carril::model::state::ProcessState;
use carril::{Location, ScriptValue};
use std::path::Path;

/// The report date of the funds that are made up.
const DATE: &str = "2025-06-30";
const WAREHOUSE: &str = "warehouse.db";
const PIPELINE: &str = "pipeline.toml";
/// How the demo's pipeline begins, by which a folder of the demo is known.
const NAME: &str = "name = \"fund-report\"";

const SETTINGS: &str = "\
# Made by `carril demo`. Paths are relative to this file.
store = \"carril.db\"

[targets]
warehouse = \"sqlite:warehouse.db\"
";

/// Makes what is missing, then runs it, or says that it is done.
pub(crate) async fn run(context: &Context, arguments: &Demo) -> Result<Exit, Failure> {
    let folder = context.absolute(&arguments.folder);
    make(context, arguments, &folder)?;
    let job = job(arguments);
    let prepared = prepared::prepare(context, &job.pipeline).await?;
    if let Some(row) = finished(context, &prepared.store, &prepared.params).await? {
        return tell(context, &prepared.store, row).await;
    }
    let exit = work(context, &prepared, &job).await?;
    if let Some(results) = results(arguments, exit) {
        context.output.talk(&format!("\n{results}"));
    }
    Ok(exit)
}

/// Where to look for what the pipeline made, if it made anything whole.
fn results(arguments: &Demo, exit: Exit) -> Option<String> {
    let what = match exit {
        Exit::Ok => "the report is",
        Exit::Failures => "what the lanes that succeeded published is",
        _ => return None,
    };
    let elsewhere = arguments
        .inputs
        .targets
        .iter()
        .find(|pair| pair.name == "warehouse");
    let warehouse = elsewhere.map_or_else(
        || arguments.folder.join(WAREHOUSE).display().to_string(),
        |pair| pair.value.clone(),
    );
    Some(format!(
        "{what} in {warehouse}: views fund_report, fund_position and fund_cube"
    ))
}

/// Writes the files that are not there, and makes the warehouse.
fn make(context: &Context, arguments: &Demo, folder: &Path) -> Result<(), Failure> {
    let pipeline = folder.join(PIPELINE);
    if pipeline.exists() {
        let text = std::fs::read_to_string(&pipeline)
            .map_err(|error| Failure::file(&pipeline, "read", &error))?;
        if !text.contains(NAME) {
            let message = format!("`{}` holds another pipeline", folder.display());
            return Err(Failure::new(Exit::Usage, "CAR0805", message)
                .help("name another folder: `carril demo --dir DIR`"));
        }
    }
    let missing: Vec<embedded::File> = FUNDS
        .iter()
        .copied()
        .filter(|(path, _)| !folder.join(path).exists())
        .collect();
    files::write_all(folder, &missing)?;
    if !folder.join(carril::Settings::FILE).exists() {
        files::write_all(folder, &[(carril::Settings::FILE, SETTINGS)])?;
    }
    let warehouse = folder.join(WAREHOUSE);
    let is_elsewhere = arguments
        .inputs
        .targets
        .iter()
        .any(|pair| pair.name == "warehouse");
    if warehouse.exists() || is_elsewhere {
        return Ok(());
    }
    context.output.talk(&format!(
        "making {} in {}",
        number::of(u64::from(arguments.funds), "fund", "funds"),
        quoted(&arguments.folder.to_string_lossy())
    ));
    fill(&warehouse, arguments)
}

/// Fills a file of another name and gives it its own at the end, so that a warehouse is there whole or not at all.
fn fill(warehouse: &Path, arguments: &Demo) -> Result<(), Failure> {
    let making = warehouse.with_extension("db.making");
    if making.exists() {
        std::fs::remove_file(&making).map_err(|error| Failure::file(&making, "remove", &error))?;
    }
    let scripts = [
        embedded::text(FUNDS, "sql/schema.sql"),
        embedded::text(FUNDS, "sql/generate.sql"),
    ];
    let parameters = [
        ("funds", ScriptValue::Integer(i64::from(arguments.funds))),
        ("report_date", ScriptValue::Text(date(arguments))),
    ];
    carril::run_script(&making, &scripts, &parameters)
        .map_err(|error| files::unfilled(warehouse, &error))?;
    std::fs::rename(&making, warehouse).map_err(|error| Failure::file(warehouse, "make", &error))
}

fn date(arguments: &Demo) -> &str {
    arguments
        .inputs
        .set
        .iter()
        .find(|pair| pair.name == "report_date")
        .map_or(DATE, |pair| pair.value.as_str())
}

/// The demo as a run.
fn job(arguments: &Demo) -> Run {
    let mut inputs: Inputs = arguments.inputs.clone();
    if !inputs.set.iter().any(|pair| pair.name == "report_date") {
        inputs.set.push(Pair {
            name: "report_date".to_owned(),
            value: DATE.to_owned(),
        });
    }
    Run {
        pipeline: Pipeline {
            folder: arguments.folder.clone(),
            inputs,
        },
        narrowing: Narrowing::default(),
        lanes: None,
        priority: None,
        idempotency_key: None,
        despite_failures: false,
        timeout: None,
    }
}

/// The newest process of these parameters, if none of them is unfinished.
async fn finished(
    context: &Context,
    store: &Location,
    params: &serde_json::Map<String, serde_json::Value>,
) -> Result<Option<ProcessRow>, Failure> {
    let Some(reader) = context.read_if_there(store).await? else {
        return Ok(None);
    };
    let filter = ProcessFilter {
        pipeline: Some("fund-report".to_owned()),
        max: 100,
        ..ProcessFilter::default()
    };
    let rows = reader.history().processes(&filter).await?;
    let mut same = rows
        .into_iter()
        .filter(|row| row.params == *params)
        .peekable();
    let newest = same.peek().cloned();
    Ok(if same.all(|row| row.state.is_settled()) {
        newest
    } else {
        None
    })
}

async fn tell(context: &Context, store: &Location, row: ProcessRow) -> Result<Exit, Failure> {
    let reader = context.read(store).await?;
    let said = if row.state == ProcessState::Succeeded {
        "the demo in this folder is done already; this is how it ended".to_owned()
    } else {
        format!(
            "the demo in this folder was run already and is {}; what can be done now is below",
            row.state
        )
    };
    context.output.talk(&said);
    let summary = Summary::of(reader.history(), row, context.now()).await?;
    if context.output.json() {
        context
            .output
            .line(&summary.shape(context, store, "finished", Exit::Ok))?;
    } else {
        context.output.data(&summary.drawn(context, store))?;
    }
    Ok(Exit::Ok)
}
