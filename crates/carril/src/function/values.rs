//! A function's values, read straight from where its lane has them: what the function does not ask for is neither copied
//! nor built. The shape is that of [`Context::for_expressions`]; a test holds the two together.

use carril_model::execution::Context;
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Map, Value};

/// Reads what a function asks for.
pub(super) fn read<T: DeserializeOwned>(context: &Context) -> Result<T, Error> {
    T::deserialize(Part::All(context))
}

/// The values, or a part of them.
#[derive(Clone, Copy)]
enum Part<'a> {
    All(&'a Context),
    Entity(&'a Context),
    Params(&'a Map<String, Value>),
    Steps(&'a Context),
    Run(u32),
    Text(&'a str),
    Value(&'a Value),
}

impl<'a> IntoDeserializer<'a, Error> for Part<'a> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The entity's attributes, and its key unless an attribute has that name.
fn entity(context: &Context) -> impl Iterator<Item = (&str, Part<'_>)> {
    let key = context.entity_key.as_deref();
    let key = key.filter(|_| !context.entity.contains_key("key"));
    let attributes = context.entity.iter();
    let attributes = attributes.map(|(name, value)| (name.as_str(), Part::Value(value)));
    attributes.chain(key.map(|key| ("key", Part::Text(key))))
}

impl<'de> Deserializer<'de> for Part<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Part::All(context) => {
                let parts = [
                    ("entity", Part::Entity(context)),
                    ("param", Part::Params(&context.params)),
                    ("steps", Part::Steps(context)),
                    ("run", Part::Run(context.run.0)),
                ];
                visitor.visit_map(MapDeserializer::new(parts.into_iter()))
            }
            Part::Entity(context) => visitor.visit_map(MapDeserializer::new(entity(context))),
            Part::Params(params) => params.deserialize_any(visitor),
            Part::Steps(context) => {
                Value::Object(context.outputs_by_name()).deserialize_any(visitor)
            }
            Part::Run(run) => visitor.visit_u64(u64::from(run)),
            Part::Text(text) => visitor.visit_borrowed_str(text),
            Part::Value(value) => value.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Part::Value(value) => value.deserialize_option(visitor),
            present => visitor.visit_some(present),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Part::Value(value) => value.deserialize_enum(name, variants, visitor),
            // Nobody but an enum asks this way, and its content is looked for in a value of its own.
            other => read_value(other)?.deserialize_enum(name, variants, visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier
    }
}

fn read_value(part: Part<'_>) -> Result<Value, Error> {
    serde::Deserialize::deserialize(part)
}
