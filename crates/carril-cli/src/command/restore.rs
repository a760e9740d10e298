//! `carril restore`: a backup in the place of the store. Asks first where there is a store; what was there is kept beside it.

use crate::arguments::{Inputs, Restore};
use crate::command::backup::held;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::meant::confirm;
use crate::output::{number, time};
use carril::{Location, Restored};
use serde::Serialize;
use std::path::Path;

#[derive(Debug, Serialize)]
struct Shape {
    store: String,
    backup: String,
    replaced: Option<String>,
    version: i32,
    processes: u64,
    executions: u64,
    unfinished: u64,
    wishes_dropped: u64,
    workspaces: u64,
    next_id: i64,
    micros: i64,
}

/// Puts a backup back.
pub(crate) async fn run(context: &Context, arguments: &Restore) -> Result<Exit, Failure> {
    let settings = context.settings(None, &Inputs::default())?;
    let store = context.store_of(&settings);
    let file = context.absolute(&arguments.file);
    if store.file().is_some_and(Path::exists) {
        let what = format!(
            "put `{}` in the place of the store `{}`, which is kept beside it; what happened since the backup is forgotten, but not undone",
            file.display(),
            store.shown()
        );
        confirm(context, arguments.yes, &what)?;
    }
    let began = context.now();
    let around = &context.surroundings;
    let restored = carril::restore(
        &file,
        &store.url(),
        &around.folder,
        &around.host,
        &around.command,
    )
    .await?;
    let micros = context.now().micros_since(began);
    tell(context, &file, &store, &restored, micros)
}

fn tell(
    context: &Context,
    file: &Path,
    store: &Location,
    restored: &Restored,
    micros: i64,
) -> Result<Exit, Failure> {
    let Restored {
        contents,
        next_id,
        replaced,
        wishes_dropped,
        workspaces,
    } = restored;
    let replaced = replaced.as_ref().map(|path| path.display().to_string());
    if context.output.json() {
        context.output.value(&Shape {
            store: store.shown(),
            backup: file.display().to_string(),
            replaced,
            version: contents.version,
            processes: contents.processes,
            executions: contents.executions,
            unfinished: contents.unfinished,
            wishes_dropped: *wishes_dropped,
            workspaces: *workspaces,
            next_id: *next_id,
            micros,
        })?;
        return Ok(Exit::Ok);
    }
    let mut lines = vec![format!(
        "{}: {} restored and checked in {}; new ids begin at {next_id}",
        store.shown(),
        held(contents),
        time::span(micros)
    )];
    if let Some(replaced) = replaced {
        lines.push(format!("{replaced}: the store as it was before"));
    }
    if *workspaces > 0 {
        let put_back = number::of(*workspaces, "workspace", "workspaces");
        lines.push(format!("{put_back} put back"));
    }
    if *wishes_dropped > 0 {
        let wishes = number::of(*wishes_dropped, "request", "requests");
        lines.push(format!("{wishes} that nobody had answered dropped"));
    }
    context.output.data(&lines.join("\n"))?;
    if contents.unfinished > 0 {
        let at = context.store_argument(store);
        context.output.talk(&format!(
            "the next command that works on the store goes on with what is unfinished; `carril ps --state running{at}` lists it"
        ));
    }
    Ok(Exit::Ok)
}
