//! `carril schema`: what the files that people write may say, as a JSON Schema for their editor. Nothing is read for it.

use crate::arguments::{Schema, SchemaOf};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use carril::Settings;
use carril::model::load;

/// The file that `carril init` puts beside a pipeline; the first line of its `pipeline.toml` names it.
pub(crate) const FILE: &str = "pipeline.schema.json";

/// Prints the schema, which is JSON with and without `--json`.
pub(crate) fn run(context: &Context, arguments: &Schema) -> Result<Exit, Failure> {
    let schema = match arguments.of {
        SchemaOf::Pipeline => load::schema(),
        SchemaOf::Settings => Settings::schema(),
    };
    context.output.value(&schema)?;
    Ok(Exit::Ok)
}

/// The text of [`FILE`]: what `carril schema` prints.
pub(crate) fn pipeline_text() -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(&load::schema())
        .map_err(|error| Failure::internal(format!("cannot write the schema as JSON: {error}")))?;
    Ok(text + "\n")
}
