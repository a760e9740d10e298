//! Files that `init` and `demo` make: written as they are embedded, never over something that is there.

use crate::embedded::File;
use crate::exit::Exit;
use crate::failure::Failure;
use carril::model::contract::TargetError;
use std::path::Path;

/// Writes files below a folder, which is made if it is not there.
///
/// # Errors
/// Exit 10 when the folder cannot be made or written.
pub(crate) fn write_all(folder: &Path, files: &[File]) -> Result<(), Failure> {
    for (path, text) in files {
        write(folder, path, text)?;
    }
    Ok(())
}

/// Writes one file below a folder, which is made if it is not there.
///
/// # Errors
/// Exit 10 when the folder cannot be made or written.
pub(crate) fn write(folder: &Path, path: &str, text: &str) -> Result<(), Failure> {
    let file = folder.join(path);
    if let Some(parent) = file.parent() {
        std::fs::create_dir_all(parent)
            .map_err(|error| Failure::file(parent, "make the folder", &error))?;
    }
    std::fs::write(&file, text).map_err(|error| Failure::file(&file, "write", &error))
}

/// Why a database could not be filled.
pub(crate) fn unfilled(path: &Path, error: &TargetError) -> Failure {
    let exit = match error {
        TargetError::Unreachable(_) => Exit::Unreachable,
        TargetError::Busy(_) => Exit::Refused,
        TargetError::Sql { .. } | TargetError::Entity(_) => Exit::Internal,
    };
    Failure::new(exit, "CAR0806", format!("cannot fill `{}`: {error}", path.display()))
        .help("check that the folder has room and may be written, and that no other program holds the file")
}
