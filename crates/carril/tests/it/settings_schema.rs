//! The JSON Schema of `carril.toml`: it knows the keys that the reader knows, and refuses what an editor can see.

use carril::Settings;
use serde_json::Value;
use std::path::Path;
use toml::Value as Toml;

fn read(text: &str) -> Result<Settings, String> {
    Settings::parse(text, Path::new(".")).map_err(|findings| format!("{findings:?}"))
}

/// What the schema says against a file.
fn refused(text: &str) -> Vec<String> {
    let schema = jsonschema::draft202012::new(&Settings::schema()).expect("the schema is one");
    let tree: toml::Table = text.parse().expect("it is TOML");
    let value = serde_json::to_value(tree).expect("it has no dates");
    let errors = schema.iter_errors(&value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Every key, with its table where it has one, and what the schema says of it.
fn known() -> Vec<(String, Value)> {
    let schema = Settings::schema();
    assert_eq!(schema["additionalProperties"], false);
    let mut known = Vec::new();
    for (name, key) in schema["properties"].as_object().unwrap() {
        known.push((name.clone(), key.clone()));
        for (inner, of) in key["properties"].as_object().into_iter().flatten() {
            assert_eq!(key["additionalProperties"], false, "{name}");
            known.push((format!("{name}.{inner}"), of.clone()));
        }
    }
    assert!(known.len() >= 10, "only {} keys were found", known.len());
    known
}

#[test]
fn it_is_a_schema() {
    if let Err(error) = jsonschema::meta::validate(&Settings::schema()) {
        panic!("{error}");
    }
}

/// The one that `carril init` writes, and those of the reference.
#[test]
fn it_takes_the_files_of_the_repository() {
    let reference = include_str!("../../../../docs/reference/config.md");
    let template = include_str!("../../../carril-cli/template/carril.toml");
    let mut texts: Vec<&str> = reference
        .split("```toml\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .collect();
    assert!(!texts.is_empty());
    texts.push(template);
    for text in texts {
        read(text).expect("the reader takes it");
        assert_eq!(refused(text), Vec::<String>::new(), "{text}");
    }
}

/// A list of an empty list is a value of no key, so one that nobody reads shows.
#[test]
fn every_key_of_the_schema_is_read() {
    for (key, schema) in known() {
        let text = format!("{key} = [[]]\n");
        let said = read(&text).expect_err(&text);
        assert!(!said.contains("there is no key"), "{text}{said}");
        assert!(!refused(&text).is_empty(), "the schema takes {text}");
        let about = schema["description"].as_str().unwrap_or_default();
        assert!(about.ends_with('.') && about.len() > 10, "{key}: {about:?}");
    }
}

#[test]
fn limits_and_defaults_are_those_of_the_reader() {
    let mut seen = (0, 0);
    for (key, schema) in known() {
        if let (Some(least), Some(most)) = (schema["minimum"].as_i64(), schema["maximum"].as_i64())
        {
            let numbers = [
                (least, true),
                (most, true),
                (least - 1, false),
                (most + 1, false),
            ];
            for (number, taken) in numbers {
                let text = format!("{key} = {number}\n");
                assert_eq!(read(&text).is_ok(), taken, "the reader: {text}");
                assert_eq!(refused(&text).is_empty(), taken, "the schema: {text}");
            }
            seen.0 += 1;
        }
        if let Some(default) = schema.get("default") {
            let value = Toml::try_from(default).unwrap();
            let mut said = read(&format!("{key} = {value}\n")).expect("a default is taken");
            if key == "store" {
                // Where it is said it is relative to the file's folder, and this file's is the present one.
                let here = Path::new(".");
                assert_eq!(
                    said.store_or_default(here),
                    Settings::default().store_or_default(here)
                );
                said.store = None;
            }
            assert_eq!(said, Settings::default(), "{key}");
            seen.1 += 1;
        }
    }
    assert_eq!(seen, (1, 12));
}

#[test]
fn both_refuse_the_same() {
    for text in [
        "stor = \"a.db\"\n",
        "[engine]\nlane = 1\n",
        "[engine]\nlease = \"0s\"\n",
        "[engine]\nlease = \"601s\"\n",
        "[engine]\nlease = \"11m\"\n",
        "[engine]\nlease = 15\n",
        "[engine]\nnotify = \"no\"\n",
        "[http]\ndeny = []\n",
        "[retention]\nlogs = \"1d\"\n",
        "[retention]\nhistory = \"2 weeks\"\n",
        "[targets]\nshop = 1\n",
        "[secrets]\ngeneva = \"in the open\"\n",
        "[secrets]\n1st = \"${env:A}\"\n",
    ] {
        assert!(read(text).is_err(), "the reader takes {text}");
        assert!(!refused(text).is_empty(), "the schema takes {text}");
    }
}
