//! Finds the file of a program, so that a failure can say where was looked.

#[cfg(test)]
mod tests;

use rustix::fs::{Access, access};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The file of a program: with a slash relative to `directory`, else the first one in `path` that can be run.
///
/// An empty entry of `path` is left out: what lies in the working folder is only run when asked for with a slash.
///
/// # Errors
/// What was tried, as a lowercase fragment.
pub(super) fn find(program: &str, directory: &Path, path: &OsStr) -> Result<PathBuf, String> {
    if program.is_empty() {
        return Err("the program's name is empty".to_owned());
    }
    if program.contains('/') {
        let file = directory.join(program);
        return runnable(&file)
            .map(|()| file.clone())
            .map_err(|why| format!("`{program}` {why}: {}", file.display()));
    }
    let mut tried = Vec::new();
    for folder in path
        .as_bytes()
        .split(|byte| *byte == b':')
        .filter(|folder| !folder.is_empty())
    {
        let folder = OsStr::from_bytes(folder);
        let file = directory.join(folder).join(program);
        match runnable(&file) {
            Ok(()) => return Ok(file),
            Err(why) => tried.push(format!("{} {why}", file.display())),
        }
    }
    if tried.is_empty() {
        return Err(format!(
            "`{program}` cannot be looked for, because PATH is empty; write it with its folder"
        ));
    }
    Err(format!(
        "`{program}` was not found in PATH: {}",
        tried.join(", ")
    ))
}

fn runnable(file: &Path) -> Result<(), String> {
    match file.metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err("is not there".to_owned())
        }
        Err(error) => Err(format!("cannot be looked at ({error})")),
        Ok(metadata) if !metadata.is_file() => Err("is not a file".to_owned()),
        Ok(_) => access(file, Access::EXEC_OK).map_err(|_| "may not be executed".to_owned()),
    }
}
