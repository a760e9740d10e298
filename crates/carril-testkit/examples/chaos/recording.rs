//! What a program did to files and what it said, in the order in which it did it, as `strace` saw it.

use super::Failure;
use super::tiny::{Deed, Tiny};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// A file was made, if it was not there; emptied, if so.
    Opened { file: PathBuf, emptied: bool },
    /// Bytes were written.
    Written {
        file: PathBuf,
        at: usize,
        bytes: Vec<u8>,
    },
    /// A file got a length.
    Cut { file: PathBuf, length: usize },
    /// A file, or a folder, was made durable.
    Synced { file: PathBuf },
    /// A file got another name.
    Moved { from: PathBuf, to: PathBuf },
    /// A file was removed.
    Removed { file: PathBuf },
    /// Bytes went to stdout.
    Said { bytes: Vec<u8> },
}

/// All of a program's life.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) events: Vec<Event>,
}

impl Recording {
    /// The files that were changed.
    pub(super) fn files(&self) -> BTreeSet<PathBuf> {
        let changed = self.events.iter().filter_map(|event| match event {
            Event::Written { file, .. }
            | Event::Cut { file, .. }
            | Event::Removed { file }
            | Event::Moved { to: file, .. } => Some(file.clone()),
            _ => None,
        });
        changed.collect()
    }
}

/// Runs a deed to its end and records it. The file gets what `strace` says.
///
/// # Errors
/// When it cannot be started, does not end well, or cannot be understood.
pub(super) fn record(tiny: &Tiny, deed: Deed, file: &Path) -> Result<Recording, Failure> {
    // The program runs in another folder.
    let file = &std::path::absolute(file)?;
    let calls = "trace=openat,pwrite64,write,lseek,ftruncate,fsync,fdatasync,rename,unlink";
    let words: [&OsStr; 9] = [
        "strace".as_ref(),
        "-f".as_ref(),
        "-y".as_ref(),
        "-xx".as_ref(),
        "-s1000000".as_ref(),
        "-e".as_ref(),
        calls.as_ref(),
        "-o".as_ref(),
        file.as_os_str(),
    ];
    let output = tiny.command(deed, words).output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("recorded, it ended with {}: {text}", output.status).into());
    }
    understand(&std::fs::read_to_string(file)?, &tiny.folder)
}

/// Understands what `strace` says; of other folders and of shared memory, which no power failure leaves, nothing is kept.
fn understand(text: &str, folder: &Path) -> Result<Recording, Failure> {
    let mut begun: BTreeMap<&str, String> = BTreeMap::new();
    let mut positions: BTreeMap<String, usize> = BTreeMap::new();
    let mut events = Vec::new();
    for line in text.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let rest = rest.trim_start();
        // A call that another thread interrupted stands in two lines; it counts where it ended.
        let call = if let Some(first) = rest.strip_suffix(" <unfinished ...>") {
            begun.insert(thread, first.to_owned());
            continue;
        } else if let Some(resumed) = rest.strip_prefix("<... ") {
            let Some((_, tail)) = resumed.split_once(" resumed>") else {
                continue;
            };
            begun.remove(thread).unwrap_or_default() + tail
        } else {
            rest.to_owned()
        };
        if let Some(event) = event(&call, &mut positions) {
            let kept = match &event {
                Event::Said { .. } => true,
                Event::Moved { from: file, .. }
                | Event::Opened { file, .. }
                | Event::Written { file, .. }
                | Event::Cut { file, .. }
                | Event::Synced { file }
                | Event::Removed { file } => {
                    file.starts_with(folder) && !file.to_string_lossy().ends_with("-shm")
                }
            };
            if kept {
                events.push(event);
            }
        }
    }
    if !events
        .iter()
        .any(|event| matches!(event, Event::Synced { .. }))
    {
        return Err(
            "the recording has no sync in it: strace writes otherwise than expected".into(),
        );
    }
    Ok(Recording { events })
}

/// A call as an event; `None` for calls that failed or change nothing.
fn event(call: &str, positions: &mut BTreeMap<String, usize>) -> Option<Event> {
    let (name, rest) = call.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    let result: usize = result.split([' ', '<']).next()?.parse().ok()?;
    let arguments = arguments.trim_end().strip_suffix(')')?;
    if name == "openat" {
        let file = path(quoted(arguments)?);
        let made = arguments.contains("O_CREAT");
        let emptied = arguments.contains("O_TRUNC");
        return (made || emptied).then_some(Event::Opened { file, emptied });
    }
    if name == "unlink" {
        return Some(Event::Removed {
            file: path(quoted(arguments)?),
        });
    }
    if name == "rename" {
        let from = quoted(arguments)?;
        let (_, rest) = arguments.split_once("\", ")?;
        return Some(Event::Moved {
            from: path(from),
            to: path(quoted(rest)?),
        });
    }
    let (number, rest) = arguments.split_once('<')?;
    let (file, rest) = rest.split_once('>')?;
    let file = path(file);
    let handle = format!("{number} {}", file.display());
    match name {
        "lseek" => {
            positions.insert(handle, result);
            None
        }
        "write" | "pwrite64" => {
            let mut bytes = hex(quoted(rest)?);
            bytes.truncate(result);
            if number == "1" {
                return Some(Event::Said { bytes });
            }
            let at = if name == "write" {
                let position = positions.entry(handle).or_insert(0);
                let at = *position;
                *position += result;
                at
            } else {
                rest.rsplit(", ").next()?.parse().ok()?
            };
            Some(Event::Written { file, at, bytes })
        }
        "ftruncate" => Some(Event::Cut {
            file,
            length: rest.rsplit(", ").next()?.parse().ok()?,
        }),
        "fsync" | "fdatasync" => Some(Event::Synced { file }),
        _ => None,
    }
}

fn quoted(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('"')?;
    rest.split_once('"').map(|(inner, _)| inner)
}

/// `\x2f\x74` as bytes.
fn hex(text: &str) -> Vec<u8> {
    let bytes = text.split("\\x").skip(1);
    bytes
        .filter_map(|byte| u8::from_str_radix(byte.get(..2)?, 16).ok())
        .collect()
}

fn path(text: &str) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(&hex(text)).into_owned())
}
