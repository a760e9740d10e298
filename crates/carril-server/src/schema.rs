//! Schemas of what is taken and answered, derived from the very types that are read and written.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Adds a type's schema, and those that it refers to, and gives the reference to it.
pub(crate) type Of = fn(&mut Schemas) -> Value;

/// Schemas by name.
pub(crate) type Schemas = BTreeMap<String, Value>;

/// The schema of a type.
pub(crate) fn of<T: ToSchema>(schemas: &mut Schemas) -> Value {
    let mut found = Vec::new();
    T::schemas(&mut found);
    let name = T::name().into_owned();
    found.push((name.clone(), T::schema()));
    for (name, schema) in found {
        // Schemas are JSON by their nature.
        let mut schema = serde_json::to_value(schema).unwrap_or_default();
        plain(&mut schema);
        let name = known_as(&name).to_owned();
        let other = schemas.insert(name.clone(), schema.clone());
        // The later one would stand for both; a test makes the whole description.
        assert!(
            other.is_none_or(|other| other == schema),
            "two types are called {name}"
        );
    }
    json!({"$ref": format!("#/components/schemas/{}", known_as(&name))})
}

/// Whatever an object is that other documents describe.
pub(crate) fn object(_: &mut Schemas) -> Value {
    json!({"type": "object"})
}

/// `Process` of `ProcessShape`: what our types are called is nobody's business.
fn known_as(name: &str) -> &str {
    name.strip_suffix("Shape").unwrap_or(name)
}

/// Calls the types that a schema refers to as they are known.
fn plain(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "$ref" => {
                        *text = known_as(text).to_owned();
                    }
                    other => plain(other),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(plain),
        _ => {}
    }
}
