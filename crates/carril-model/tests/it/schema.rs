//! The JSON Schema of the pipeline file: it takes what the reader takes, knows the same keys, and refuses what an editor can see.
//!
//! That the schema takes every pipeline that any of these tests loads is looked at in [`crate::support::load`].

use crate::support::{load, refused, render};
use carril_model::finding::Finding;
use serde_json::Value;
use std::path::{Path, PathBuf};
use toml::Value as Toml;

/// Files of the workspace that end so; built files are not looked at.
fn files(ending: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders: Vec<PathBuf> = ["crates", "docs", "examples"]
        .iter()
        .map(|folder| root.join(folder))
        .collect();
    folders.push(root.join("README.md"));
    let mut found = Vec::new();
    while let Some(path) = folders.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).unwrap();
            folders.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found
}

#[test]
fn it_is_a_schema() {
    let schema = carril_model::load::schema();
    if let Err(error) = jsonschema::meta::validate(&schema) {
        panic!("{error}");
    }
    let dialect = "https://json-schema.org/draft/2020-12/schema";
    assert_eq!(schema["$schema"], dialect);
}

#[test]
fn it_takes_every_pipeline_of_the_repository() {
    let mut seen = 0;
    let whole = files("pipeline.toml").into_iter();
    for file in whole
        .chain(files("good/everything.toml"))
        .chain(files("good/short.toml"))
    {
        let text = std::fs::read_to_string(&file).unwrap();
        let refused = refused(&text);
        assert!(refused.is_empty(), "{}: {refused:?}", file.display());
        seen += 1;
    }
    assert!(seen >= 6, "only {seen} pipelines were found");
}

/// Whole files of the guide and the reference.
#[test]
fn it_takes_every_pipeline_of_the_documents() {
    let mut seen = 0;
    for file in files(".md") {
        let text = std::fs::read_to_string(&file).unwrap();
        for block in text.split("```toml\n").skip(1) {
            let block = block.split("```").next().unwrap();
            let Ok(tree) = block.parse::<toml::Table>() else {
                continue;
            };
            let is_whole = ["name", "entities", "stage"]
                .iter()
                .all(|key| tree.contains_key(*key));
            if is_whole {
                let refused = refused(block);
                assert!(refused.is_empty(), "{}: {block}{refused:?}", file.display());
                seen += 1;
            }
        }
    }
    assert!(seen >= 2, "only {seen} pipelines were found");
}

/// A key that is not known, and a value of another type, are refused by both.
#[test]
fn it_refuses_unknown_keys_and_wrong_types() {
    let mut seen = 0;
    for file in files(".toml") {
        let malformed = file
            .parent()
            .is_some_and(|folder| folder.ends_with("malformed"));
        let text = std::fs::read_to_string(&file).unwrap();
        if !malformed
            || text
                .split("#@ ")
                .next()
                .unwrap()
                .parse::<toml::Table>()
                .is_err()
        {
            continue;
        }
        let shown = |finding: &Finding| matches!(finding.code.as_str(), "CAR0102" | "CAR0103");
        if load(&text).findings.iter().any(shown) {
            let refused = refused(&text);
            assert!(!refused.is_empty(), "the schema takes {}", file.display());
            seen += 1;
        }
    }
    assert!(seen >= 10, "only {seen} malformed pipelines were looked at");
}

/// A key of the schema: where it stands, and what the schema says of it.
struct Known {
    path: Vec<String>,
    schema: Value,
}

/// Every key of every table; `*` stands for an item of a list and for a name of the pipeline's own.
fn known(schema: &Value, path: &[String], found: &mut Vec<Known>) {
    let deeper = |word: &str| [path, &[word.to_owned()]].concat();
    if let Some(keys) = schema["properties"].as_object() {
        assert_eq!(schema["additionalProperties"], false, "{path:?}");
        for (name, schema) in keys {
            let path = deeper(name);
            known(schema, &path, found);
            found.push(Known {
                path,
                schema: schema.clone(),
            });
        }
    }
    if schema["additionalProperties"].is_object() {
        known(&schema["additionalProperties"], &deeper("x"), found);
    }
    if schema["items"].is_object() {
        known(&schema["items"], &deeper("*"), found);
    }
    for choice in schema["anyOf"].as_array().into_iter().flatten() {
        known(choice, path, found);
    }
}

fn all_known() -> Vec<Known> {
    let mut found = Vec::new();
    known(&carril_model::load::schema(), &[], &mut found);
    assert!(found.len() > 80, "only {} keys were found", found.len());
    found
}

/// A small pipeline that has the table of this key, and what must stand beside it.
fn around(path: &[String]) -> toml::Table {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let entities = match path[..] {
        ["entities", "sql" | "target" | "key"] => {
            r#"{ target = "shop", key = "id", sql = "query.sql" }"#
        }
        _ => r#"{ list = ["a"] }"#,
    };
    let action = match path.get(4).copied() {
        Some("target" | "shared_writes" | "effects") => "sql = \"query.sql\"\ntarget = \"shop\"",
        Some("env" | "output") => r#"command = ["true"]"#,
        Some("http") if path.len() > 5 => {
            r#"http = { method = "GET", url = "https://example.org" }"#
        }
        Some(
            "sql" | "command" | "http" | "function" | "wait" | "wait_until" | "signal" | "approval",
        ) => "",
        _ => "noop = true",
    };
    let section = match path[..] {
        ["params", ..] => "[params.x]\ntype = \"text\"",
        ["lanes", "abort_when", _] => "[lanes]\nabort_when = { failed = \"10%\" }",
        ["lanes", ..] => "[lanes]",
        ["workspace", "publish", _, _] => {
            "[workspace]\ntarget = \"shop\"\ntables = [\"rows\"]\n[[workspace.publish]]\nfrom = \"rows\"\ninto = \"kept\"\nkey = [\"id\"]"
        }
        ["workspace", "column"] => {
            "[workspace]\ntarget = \"shop\"\ntables = [\"rows\"]\nisolation = \"column\""
        }
        ["workspace", ..] => "[workspace]\ntarget = \"shop\"\ntables = [\"rows\"]",
        ["defaults", "retry", _] => "[defaults.retry]",
        ["defaults", ..] => "[defaults]",
        ["resource", _, "breaker", _] => "[resource.x.breaker]",
        ["resource", _, _] => "[resource.x]\nrate = \"1/s\"",
        ["goal", _] => "[goal]\nduration = \"10m\"",
        _ => "",
    };
    let retry = if path.len() > 5 && path[4] == "retry" {
        "retry = {}"
    } else {
        ""
    };
    let text = format!(
        "name = \"small\"\nentities = {entities}\n{section}\n[[stage]]\nname = \"work\"\n[[stage.step]]\nname = \"one\"\n{action}\n{retry}\n"
    );
    text.parse().expect("it is TOML")
}

/// The same with this value at the key.
fn with(path: &[String], value: Toml) -> String {
    let mut tree = Toml::Table(around(path));
    let (last, outer) = path.split_last().expect("it names a key");
    let mut at = &mut tree;
    for word in outer {
        at = match at {
            Toml::Array(items) => &mut items[0],
            Toml::Table(table) => table
                .get_mut(word)
                .unwrap_or_else(|| panic!("there is no {word} of {path:?}")),
            other => panic!("{other} has no {word}"),
        };
    }
    let table = at.as_table_mut().expect("keys stand in tables");
    table.insert(last.clone(), value);
    written(&tree)
}

/// As a file, with the query that it may name.
fn written(tree: &impl serde::Serialize) -> String {
    let text = toml::to_string(tree).expect("it can be written");
    format!("{text}\n#@ query.sql\nselect 1 as id")
}

/// Whether something is said about the key itself.
fn is_refused(text: &str, path: &[String]) -> bool {
    let key = format!("`{}`", path.last().unwrap());
    let found = load(text).findings;
    found.iter().any(|finding| {
        let of_value = matches!(finding.code.as_str(), "CAR0103" | "CAR0105" | "CAR0208");
        of_value && finding.message.contains(&key)
    })
}

/// A list of an empty list is a value of no key that is not free, so a key that nobody reads shows.
#[test]
fn every_key_of_the_schema_is_read() {
    for Known { path, schema } in all_known() {
        let text = with(&path, Toml::Array(vec![Toml::Array(Vec::new())]));
        let drawn = render(&load(&text));
        assert!(!drawn.contains("CAR0102"), "{path:?} is not known: {drawn}");
        let is_free = schema
            .as_object()
            .unwrap()
            .keys()
            .all(|key| key == "description");
        if is_free {
            assert!(!is_refused(&text, &path), "{path:?} is free: {drawn}");
        } else {
            assert!(is_refused(&text, &path), "{path:?} is not read: {drawn}");
            assert!(!refused(&text).is_empty(), "the schema takes {text}");
        }
    }
}

#[test]
fn every_key_says_what_it_is_for() {
    for Known { path, schema } in all_known() {
        let about = schema["description"].as_str().unwrap_or_default();
        assert!(
            about.ends_with('.') && about.len() > 10,
            "{path:?}: {about:?}"
        );
    }
}

/// The least and the most are taken, and one beyond is not, by both.
#[test]
fn limits_are_those_of_the_reader() {
    let mut seen = 0;
    for Known { path, schema } in all_known() {
        let (Some(least), Some(most)) = (schema["minimum"].as_i64(), schema["maximum"].as_i64())
        else {
            continue;
        };
        for (number, taken) in [
            (least, true),
            (most, true),
            (least - 1, false),
            (most + 1, false),
        ] {
            let text = with(&path, Toml::Integer(number));
            assert_eq!(!is_refused(&text, &path), taken, "the reader: {text}");
            assert_eq!(refused(&text).is_empty(), taken, "the schema: {text}");
        }
        seen += 1;
    }
    assert!(seen >= 9, "only {seen} numbers were found");
}

/// Whoever writes the default that the editor shows means what he would mean without it.
#[test]
fn defaults_are_those_of_the_reader() {
    let mut seen = 0;
    for Known { path, schema } in all_known() {
        // The reader keeps that a lane key was said, though it is the same key.
        if schema.get("default").is_none() || path == ["lanes", "key"] {
            continue;
        }
        let read = |text: &str| {
            let loaded = load(text);
            assert!(loaded.definition.is_some(), "{text}{}", render(&loaded));
            loaded.definition
        };
        let value = Toml::try_from(&schema["default"]).unwrap();
        let without = written(&around(&path));
        assert_eq!(read(&with(&path, value)), read(&without), "{path:?}");
        seen += 1;
    }
    assert!(seen >= 20, "only {seen} defaults were found");
}

/// What goes together, as an editor shows it at once.
#[test]
fn keys_that_exclude_each_other_are_refused() {
    let step = |keys: &str| {
        format!(
            "name = \"small\"\nentities = {{ list = [\"a\"] }}\n[[stage]]\nname = \"work\"\n[[stage.step]]\nname = \"one\"\n{keys}\n"
        )
    };
    for keys in [
        "noop = true",
        "signal = \"paid.up\"\ntimeout = \"14d\"",
        "wait = \"1.5h\"",
        "command = [\"true\"]\nenv = { A = \"b\" }\ntimeout = \"2h\"",
    ] {
        assert_eq!(refused(&step(keys)), Vec::<String>::new(), "{keys}");
    }
    for keys in [
        "",
        "noop = false",
        "noop = true\nwait = \"1s\"",
        "wait = \"1s\"\ntimeout = \"2s\"",
        "signal = \"paid\"\nretry = { attempts = 2 }",
        "noop = true\ntimeout = \"14d\"",
        "noop = true\ntimeout = \"soon\"",
        "noop = true\nenv = { A = \"b\" }",
        "command = [\"true\"]\ntarget = \"shop\"",
        "noop = true\nfallback = 1\nfallback_step = \"two\"",
        "noop = true\non_open = \"fails\"",
        "http = { method = \"GET\", url = \"ftp://example.org\" }",
        "http = { method = \"GET\" }",
    ] {
        assert!(!refused(&step(keys)).is_empty(), "the schema takes {keys}");
        let loaded = load(&step(keys));
        assert!(loaded.definition.is_none(), "the reader takes {keys}");
    }
}
