//! Kills before every system call that changes a file: one file after the other, the first call, the second, until the
//! program lives. Then it is started again, must come to its end, and everything must be there once.
//!
//! `strace` counts the calls of each thread by itself. Carril writes each file from one thread at a time, so that counting per
//! file meets nearly every call; the calls are counted again over all files, which meets the rest in another order.

use super::recording::record;
use super::tiny::{Deed, Tiny};
use super::{Failure, Found};
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};

/// The calls that change files, or make what was changed durable.
const CALLS: &str = "openat,pwrite64,write,ftruncate,fsync,fdatasync,rename,unlink";

/// What is wanted.
#[derive(Debug, Clone)]
pub(crate) struct SyscallSettings {
    /// The `carril` binary.
    pub(crate) carril: PathBuf,
    /// Where worlds are made.
    pub(crate) folder: PathBuf,
    /// Every how many-th call; 1 for all.
    pub(crate) every: usize,
}

/// Kills a run and a rollback before their calls.
///
/// # Errors
/// When a program cannot be started.
pub(crate) fn syscalls(settings: &SyscallSettings) -> Result<Found, Failure> {
    let mut found = Found::default();
    for (deed, name) in [(Deed::Run, "run"), (Deed::Rollback, "rollback")] {
        let folder = settings.folder.join(name);
        let tiny = Tiny::make(&settings.carril, &folder, "full", deed)?;
        let recording = record(&tiny, deed, &folder.join("calls.txt"))?;
        tiny.reset()?;
        for file in recording.files() {
            let killed = kill_all(settings, &tiny, deed, Some(&file), &mut found)?;
            let short = file.strip_prefix(&tiny.folder).unwrap_or(&file);
            found
                .notes
                .push(format!("{name}, {}: {killed} kills", short.display()));
        }
        let killed = kill_all(settings, &tiny, deed, None, &mut found)?;
        found.notes.push(format!(
            "{name}, syncs and writes of any file: {killed} kills"
        ));
    }
    Ok(found)
}

/// Kills before the calls on a file, or on any, until the program lives.
fn kill_all(
    settings: &SyscallSettings,
    tiny: &Tiny,
    deed: Deed,
    file: Option<&Path>,
    found: &mut Found,
) -> Result<u32, Failure> {
    // Over all files opening is left out: most of that is the system's own start of the program.
    let calls = if file.is_some() {
        CALLS
    } else {
        "pwrite64,ftruncate,fsync,fdatasync,rename,unlink"
    };
    let mut kills = 0;
    for number in (1..).step_by(settings.every) {
        tiny.reset()?;
        let words = words(calls, number, file);
        let status = tiny
            .command(deed, words.iter().map(OsString::as_os_str))
            .output()?
            .status;
        if status.signal() != Some(9) {
            if !status.success() {
                found.wrong.push(format!("{deed:?}, nothing was killed at {calls} {number} of {file:?}, and it ended with {status}"));
            }
            break;
        }
        kills += 1;
        for wrong in tiny.finish(deed)? {
            found.wrong.push(format!(
                "{deed:?}, killed before call {number} on {}: {wrong}",
                name(file)
            ));
        }
    }
    found.count += kills;
    Ok(kills)
}

fn name(file: Option<&Path>) -> String {
    file.map_or_else(|| "any file".to_owned(), |file| file.display().to_string())
}

fn words(calls: &str, number: usize, file: Option<&Path>) -> Vec<OsString> {
    let mut words: Vec<OsString> = ["strace", "-f", "-qqq", "-o", "/dev/null"]
        .map(OsString::from)
        .to_vec();
    if let Some(file) = file {
        words.extend([OsString::from("-P"), file.as_os_str().to_owned()]);
    }
    words.push("-e".into());
    words.push(format!("trace={calls}").into());
    words.push("-e".into());
    words.push(format!("inject={calls}:signal=SIGKILL:when={number}").into());
    words
}
