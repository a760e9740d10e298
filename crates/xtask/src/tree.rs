//! The files of the repository, read once: what git tracks, and what it would track if it were added.
//!
//! Every check that reads files reads them from here, so that checks are functions of a list of texts and can be
//! tested on a list of made-up ones. Files that are not UTF-8 text are left out: no rule is about them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// One text file.
#[derive(Clone, Debug)]
pub(crate) struct TextFile {
    /// The path from the root of the repository, with `/`.
    pub(crate) path: String,
    /// The whole content.
    pub(crate) text: String,
}

/// All files of the repository.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Every path there is, text or not, sorted.
    pub(crate) paths: Vec<String>,
    /// The text files, sorted by path.
    pub(crate) files: Vec<TextFile>,
}

impl Tree {
    /// Reads the repository that holds `root`.
    ///
    /// # Errors
    ///
    /// When git cannot list the files, or a listed file cannot be read.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let listed = Command::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .current_dir(root)
            .output()
            .context("running git to list the files of the repository")?;
        ensure!(
            listed.status.success(),
            "git cannot list the files of `{}`: {}",
            root.display(),
            String::from_utf8_lossy(&listed.stderr).trim()
        );
        let names = String::from_utf8(listed.stdout).context("a file name is not UTF-8")?;
        let mut paths: Vec<String> = names
            .split('\0')
            .filter(|name| !name.is_empty() && root.join(name).is_file())
            .map(str::to_owned)
            .collect();
        paths.sort();
        paths.dedup();

        let mut files = Vec::new();
        for path in &paths {
            let bytes =
                std::fs::read(root.join(path)).with_context(|| format!("reading `{path}`"))?;
            if let Ok(text) = String::from_utf8(bytes)
                && !text.contains('\0')
            {
                files.push(TextFile {
                    path: path.clone(),
                    text,
                });
            }
        }
        Ok(Self { paths, files })
    }

    /// Returns a tree of made-up files.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files: Vec<TextFile> = files
            .iter()
            .map(|(path, text)| TextFile {
                path: (*path).to_owned(),
                text: (*text).to_owned(),
            })
            .collect();
        let paths = files.iter().map(|file| file.path.clone()).collect();
        Self { paths, files }
    }

    /// Returns the file at `path`.
    pub(crate) fn file(&self, path: &str) -> Option<&TextFile> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Tells whether `path` is a file of the repository, or a folder that holds one.
    pub(crate) fn has(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self
                .paths
                .iter()
                .any(|other| other == path || other.starts_with(&folder))
    }

    /// Returns the text files whose name ends in `.ending`.
    pub(crate) fn ending(&self, ending: &str) -> impl Iterator<Item = &TextFile> {
        let ending = format!(".{ending}");
        self.files
            .iter()
            .filter(move |file| file.path.ends_with(&ending))
    }
}

/// Returns `path` with its `.` and `..` resolved by text alone, or nothing when it leaves the repository.
pub(crate) fn normal(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Returns the folder of `path`, without the last `/`; empty for a file at the root.
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Returns the last part of `path`.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}
