//! `carril store legacy-views`: shows a store on PostgreSQL under the names of the old fund system, in a schema of their own.

use crate::arguments::LegacyViews;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use carril::{LEGACY_VIEWS, LegacyViewsError};
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Shape {
    /// As they are called in SQL.
    views: Vec<String>,
    removed: bool,
}

/// Makes the views, or removes them.
pub(crate) async fn legacy_views(
    context: &Context,
    arguments: &LegacyViews,
) -> Result<Exit, Failure> {
    let settings = context.settings(None, &Default::default())?;
    let store = context.store_of(&settings);
    let around = &context.surroundings;
    let LegacyViews { schema, remove } = arguments;
    let (url, lookup) = (store.url(), &around.lookup);
    let done = carril::legacy_views(&url, &around.folder, lookup, schema, *remove).await;
    let is_apart = done.map_err(refused)?;
    let removed = *remove && is_apart;
    let called = |view: &&str| match is_apart {
        true => format!("{schema}.\"{view}\""),
        false => format!("logs_{view}"),
    };
    let views: Vec<String> = LEGACY_VIEWS.iter().map(called).collect();
    if context.output.json() {
        context.output.value(&Shape { views, removed })?;
        return Ok(Exit::Ok);
    }
    if !is_apart {
        context
            .output
            .talk("a store in a file has them in itself; nothing was to be done");
    } else if removed {
        context
            .output
            .talk("removed; the store has them still, in small letters");
        return Ok(Exit::Ok);
    }
    context.output.data(&views.join("\n"))?;
    Ok(Exit::Ok)
}

fn refused(error: LegacyViewsError) -> Failure {
    match error {
        LegacyViewsError::Open(error) => error.into(),
        taken => Failure::new(Exit::Refused, taken.code(), taken.to_string()),
    }
}
