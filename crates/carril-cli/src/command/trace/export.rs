//! `carril trace export --perfetto`: a process as a trace that ui.perfetto.dev and chrome://tracing open, written to a file or to stdout.
//!
//! What is in it is decided by [`carril::swimlanes`]; here it only gets its place: a file is there as a whole or not at all.

use super::process_of;
use crate::arguments::{TraceExport, TraceOf};
use crate::context::{Context, Reading};
use crate::failure::Failure;
use carril::model::contract::{Fault, History, ProcessRow};
use carril::swimlanes::Export;
use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

/// Writes the trace to a file or to stdout.
pub(super) async fn export(
    context: &Context,
    reader: &Reading,
    arguments: &TraceExport,
) -> Result<(), Failure> {
    let of = TraceOf {
        process: arguments.process,
        limit: 1,
    };
    let process = process_of(reader, &of).await?;
    let Some(output) = &arguments.output else {
        let out = BufWriter::new(std::io::stdout());
        let result = all(context, reader.history(), process, out).await;
        return written(result, Path::new("-"));
    };
    let file = context.absolute(output);
    let mut part = file.clone().into_os_string();
    part.push(".part");
    let part = Path::new(&part);
    let made = File::create(part).map_err(|error| Failure::file(&file, "write", &error))?;
    let result = all(context, reader.history(), process, BufWriter::new(made)).await;
    if let Err(failure) = written(result, &file) {
        // Half a trace opens nowhere.
        let _ = std::fs::remove_file(part);
        return Err(failure);
    }
    std::fs::rename(part, &file).map_err(|error| Failure::file(&file, "write", &error))?;
    context.output.talk(&format!(
        "{}: open it at https://ui.perfetto.dev (it stays in the browser) or in chrome://tracing",
        output.display()
    ));
    Ok(())
}

/// Why it was not written: the store, or the file.
enum Broken {
    Store(Failure),
    File(std::io::Error),
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        Self::Store(fault.into())
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self::File(error)
    }
}

fn written(result: Result<(), Broken>, path: &Path) -> Result<(), Failure> {
    match result {
        Ok(()) => Ok(()),
        // Whoever read it has seen enough.
        Err(Broken::File(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(Broken::File(error)) => Err(Failure::file(path, "write", &error)),
        Err(Broken::Store(failure)) => Err(failure),
    }
}

async fn all(
    context: &Context,
    history: &dyn History,
    process: ProcessRow,
    mut out: impl Write,
) -> Result<(), Broken> {
    let mut export = Export::begin(history, process, context.now()).await?;
    if !export.has_arrows() {
        context
            .output
            .talk("no arrows are drawn: the process used resources too often to read them all");
    }
    while let Some(part) = export.next(history).await? {
        out.write_all(&part)?;
    }
    out.flush()?;
    Ok(())
}
