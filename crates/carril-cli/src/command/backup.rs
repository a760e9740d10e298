//! `carril backup`: a copy of the store, whole and checked, while an engine writes or none does. Changes nothing of the store.

use crate::arguments::{Backup, Inputs};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::interrupted;
use crate::interrupts::Interrupts;
use crate::output::{number, time};
use carril::model::time::Timestamp;
use carril::{BackupOptions, Contents};
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A word every so often, so that a long backup is seen to move.
const WORD_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize)]
struct Shape {
    file: String,
    store: String,
    version: i32,
    bytes: u64,
    processes: u64,
    executions: u64,
    unfinished: u64,
    workspaces: Option<WorkspacesShape>,
    micros: i64,
}

#[derive(Debug, Serialize)]
struct WorkspacesShape {
    folder: String,
    files: u64,
    bytes: u64,
}

/// Makes a backup.
pub(crate) async fn run(context: &Context, arguments: &Backup) -> Result<Exit, Failure> {
    let settings = context.settings(None, &Inputs::default())?;
    let store = context.store_of(&settings);
    let file = context.absolute(&arguments.file);
    let (stop, copied) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let (stopped, told) = (Arc::clone(&stop), Arc::clone(&copied));
    let options = BackupOptions {
        replace: arguments.force,
        workspaces: arguments.workspaces,
        progress: Arc::new(move |done, all| {
            told.store(number::percent(done, all), Ordering::Relaxed);
            !stopped.load(Ordering::Relaxed)
        }),
    };
    let began = context.now();
    let url = store.url();
    let making = carril::backup(&url, &file, &context.surroundings.folder, options);
    let mut making = std::pin::pin!(making);
    let mut interrupts = Interrupts::listen()?;
    let made = loop {
        tokio::select! {
            made = &mut making => break made,
            () = interrupts.next() => stop.store(true, Ordering::Relaxed),
            () = tokio::time::sleep(WORD_EVERY) => {
                context.output.talk(&format!("{} % copied", copied.load(Ordering::Relaxed)));
            }
        }
    };
    if made.is_err() && stop.load(Ordering::Relaxed) {
        return Err(interrupted("nothing of the backup was kept"));
    }
    let made = made?;
    let shape = Shape {
        file: file.display().to_string(),
        store: store.shown(),
        version: made.contents.version,
        bytes: made.bytes,
        processes: made.contents.processes,
        executions: made.contents.executions,
        unfinished: made.contents.unfinished,
        workspaces: made.workspaces.map(|(files, bytes)| WorkspacesShape {
            folder: format!("{}.lanes", file.display()),
            files,
            bytes,
        }),
        micros: context.now().micros_since(began),
    };
    tell(context, &shape, &made.contents, began)
}

fn tell(
    context: &Context,
    shape: &Shape,
    contents: &Contents,
    began: Timestamp,
) -> Result<Exit, Failure> {
    if context.output.json() {
        context.output.value(shape)?;
        return Ok(Exit::Ok);
    }
    let mut text = format!(
        "{}: {}, {}, as of {}; {}, checked, took {}",
        shape.file,
        number::bytes(shape.bytes),
        held(contents),
        time::local(began, context.zone()),
        format_args!("store version {}", shape.version),
        time::span(shape.micros)
    );
    if let Some(kept) = &shape.workspaces {
        text.push_str(&format!(
            "\n{}: {}, {}",
            kept.folder,
            number::of(kept.files, "workspace", "workspaces"),
            number::bytes(kept.bytes)
        ));
    }
    context.output.data(&text)?;
    Ok(Exit::Ok)
}

/// `3 processes, 150 executions, 12 of them unfinished`.
pub(crate) fn held(contents: &Contents) -> String {
    let mut text = format!(
        "{}, {}",
        number::of(contents.processes, "process", "processes"),
        number::of(contents.executions, "execution", "executions")
    );
    if contents.unfinished > 0 {
        text.push_str(&format!(
            ", {} unfinished",
            number::count(contents.unfinished)
        ));
    }
    text
}
