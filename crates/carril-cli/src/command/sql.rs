//! `carril sql`: a read-only query over the documented views of the store.

use crate::arguments::Sql;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::table::Table;
use carril::model::contract::{Fault, QueryAnswer};
use serde_json::Value;

/// Asks, and shows the answer.
pub(crate) async fn run(context: &Context, arguments: &Sql) -> Result<Exit, Failure> {
    let reader = context.reader().await?;
    let answer = reader
        .history()
        .query(&arguments.query, arguments.limit)
        .await
        .map_err(refused)?;
    if context.output.json() {
        context.output.value(&answer)?;
    } else {
        context.output.data(&drawn(&answer))?;
    }
    if answer.cut {
        context.output.talk(&format!(
            "only the first {} rows are shown; --limit N shows more",
            arguments.limit
        ));
    }
    Ok(Exit::Ok)
}

fn refused(fault: Fault) -> Failure {
    match fault {
        Fault::Conflict(message) => Failure::new(Exit::Usage, "CAR0804", message).help(
            "one select over processes, executions, steps, waits, trace, breakers, breaker_changes or lanes_changes; \
             `carril sql \"select name from pragma_table_info('executions')\"` lists a view's columns",
        ),
        other => other.into(),
    }
}

fn drawn(answer: &QueryAnswer) -> String {
    let is_number = |at: usize| {
        answer.rows.iter().all(|row| {
            row.get(at)
                .is_none_or(|cell| cell.is_number() || cell.is_null())
        })
    };
    let names: Vec<String> = answer
        .columns
        .iter()
        .enumerate()
        .map(|(at, name)| {
            if is_number(at) {
                format!(">{name}")
            } else {
                name.clone()
            }
        })
        .collect();
    let mut table = Table::new(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for row in &answer.rows {
        table.row(&row.iter().map(cell).collect::<Vec<_>>());
    }
    table.render()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
