//! Pipelines in memory.

use carril_model::load::{Files, Loaded, parse};
use jsonschema::Validator;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

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

/// Loads it. What the reader takes, the schema takes too, in every test.
pub(crate) fn load(text: &str) -> Loaded {
    let loaded = parse(&Folder::of(text));
    if loaded.definition.is_some() {
        let refused = refused(text);
        assert!(refused.is_empty(), "the schema refuses {text}: {refused:?}");
    }
    loaded
}

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    jsonschema::draft202012::new(&carril_model::load::schema()).expect("the schema is one")
});

/// What the schema says against a `pipeline.toml`, each with its place.
pub(crate) fn refused(text: &str) -> Vec<String> {
    let folder = Folder::of(text);
    let tree: toml::Table = folder.text("pipeline.toml").parse().expect("it is TOML");
    let value = json(&toml::Value::Table(tree));
    let errors = SCHEMA.iter_errors(&value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// As an editor sees it. JSON has no dates: they become what no key takes that is not free.
fn json(value: &toml::Value) -> Value {
    match value {
        toml::Value::Datetime(_) => Value::Null,
        toml::Value::Array(items) => items.iter().map(json).collect(),
        toml::Value::Table(table) => table
            .iter()
            .map(|(key, value)| (key.clone(), json(value)))
            .collect(),
        other => serde_json::to_value(other).expect("the rest is in both"),
    }
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
