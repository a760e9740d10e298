//! `carril import`: the history of another program, out of its own tables into the store, after a backup of the store.
//!
//! What the rows mean is decided by the library; here it is read, told, and written once. A dry run does all but the writing.

mod told;

use crate::arguments::{Import, Inputs};
use crate::command::control;
use crate::context::Context;
use crate::door::{self, Door, Place};
use crate::exit::Exit;
use crate::failure::Failure;
use carril::model::contract::{History, ImportDone, ImportRow};
use carril::model::id::ProcessId;
use carril::model::import::{self, FlatError, FlatWanted, MapError, Mapped, Options, Source};
use carril::{BackupOptions, Carril, HistoryTables};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use told::Told;

/// Imports that are asked for in one go.
const PAGE: u32 = 10_000;
/// How long the engine may take to leave; it has no lanes.
const GRACE: Duration = Duration::from_secs(10);

/// Imports.
pub(crate) async fn run(context: &Context, arguments: &Import) -> Result<Exit, Failure> {
    let place = control::place(context)?;
    let tables = tables(arguments)?;
    let options = options(context, arguments)?;
    let targets = context.targets(&place.store);
    let source = carril::read_history(&targets, &arguments.from, &tables)
        .await
        .map_err(|error| unread(&error))?;
    let mapped = import::map(&source, &options).map_err(|error| unmapped(&error))?;
    let mut told = Told::before(arguments, &options, &source, &mapped);
    drop(source);
    if arguments.dry_run {
        let known = known(context, &place, &options.source).await?;
        told.preview(&mapped, &known);
        return told.tell(context);
    }
    if mapped.import.processes.is_empty() {
        return told.tell(context);
    }
    let carril = match door::open(context, &place).await? {
        Door::Engine(carril) => carril,
        Door::Mail(_, holder) => {
            let message = format!("{holder} has the store, and an import wants it for itself");
            return Err(Failure::new(Exit::Refused, "CAR0855", message)
                .help("wait for its end, or stop it, and import again"));
        }
    };
    let written = write(context, arguments, &place, &carril, mapped).await;
    let closed = carril.shutdown(GRACE).await;
    let (backup, done) = written?;
    closed?;
    told.written(backup, &done);
    told.tell(context)
}

/// Makes the backup and writes, while this command is the store's engine.
async fn write(
    context: &Context,
    arguments: &Import,
    place: &Place,
    carril: &Carril,
    mapped: Mapped,
) -> Result<(Option<PathBuf>, ImportDone), Failure> {
    let known = all_known(carril.history(), &mapped.import.source).await?;
    let before = mapped.import.processes.len();
    let import = mapped.import.without(|key| known.contains(key));
    let known = (before - import.processes.len()) as u64;
    if import.processes.is_empty() {
        let done = ImportDone {
            known,
            ..ImportDone::default()
        };
        return Ok((None, done));
    }
    let backup = backup(context, arguments, place, carril).await?;
    let mut done = carril.engine().import(import).await?;
    done.known += known;
    Ok((backup, done))
}

/// A copy of the store as it is, unless there is nothing in it, or somebody says that there is one.
async fn backup(
    context: &Context,
    arguments: &Import,
    place: &Place,
    carril: &Carril,
) -> Result<Option<PathBuf>, Failure> {
    let filter = carril::model::contract::ProcessFilter {
        max: 1,
        ..Default::default()
    };
    let is_empty = carril.history().processes(&filter).await?.is_empty();
    if arguments.no_backup || is_empty {
        return Ok(None);
    }
    let Some(store) = place.store.file() else {
        let message = "a store on a server is not backed up by carril, and nothing was imported";
        return Err(Failure::usage(message).help(
            "keep a copy with the server's own tools (`pg_dump -n carril`), then say `--no-backup`",
        ));
    };
    let file = match &arguments.backup {
        Some(file) => context.absolute(file),
        None => beside(store, context),
    };
    let folder = &context.surroundings.folder;
    carril::backup(&place.store.url(), &file, folder, BackupOptions::default()).await?;
    Ok(Some(file))
}

/// `carril.db.before-import-20251124T101500Z`.
fn beside(store: &Path, context: &Context) -> PathBuf {
    let now = crate::output::time::rfc3339(context.now());
    let stamp: String = now
        .chars()
        .take_while(|letter| *letter != '.')
        .filter(|letter| letter.is_ascii_alphanumeric())
        .collect();
    let mut name = store.as_os_str().to_owned();
    name.push(format!(".before-import-{}Z", stamp.trim_end_matches('Z')));
    PathBuf::from(name)
}

/// Keys that were imported before, where there is a store.
async fn known(context: &Context, place: &Place, source: &str) -> Result<HashSet<String>, Failure> {
    let Some(reader) = context.read_if_there(&place.store).await? else {
        return Ok(HashSet::new());
    };
    all_known(reader.history(), source).await
}

async fn all_known(history: &dyn History, source: &str) -> Result<HashSet<String>, Failure> {
    let mut keys = HashSet::new();
    let mut above: Option<ProcessId> = None;
    loop {
        let page: Vec<ImportRow> = history.imports(source, above, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(keys);
        };
        above = Some(last.process);
        keys.extend(page.into_iter().map(|row| row.key));
    }
}

fn tables(arguments: &Import) -> Result<HistoryTables, Failure> {
    let mut tables = HistoryTables::default();
    for table in [&mut tables.runs, &mut tables.funds] {
        table.schema.clone_from(&arguments.schema);
    }
    for pair in &arguments.tables {
        let table: &mut FlatWanted = match pair.name.as_str() {
            "runs" => &mut tables.runs,
            "funds" => &mut tables.funds,
            "all-funds" => {
                tables.people.required = true;
                &mut tables.people
            }
            other => {
                let message = format!("`{other}` is no table of a history");
                return Err(Failure::usage(message)
                    .help("write --table runs=NAME, funds=NAME or all-funds=NAME"));
            }
        };
        match pair.value.split_once('.') {
            Some((schema, name)) => {
                schema.clone_into(&mut table.schema);
                name.clone_into(&mut table.name);
            }
            None => table.name.clone_from(&pair.value),
        }
    }
    Ok(tables)
}

fn options(context: &Context, arguments: &Import) -> Result<Options, Failure> {
    // A `carril.toml` that is wrong is told before a long reading.
    context.settings(None, &Inputs::default())?;
    let pairs = |given: &[crate::arguments::Pair]| -> BTreeMap<String, String> {
        let pairs = given.iter();
        pairs
            .map(|pair| (pair.name.clone(), pair.value.clone()))
            .collect()
    };
    Ok(Options {
        pipeline: arguments.pipeline.clone(),
        source: arguments
            .source
            .clone()
            .unwrap_or_else(|| arguments.schema.clone()),
        zone: arguments.zone.clone(),
        columns: pairs(&arguments.columns),
        states: pairs(&arguments.states),
        partial: arguments.partial,
        unfinished: arguments.unfinished,
        now: context.now(),
    })
}

fn unread(error: &FlatError) -> Failure {
    let exit = match error {
        FlatError::Unreachable(_) | FlatError::Unreadable { .. } => Exit::Unreachable,
        FlatError::NoTable { .. } | FlatError::TooMany { .. } => Exit::Invalid,
    };
    let failure = Failure::new(exit, error.code(), error.to_string());
    match error {
        FlatError::NoTable { .. } => {
            failure.help("`--schema NAME` and `--table runs=NAME` say where they are")
        }
        _ => failure,
    }
}

fn unmapped(error: &MapError) -> Failure {
    let failure = |exit| Failure::new(exit, error.code(), error.to_string());
    match error {
        MapError::Option(_) => failure(Exit::Usage),
        MapError::NoColumn { column, .. } => failure(Exit::Invalid).help(format!(
            "`--column {column}=NAME` says how it is called there"
        )),
        _ => failure(Exit::Invalid),
    }
}

impl Told {
    /// What there is to tell before anything was written.
    fn before(arguments: &Import, options: &Options, source: &Source, mapped: &Mapped) -> Self {
        let people = source.people.as_ref().map(|table| table.name.clone());
        Self {
            source: options.source.clone(),
            runs: source.runs.name.clone(),
            funds: source.funds.name.clone(),
            all_funds: people,
            zone: options.zone.clone(),
            pipeline: options.pipeline.clone(),
            dry_run: arguments.dry_run,
            counts: mapped.counts,
            problems: mapped.problems.clone(),
            ..Self::default()
        }
    }
}
