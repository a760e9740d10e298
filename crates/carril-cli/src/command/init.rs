//! `carril init`: a small pipeline that runs, with comments that teach, and a warehouse for it.

use super::schema;
use crate::arguments::Init;
use crate::context::{Context, quoted};
use crate::embedded::{self, TEMPLATE};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files;
use crate::output::paint;
use serde::Serialize;
use std::path::Path;

/// The sample warehouse, made from `warehouse.sql`.
const WAREHOUSE: &str = "warehouse.db";

#[derive(Debug, Serialize)]
struct Shape {
    folder: String,
    files: Vec<String>,
    next: Vec<String>,
}

/// Makes the folder's files; refuses when one of them is there already.
pub(crate) fn run(context: &Context, arguments: &Init) -> Result<Exit, Failure> {
    let folder = context.absolute(&arguments.folder);
    let mut names: Vec<&str> = TEMPLATE.iter().map(|(path, _)| *path).collect();
    names.extend([schema::FILE, WAREHOUSE]);
    if let Some(there) = names.iter().find(|name| folder.join(name).exists()) {
        let message = format!(
            "`{}` is there already, and init overwrites nothing",
            folder.join(there).display()
        );
        return Err(Failure::new(Exit::Usage, "CAR0805", message)
            .help("name another folder: `carril init my-pipeline`"));
    }
    files::write_all(&folder, TEMPLATE)?;
    files::write(&folder, schema::FILE, &schema::pipeline_text()?)?;
    let script = embedded::text(TEMPLATE, "warehouse.sql");
    carril::run_script(&folder.join(WAREHOUSE), &[script], &[])
        .map_err(|error| files::unfilled(&folder.join(WAREHOUSE), &error))?;
    let next = next(context, &folder, &arguments.folder);
    if context.output.json() {
        let files = names.iter().map(|name| (*name).to_owned()).collect();
        let next = next.into_iter().map(|(command, _)| command).collect();
        context.output.value(&Shape {
            folder: folder.display().to_string(),
            files,
            next,
        })?;
        return Ok(Exit::Ok);
    }
    let mut text = format!("made a pipeline in {}\n", folder.display());
    for (name, what) in ABOUT {
        text.push_str(&format!("\n  {name:<22}{what}"));
    }
    text.push_str("\n\nnext\n");
    for (command, what) in &next {
        text.push_str(&format!(
            "\n  {}  {}",
            paint::command(&format!("{command:<24}")),
            paint::dim(what)
        ));
    }
    text.push_str("\n\nthen change pipeline.toml and sql/ to your own tables; `carril check` tells every mistake with its place");
    context.output.data(&text)?;
    Ok(Exit::Ok)
}

const ABOUT: &[(&str, &str)] = &[
    ("pipeline.toml", "three stages, explained"),
    (schema::FILE, "what it may say, for your editor"),
    ("sql/", "the queries of its steps"),
    ("carril.toml", "where the store and the warehouse are"),
    (
        "warehouse.db",
        "a few customers and orders, made from warehouse.sql",
    ),
];

/// Commands to go on with, and what each is for.
fn next(context: &Context, folder: &Path, given: &Path) -> Vec<(String, &'static str)> {
    let mut commands = Vec::new();
    let here = &context.surroundings.folder;
    if folder != here && *folder != here.join(".") {
        commands.push((
            format!("cd {}", quoted(&given.to_string_lossy())),
            "the commands below look here for carril.toml",
        ));
    }
    let rest = [
        ("carril check", "is it right?"),
        ("carril plan", "what would it do?"),
        ("carril run", "do it"),
        ("carril ps", "what ran, and how did it end?"),
        ("carril trace timeline", "when did each lane do what?"),
        ("carril rollback 1", "undo all of process 1"),
    ];
    commands.extend(rest.map(|(command, what)| (command.to_owned(), what)));
    commands
}
