//! Loading a pipeline from a folder: the one place that reads its files.
//!
//! The model says which files it wants and judges what is in them; here they are found. No path leaves the folder, not by
//! symbolic links either, and no file is read that is longer than the model takes.

use carril_model::load::{self, ENTRY, Files, Loaded, PIPELINE_BYTES_MAX};
use carril_model::sql::SQL_BYTES_MAX;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

/// Reads and checks the pipeline of a folder. What is wrong with it, or with the folder, is in [`Loaded::findings`].
///
/// Nothing is asked of any target here; that is [`crate::check()`].
#[must_use]
pub fn load_dir(folder: &Path) -> Loaded {
    load::parse(&Folder {
        path: folder.to_owned(),
    })
}

struct Folder {
    path: PathBuf,
}

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        let root = match self.path.canonicalize() {
            Ok(root) => root,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let file = match root.join(path).canonicalize() {
            Ok(file) => file,
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error.to_string()),
        };
        if !file.starts_with(&root) {
            return Err(
                "it is a symbolic link that leaves the pipeline's folder; put the file into it"
                    .to_owned(),
            );
        }
        read(
            &file,
            if path == ENTRY {
                PIPELINE_BYTES_MAX
            } else {
                SQL_BYTES_MAX
            },
        )
        .map(Some)
    }
}

fn read(file: &Path, bytes_max: usize) -> Result<String, String> {
    let data = file.metadata().map_err(|error| error.to_string())?;
    // A pipe or a device would keep the reader waiting, or never end.
    if !data.is_file() {
        return Err("it is not a file".to_owned());
    }
    if data.len() > bytes_max as u64 {
        return Err(format!(
            "it has {} bytes, at most {bytes_max} are taken",
            data.len()
        ));
    }
    let mut bytes = Vec::new();
    // It may grow while it is read.
    let reading =
        File::open(file).and_then(|file| file.take(bytes_max as u64).read_to_end(&mut bytes));
    reading.map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| {
        format!(
            "it is not UTF-8 text (byte {})",
            error.utf8_error().valid_up_to()
        )
    })
}
