//! Pipelines in memory.

use carril_model::load::{Files, Loaded, parse};
use std::collections::BTreeMap;

/// A folder in memory. `unreadable.sql` is there and cannot be read.
pub(crate) struct Folder(BTreeMap<String, String>);

impl Folder {
    /// A `pipeline.toml`, then other files, each after a line `#@ path`.
    pub(crate) fn of(text: &str) -> Self {
        let mut files = BTreeMap::new();
        for (at, part) in text.split("#@ ").enumerate() {
            let (path, text) = if at == 0 {
                ("pipeline.toml", part)
            } else {
                // Random texts may end within the path's line.
                part.split_once('\n').unwrap_or((part, ""))
            };
            files.insert(path.to_owned(), text.to_owned());
        }
        Self(files)
    }

    pub(crate) fn text(&self, path: &str) -> &str {
        &self.0[path]
    }
}

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        if path == "unreadable.sql" {
            return Err("permission denied".to_owned());
        }
        Ok(self.0.get(path).cloned())
    }
}

pub(crate) fn load(text: &str) -> Loaded {
    parse(&Folder::of(text))
}

/// All findings, drawn.
pub(crate) fn render(loaded: &Loaded) -> String {
    let drawn: Vec<String> = loaded
        .findings
        .iter()
        .map(carril_model::finding::Finding::render)
        .collect();
    drawn.join("\n")
}
