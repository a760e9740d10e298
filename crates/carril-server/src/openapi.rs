//! The description of the API, made from the table of routes. The file in `docs/reference` is this text; a test compares them.

use crate::problem::ProblemShape;
use crate::routes::{Answer, Need, ROUTES, Route};
use crate::schema::{self, Schemas};
use serde_json::{Map, Value, json};

/// Routes below this one go one day.
const DEPRECATED: &str = "/api/procesos/v2/";

/// All of it: OpenAPI 3.1.
pub(crate) fn description() -> Value {
    let mut schemas = Schemas::new();
    let problem = schema::of::<ProblemShape<'static>>(&mut schemas);
    let mut paths = Map::new();
    for route in ROUTES {
        let operation = operation(route, &problem, &mut schemas);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.verb.name()] = operation;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Carril",
            "version": "1",
            "description": "Processes of a Carril store: what they are at, why they wait, and what people ask of them.",
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    })
}

fn operation(route: &Route, problem: &Value, schemas: &mut Schemas) -> Value {
    let (status, answer) = match route.answer {
        Answer::Json(status, of) => {
            let schema = of(schemas);
            let content = json!({"application/json": {"schema": schema}});
            (status, json!({"description": "done", "content": content}))
        }
        Answer::Text(media) => {
            let content = json!({media: {"schema": {"type": "string"}}});
            (200, json!({"description": "done", "content": content}))
        }
    };
    let mut responses = Map::new();
    responses.insert(status.to_string(), answer);
    let content = json!({"application/problem+json": {"schema": problem}});
    responses.insert(
        "default".to_owned(),
        json!({"description": "not done, and why", "content": content}),
    );
    let mut operation = json!({
        "operationId": route.name,
        "summary": route.about,
        "parameters": parameters(route),
        "responses": responses,
    });
    if let Need::Role(role) = route.need {
        operation["security"] = json!([{"token": []}]);
        operation["x-role"] = json!(role.name());
    }
    if route.path.starts_with(DEPRECATED) {
        operation["deprecated"] = json!(true);
    }
    if let Some(of) = route.body {
        let schema = of(schemas);
        operation["requestBody"] = json!({"content": {"application/json": {"schema": schema}}});
    }
    operation
}

fn parameters(route: &Route) -> Vec<Value> {
    let names = route.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?;
        name.strip_suffix('}')
    });
    let in_path = names.map(|name| {
        let kind = if name == "id" { "integer" } else { "string" };
        json!({"name": name, "in": "path", "required": true, "schema": {"type": kind}})
    });
    let in_query = route.query.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "in": "query",
            "description": parameter.about,
            "schema": {"type": parameter.kind},
        })
    });
    let in_head = route.headers.iter().map(|(name, about)| {
        json!({"name": name, "in": "header", "description": about, "schema": {"type": "string"}})
    });
    in_path.chain(in_query).chain(in_head).collect()
}
