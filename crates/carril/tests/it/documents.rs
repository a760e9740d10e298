//! What the documents say of files is so: every block of TOML is one that its reader takes, as a whole or in part, and the
//! references know every key and every cause that there is.

use carril::Settings;
use carril::model::account::CauseKind;
use carril::model::finding::Severity;
use carril::model::load;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// Every document that people read, with its text.
fn documents() -> Vec<(String, String)> {
    let mut found = vec![
        "README.md".to_owned(),
        "examples/funds/README.md".to_owned(),
    ];
    for folder in ["guide", "reference", "operations", "errors"] {
        let files = std::fs::read_dir(root().join("docs").join(folder)).unwrap();
        let name = |file: std::fs::DirEntry| file.file_name().into_string().unwrap();
        found.extend(files.map(|file| format!("docs/{folder}/{}", name(file.unwrap()))));
    }
    found
        .into_iter()
        .map(|name| (read(&name), name))
        .map(|(text, name)| (name, text))
        .collect()
}

/// Every block of TOML with the document that it is in.
fn blocks() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (name, text) in documents() {
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("\n```").next().unwrap();
            found.push((name.clone(), block.to_owned()));
        }
    }
    assert!(found.len() > 40, "only {} blocks were found", found.len());
    found
}

fn is_whole(tree: &Value) -> bool {
    ["name", "entities", "stage"]
        .iter()
        .all(|key| tree.get(key).is_some())
}

/// What a schema has against a part of a file. That something is missing is the nature of a part.
fn against(schema: &Value, tree: &Value) -> Vec<String> {
    let schema = jsonschema::draft202012::new(schema).expect("the schema is one");
    let missing = |kind: &ValidationErrorKind| {
        matches!(
            kind,
            ValidationErrorKind::Required { .. } | ValidationErrorKind::AnyOf { .. }
        )
    };
    schema
        .iter_errors(tree)
        .filter(|error| !missing(error.kind()))
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// What a part may be: a file in which one stage or step is a table instead of a list, or the keys of a stage or of a step alone.
fn readings(tree: &Value) -> [Value; 3] {
    let mut file = tree.clone();
    if let Some(stage) = file.get_mut("stage").filter(|stage| stage.is_object()) {
        *stage = json!([stage.take()]);
    }
    [
        file,
        json!({ "stage": [tree] }),
        json!({ "stage": [{ "step": [tree] }] }),
    ]
}

#[test]
fn every_part_of_a_file_has_only_keys_that_there_are() {
    let (pipeline, settings) = (load::schema(), Settings::schema());
    let mut parts = 0;
    let mut wrong = Vec::new();
    for (name, block) in blocks() {
        let tree: toml::Table = match block.parse() {
            Ok(tree) => tree,
            Err(error) => {
                wrong.push(format!("{name}: {error}\n{block}"));
                continue;
            }
        };
        let tree = serde_json::to_value(tree).expect("it has no dates");
        let keys = tree.as_object().unwrap();
        if keys.contains_key("dependencies") || keys.is_empty() {
            continue;
        }
        parts += 1;
        let is_settings = against(&settings, &tree).is_empty();
        let readings = readings(&tree);
        let mut of_pipeline = readings.iter().map(|tree| against(&pipeline, tree));
        if !is_settings && !of_pipeline.any(|against| against.is_empty()) {
            let against = against(&pipeline, &readings[0]);
            wrong.push(format!("{name}: {against:?}\n{block}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(parts > 40, "only {parts} parts were found");
}

/// Writes the SQL files that a pipeline names, each with one statement: the pipeline is read, and no database is asked.
fn write_sql(tree: &Value, folder: &Path) {
    match tree {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value
                    .as_str()
                    .filter(|text| key == "sql" && text.ends_with(".sql"))
                {
                    Some(path) => {
                        let path = folder.join(path);
                        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                        std::fs::write(path, "select 1 as one").unwrap();
                    }
                    None => write_sql(value, folder),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| write_sql(value, folder)),
        _ => {}
    }
}

#[test]
fn every_whole_pipeline_can_be_loaded() {
    let mut seen = 0;
    for (name, block) in blocks() {
        let Ok(tree) = block.parse::<toml::Table>() else {
            continue;
        };
        let tree = serde_json::to_value(tree).expect("it has no dates");
        if !is_whole(&tree) {
            continue;
        }
        seen += 1;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pipeline.toml"), &block).unwrap();
        write_sql(&tree, folder.path());
        let loaded = carril::pipeline::load_dir(folder.path());
        let errors: Vec<_> = loaded
            .findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:?}\n{block}");
    }
    assert!(seen >= 6, "only {seen} pipelines were found");
}

/// Every key of a schema, however deep.
fn keys(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            if let Some(properties) = fields.get("properties").and_then(Value::as_object) {
                found.extend(properties.keys().cloned());
            }
            fields.values().for_each(|value| keys(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

/// Whether a document has this in code, alone or behind the name of its table.
fn names(text: &str, key: &str) -> bool {
    text.split('`')
        .skip(1)
        .step_by(2)
        .flat_map(|code| code.split([' ', '=', '[', ']', '.', ',', '{', '}']))
        .any(|word| word == key)
}

#[test]
fn the_references_know_every_key() {
    for (page, schema) in [
        ("docs/reference/pipeline.md", load::schema()),
        ("docs/reference/config.md", Settings::schema()),
    ] {
        let mut known = Vec::new();
        keys(&schema, &mut known);
        assert!(known.len() > 8, "{page}: {known:?}");
        let text = read(page);
        let missing: Vec<&String> = known.iter().filter(|key| !names(&text, key)).collect();
        assert!(missing.is_empty(), "{page} says nothing of {missing:?}");
    }
}

#[test]
fn the_time_account_knows_every_cause() {
    let text = read("docs/reference/time.md");
    let told: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(cause, _)| cause)
        .collect();
    for cause in CauseKind::ALL {
        let name = cause.name();
        assert!(told.contains(&name), "nothing is said of {name}");
    }
}
