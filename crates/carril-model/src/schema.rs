//! What the files that people write may say: tables of keys, and the JSON Schema that editors read.
//!
//! The readers take the keys they know from these same tables, so that a key is in the schema or is refused. A schema tells
//! what shows in one key or one table, so that an editor can say it while one types; it refuses nothing that the reader takes and a reference documents.
//! What names mean, and what files and databases hold, is told by `carril check`.

use serde_json::{Map, Value, json};

/// A table of a file: its keys, and which of them go together.
#[derive(Debug)]
pub struct Table {
    /// All keys it may have.
    pub keys: &'static [Key],
    /// Keys it must have.
    pub required: &'static [&'static str],
    /// Which keys go together.
    pub rules: &'static [Rule],
}

/// A key of a table.
#[derive(Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What its value may be.
    pub form: Form,
    /// What holds where it is left out, as JSON; empty where that depends, or where nothing does.
    pub default: &'static str,
    /// What it means, for people.
    pub about: &'static str,
}

/// What a value may be.
#[derive(Debug)]
pub enum Form {
    /// Any text.
    Text,
    /// A text of this form, a regular expression that spans it.
    Formed(&'static str),
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// This one of both.
    Always(bool),
    /// A whole number between these two, both included.
    Integer(i64, i64),
    /// A number that is at least the first and less than the second.
    Number(f64, f64),
    /// A list of at least so many.
    List(&'static Form, usize),
    /// A table whose keys are names of the file's own, of this form.
    Named(&'static str, &'static Form),
    /// A table with keys that are known.
    Table(&'static Table),
    /// Any one of these.
    Either(&'static [Form]),
    /// Any value.
    Any,
}

/// Which keys of a table go together.
#[derive(Debug)]
pub enum Rule {
    /// It has exactly one of these.
    ExactlyOne(&'static [&'static str]),
    /// It has at least one of these.
    AtLeastOne(&'static [&'static str]),
    /// With the first, it has the others too.
    Needs(&'static str, &'static [&'static str]),
    /// With the first, it has none of the others.
    Excludes(&'static str, &'static [&'static str]),
    /// With the first of each pair, it has none of these keys but the second of the pair.
    Belongs(
        &'static [(&'static str, &'static str)],
        &'static [&'static str],
    ),
    /// With the first key, the second is said and is this word.
    Only(&'static str, &'static str, &'static str),
    /// Where none of the first is there, the key is of this form besides.
    Without(&'static [&'static str], &'static str, Form),
}

impl Table {
    /// Whether it has a key of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.key(name).is_some()
    }

    /// The key of this name.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of its keys, in the order in which they are told.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.keys.iter().map(|key| key.name)
    }

    /// The JSON Schema (draft 2020-12) of a file that is such a table. Nothing in it refers elsewhere.
    #[must_use]
    pub fn schema(&self, title: &str, about: &str) -> Value {
        let mut schema = Map::new();
        let dialect = "https://json-schema.org/draft/2020-12/schema";
        schema.insert("$schema".to_owned(), json!(dialect));
        schema.insert("title".to_owned(), json!(title));
        schema.insert("description".to_owned(), json!(about));
        schema.append(&mut self.body());
        Value::Object(schema)
    }

    fn body(&self) -> Map<String, Value> {
        let properties: Map<String, Value> = self
            .keys
            .iter()
            .map(|key| (key.name.to_owned(), Value::Object(key.schema())))
            .collect();
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), Value::Object(properties));
        schema.insert("additionalProperties".to_owned(), json!(false));
        if !self.required.is_empty() {
            schema.insert("required".to_owned(), json!(self.required));
        }
        let rules: Vec<Value> = self.rules.iter().flat_map(Rule::schemas).collect();
        if !rules.is_empty() {
            schema.insert("allOf".to_owned(), Value::Array(rules));
        }
        schema
    }
}

impl Key {
    fn schema(&self) -> Map<String, Value> {
        let mut schema = Map::new();
        schema.insert("description".to_owned(), json!(self.about));
        if !self.default.is_empty() {
            let default: Value = serde_json::from_str(self.default)
                .expect("a test reads the default of every key as JSON");
            schema.insert("default".to_owned(), default);
        }
        schema.append(&mut self.form.schema());
        schema
    }
}

impl Form {
    fn schema(&self) -> Map<String, Value> {
        let schema = match self {
            Self::Text => json!({ "type": "string" }),
            Self::Formed(pattern) => json!({ "type": "string", "pattern": pattern }),
            Self::Choice(words) => json!({ "type": "string", "enum": words }),
            Self::Boolean => json!({ "type": "boolean" }),
            Self::Always(value) => json!({ "type": "boolean", "const": value }),
            Self::Integer(least, most) => {
                json!({ "type": "integer", "minimum": least, "maximum": most })
            }
            Self::Number(least, below) => {
                json!({ "type": "number", "minimum": least, "exclusiveMaximum": below })
            }
            Self::List(of, 0) => json!({ "type": "array", "items": of.schema() }),
            Self::List(of, least) => {
                json!({ "type": "array", "items": of.schema(), "minItems": least })
            }
            Self::Named(names, of) => json!({
                "type": "object",
                "propertyNames": { "pattern": names },
                "additionalProperties": of.schema(),
            }),
            Self::Table(table) => Value::Object(table.body()),
            Self::Either(forms) => {
                let forms: Vec<Map<String, Value>> = forms.iter().map(Self::schema).collect();
                json!({ "anyOf": forms })
            }
            Self::Any => json!({}),
        };
        match schema {
            Value::Object(schema) => schema,
            _ => Map::new(),
        }
    }
}

impl Rule {
    /// Written with `if` and `required` alone, which older editors know as well.
    fn schemas(&self) -> Vec<Value> {
        match self {
            Self::ExactlyOne(keys) => vec![json!({ "oneOf": one_of_each(keys) })],
            Self::AtLeastOne(keys) => vec![json!({ "anyOf": one_of_each(keys) })],
            Self::Needs(key, others) => {
                vec![json!({ "if": { "required": [key] }, "then": { "required": others } })]
            }
            Self::Excludes(key, others) => vec![excludes(key, others)],
            Self::Belongs(pairs, owners) => owners
                .iter()
                .filter_map(|owner| {
                    let foreign: Vec<&str> = pairs
                        .iter()
                        .filter(|(_, of)| of != owner)
                        .map(|(key, _)| *key)
                        .collect();
                    (!foreign.is_empty()).then(|| excludes(owner, &foreign))
                })
                .collect(),
            Self::Only(key, other, word) => vec![json!({
                "if": { "required": [key] },
                "then": { "required": [other], "properties": { *other: { "const": word } } },
            })],
            Self::Without(keys, key, form) => vec![json!({
                "if": { "not": { "anyOf": one_of_each(keys) } },
                "then": { "properties": { *key: form.schema() } },
            })],
        }
    }
}

fn one_of_each(keys: &[&str]) -> Vec<Value> {
    keys.iter()
        .map(|key| json!({ "required": [key] }))
        .collect()
}

fn excludes(key: &str, others: &[&str]) -> Value {
    let never: Map<String, Value> = others
        .iter()
        .map(|other| ((*other).to_owned(), json!(false)))
        .collect();
    json!({ "if": { "required": [key] }, "then": { "properties": never } })
}

/// The words of a list of choices, for [`Form::Choice`].
#[must_use]
pub const fn words<T, const N: usize>(choices: &[(&'static str, T); N]) -> [&'static str; N] {
    let mut words = [""; N];
    let mut at = 0;
    while at < N {
        words[at] = choices[at].0;
        at += 1;
    }
    words
}
