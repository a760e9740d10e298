//! The store in a doctor's eyes: its file and disk, what it says of itself, who works on it, and what waits in it.

use super::Line;
use crate::command::prune;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::found;
use crate::output::{number, time};
use carril::model::account::CauseKind;
use carril::model::contract::{History, ProcessFilter, ProcessRow};
use carril::model::id::ProcessId;
use carril::model::state::ProcessState;
use carril::{Disk, EngineSeen, Examined, Location, Reader, Settings};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A log beyond this is not written back: somebody has been reading for very long.
const LOG_BYTES: u64 = 256 * 1024 * 1024;
/// Less room than this and commits are about to fail.
const ROOM_BYTES_MIN: u64 = 64 * 1024 * 1024;
/// Less room than this and somebody should know.
const ROOM_BYTES: u64 = 1024 * 1024 * 1024;
/// How far clocks may differ before anybody is told.
const CLOCK_MICROS: i64 = 1_000_000;
/// An engine says that it is alive every few seconds; after this it hangs.
const SILENT_MICROS: i64 = 60_000_000;
/// Wishes are answered within a second, launches excepted.
const WISH_MICROS: i64 = 60_000_000;
/// Most unfinished processes that are looked into.
const PROCESSES_MAX: u32 = 1_000;

/// Looks at the store, and tells what cannot be looked at.
pub(super) async fn look(
    context: &Context,
    store: &Location,
    settings: &Settings,
    lines: &mut Vec<Line>,
) {
    let told = match store.file() {
        Some(path) => file(context, (store, path), settings, lines).await,
        None => server(context, store, settings, lines).await,
    };
    if let Err(failure) = told {
        lines.push(Line::of("store", &failure, "look at the lines above"));
    }
}

/// A store on a server, which has its own doctors: whether it answers, and what waits in it.
async fn server(
    context: &Context,
    store: &Location,
    settings: &Settings,
    lines: &mut Vec<Line>,
) -> Result<(), Failure> {
    let reader = context.read(store).await?;
    lines.push(Line::well("store", format!("{}, answers", store.shown())));
    let nodes = reader.nodes().await?;
    lines.push(match nodes.as_slice() {
        [] => Line::well("engine", "none is at work"),
        nodes => {
            let named: Vec<String> = nodes.iter().map(found::node).collect();
            Line::well("engine", named.join(", "))
        }
    });
    let is_running = !nodes.is_empty();
    unfinished(context, store, &reader, is_running, lines).await?;
    backlog(context, &reader, settings, is_running, lines).await?;
    workspaces(context, store, reader.history(), lines).await
}

async fn file(
    context: &Context,
    (store, path): (&Location, &Path),
    settings: &Settings,
    lines: &mut Vec<Line>,
) -> Result<(), Failure> {
    let disk = carril::disk(path);
    file_system(path, &disk, lines);
    if disk.bytes.is_none() {
        lines.push(Line::warning(
            "store",
            format!("there is none at {}", path.display()),
            "`carril run DIR` makes one; `--store URL` names another",
        ));
        return Ok(());
    }
    let examined = match carril::examine(path).await {
        Ok(examined) => examined,
        Err(error) => {
            let todo = "`carril restore FILE` puts a backup back";
            lines.push(Line::of("store", &Failure::from(error), todo));
            return Ok(());
        }
    };
    itself(context, path, &disk, &examined, lines);
    if examined.version != examined.newest {
        return Ok(());
    }
    inside(context, store, settings, &examined, lines).await
}

fn file_system(path: &Path, disk: &Disk, lines: &mut Vec<Line>) {
    let kind = disk.file_system.as_deref().unwrap_or("an unknown kind");
    if disk.network {
        lines.push(Line::fault(
            "file system",
            Exit::Unreachable,
            format!("{} lies on a network file system ({kind})", path.display()),
            "put the store on a local disk: over a network, locks do not keep engines apart [CAR0605]",
        ));
    } else {
        lines.push(Line::well("file system", format!("{kind}, local")));
    }
    if !disk.writable {
        lines.push(Line::fault(
            "permissions",
            Exit::Unreachable,
            format!("you may not write {} or its folder", path.display()),
            "run carril as the user that owns the store [CAR0603]",
        ));
    }
    let Some(free) = disk.free_bytes else { return };
    let said = format!("{} free", number::bytes(free));
    lines.push(if free < ROOM_BYTES_MIN {
        let todo = "free some space now: commits are about to fail";
        Line::fault("disk", Exit::Unreachable, said, todo)
    } else if free < ROOM_BYTES || free < disk.bytes.unwrap_or(0) {
        let todo = "make room: the store, its log, workspaces and a backup need more than this in the long run";
        Line::warning("disk", said, todo)
    } else {
        Line::well("disk", said)
    });
}

fn itself(context: &Context, path: &Path, disk: &Disk, found: &Examined, lines: &mut Vec<Line>) {
    let said = format!(
        "{}, {}, log {}, version {}",
        path.display(),
        number::bytes(disk.bytes.unwrap_or(0)),
        number::bytes(disk.log_bytes),
        found.version
    );
    lines.push(if found.version < found.newest {
        let todo = format!("the next `carril run` brings it up to version {}; take a `carril backup` before", found.newest);
        Line::warning("store", said, todo)
    } else if disk.log_bytes > LOG_BYTES {
        let todo = "somebody has been reading it for very long (a backup, an open `sqlite3`), so its log cannot be written back; end that program";
        Line::warning("store", said, todo)
    } else {
        Line::well("store", said)
    });
    lines.push(if found.faults.is_empty() {
        Line::well("integrity", "every page was read, nothing is damaged")
    } else {
        let todo = "`carril restore FILE` puts a backup back; keep the damaged file [CAR0604]";
        Line::fault(
            "integrity",
            Exit::Unreachable,
            found.faults.join("; "),
            todo,
        )
    });
    let ahead = found
        .last_seen
        .map_or(0, |seen| seen.micros_since(context.now()));
    lines.push(if ahead > CLOCK_MICROS {
        let said = format!(
            "the store's last time is {} ahead of this machine's clock",
            time::span(ahead)
        );
        Line::warning(
            "clock",
            said,
            "set the clock right; until then new times stand still at the store's last one",
        )
    } else {
        Line::well("clock", "not behind the store's last time")
    });
}

async fn inside(
    context: &Context,
    store: &Location,
    settings: &Settings,
    examined: &Examined,
    lines: &mut Vec<Line>,
) -> Result<(), Failure> {
    let reader = context.read(store).await?;
    let engine = reader.engine();
    let is_running = matches!(engine, EngineSeen::Running(_));
    lines.push(holder(context, &engine, examined));
    unfinished(context, store, &reader, is_running, lines).await?;
    lines.push(wishes(context, examined, is_running));
    backlog(context, &reader, settings, is_running, lines).await?;
    workspaces(context, store, reader.history(), lines).await
}

/// What is older than it is to be kept.
async fn backlog(
    context: &Context,
    reader: &Reader,
    settings: &Settings,
    is_running: bool,
    lines: &mut Vec<Line>,
) -> Result<(), Failure> {
    let older = settings.retention.older(context.now());
    let backlog = prune::find(reader.history(), older).await?;
    lines.push(match (prune::question(&backlog), is_running) {
        (old, _) if old.is_empty() => Line::well("retention", "nothing is older than it may be"),
        (old, true) => Line::well(
            "retention",
            format!("within the hour the engine will {old}"),
        ),
        (old, false) => Line::warning(
            "retention",
            format!("the next engine will {old}"),
            "nothing, or `carril prune` to have it done now",
        ),
    });
    Ok(())
}

fn holder(context: &Context, engine: &EngineSeen, examined: &Examined) -> Line {
    let EngineSeen::Running(holder) = engine else {
        return Line::well("engine", "none is at work, the store is free");
    };
    let since = holder.since.map_or_else(String::new, |since| {
        format!(" since {}", time::local(since, context.zone()))
    });
    let said = format!("{holder} has the store{since}");
    let silent = examined
        .last_seen
        .map_or(0, |seen| context.now().micros_since(seen));
    if silent > SILENT_MICROS {
        let said = format!(
            "{said}, and has not been heard of for {}",
            time::span(silent)
        );
        return Line::warning(
            "engine",
            said,
            "look at that program: it is stopped, or its disk hangs; when it ends, the next engine goes on where it was",
        );
    }
    Line::well("engine", said)
}

async fn unfinished(
    context: &Context,
    store: &Location,
    reader: &Reader,
    is_running: bool,
    lines: &mut Vec<Line>,
) -> Result<(), Failure> {
    let history = reader.history();
    let filter = ProcessFilter {
        states: vec![ProcessState::Running, ProcessState::Paused],
        max: PROCESSES_MAX,
        ..ProcessFilter::default()
    };
    let rows = history.processes(&filter).await?;
    let at = context.store_argument(store);
    let is_paused = |row: &&ProcessRow| row.state == ProcessState::Paused;
    let (paused, left): (Vec<&ProcessRow>, Vec<&ProcessRow>) = rows.iter().partition(is_paused);
    lines.push(match (left.len(), is_running) {
        (0, _) => Line::well("unfinished", "no process is"),
        (_, true) => Line::well("unfinished", format!("{}, and an engine is at work", named(&left))),
        (_, false) => Line::warning(
            "unfinished",
            format!("{}, and nobody works on it", named(&left)),
            format!("`carril resume PROCESS{at}`, or the `carril run` that launched it, goes on with it; `carril cancel PROCESS{at}` ends it"),
        ),
    });
    if !paused.is_empty() {
        let todo = format!("`carril resume PROCESS{at}` when it may go on");
        lines.push(Line::warning("paused", named(&paused), todo));
    }
    let mut unknown = 0;
    for row in &rows {
        let causes: BTreeMap<CauseKind, u64> = history.causes(row.id).await?;
        unknown += causes.get(&CauseKind::OutcomeUnknown).unwrap_or(&0);
    }
    if unknown > 0 {
        lines.push(Line::warning(
            "outcomes",
            format!("{} wait to learn whether a commit succeeded", number::of(unknown, "execution", "executions")),
            "nothing, if the target answers: the next attempt asks its fence; else look at the target",
        ));
    }
    Ok(())
}

/// `process 3 (funds, 12 of 50), process 4 (…)`.
fn named(rows: &[&ProcessRow]) -> String {
    const NAMED: usize = 3;
    let name = |row: &&ProcessRow| {
        let tally = &row.tally;
        format!(
            "process {} ({}, {} of {} done)",
            row.id,
            row.pipeline,
            tally.settled(),
            tally.total
        )
    };
    let mut told: Vec<String> = rows.iter().take(NAMED).map(name).collect();
    if rows.len() > NAMED {
        told.push(format!("and {} more", rows.len() - NAMED));
    }
    told.join(", ")
}

fn wishes(context: &Context, examined: &Examined, is_running: bool) -> Line {
    let age = examined
        .oldest_wish
        .map_or(0, |left| context.now().micros_since(left));
    if examined.unanswered == 0 || (is_running && age < WISH_MICROS) {
        return Line::well("requests", "none waits for an answer");
    }
    let said = format!(
        "{} unanswered, the oldest for {}",
        number::of(examined.unanswered, "request is", "requests are"),
        time::span(age)
    );
    let todo = if is_running {
        "the engine is busy with one (a large launch, a rollback) or hangs; its log tells"
    } else {
        "the next engine answers them, whoever asked may have gone; `carril run` starts one"
    };
    Line::warning("requests", said, todo)
}

/// Workspaces by whether the store knows their process.
async fn workspaces(
    context: &Context,
    store: &Location,
    history: &dyn History,
    lines: &mut Vec<Line>,
) -> Result<(), Failure> {
    let found = match carril::workspaces(store, &context.surroundings.folder).await {
        Ok(found) => found,
        Err(error) => {
            let todo = "check the permissions of its folder, which ends in `.lanes`";
            let said = format!("cannot be listed: {error}");
            lines.push(Line::fault("workspaces", Exit::Unreachable, said, todo));
            return Ok(());
        }
    };
    let processes: BTreeSet<ProcessId> = found.iter().map(|file| file.process).collect();
    let mut nobodys = BTreeSet::new();
    for process in processes {
        if crate::found::process(history, process).await?.is_none() {
            nobodys.insert(process);
        }
    }
    let bytes: u64 = found.iter().map(|file| file.bytes).sum();
    let said = format!(
        "{}, {}",
        number::of(found.len() as u64, "workspace", "workspaces"),
        number::bytes(bytes)
    );
    let lost: Vec<_> = found
        .iter()
        .filter(|file| nobodys.contains(&file.process))
        .collect();
    let Some(first) = lost.first() else {
        lines.push(Line::well("workspaces", said));
        return Ok(());
    };
    let shown = |path: &Path| {
        path.strip_prefix(&context.surroundings.folder)
            .unwrap_or(path)
            .display()
            .to_string()
    };
    let folder = first.path.parent().map_or_else(String::new, shown);
    lines.push(Line::warning(
        "workspaces",
        format!("{said}; {} of processes that this store does not know, for instance in {folder}", lost.len()),
        "after a restore that is as it must be, and while a launch is being written it is, too; else remove those folders",
    ));
    Ok(())
}
