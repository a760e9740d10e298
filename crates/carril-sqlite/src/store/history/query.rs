//! `carril sql`: a user's own question, on a connection that can do nothing but read.
//!
//! Read-only by the way the file is opened, by SQLite's own word on the statement, and by an authorizer that lets only
//! reading pass; bounded in rows and in time.

use crate::store::fault::fault;
use crate::store::open;
use carril_model::contract::{Fault, QueryAnswer};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error};
use serde_json::Value;
use std::path::Path;

/// Virtual machine instructions that a question may cost, in looks: about 30 seconds of one core.
const LOOKS_MAX: u64 = 200_000;
/// Instructions between two looks at that bound.
const INSTRUCTIONS_PER_LOOK: i32 = 10_000;

/// What may be read: the documented views, what they read themselves, the schema, and SQLite's own JSON tables.
const READABLE: &[&str] = &[
    "processes",
    "executions",
    "steps",
    "waits",
    "trace",
    "breakers",
    "breaker_changes",
    "lanes_changes",
    "imports",
    "logs_Procesos",
    "logs_Ejecuciones",
    "logs_Ejecuciones_v2",
    "logs_Ejecucion_Fondos",
    "logs_Trace_Records",
    "sqlite_schema",
    "sqlite_master",
    "json_each",
    "json_tree",
    "pragma_table_info",
    "pragma_table_xinfo",
];

/// Runs one statement and gives at most `max` rows.
pub(super) fn run(path: &Path, sql: &str, max: u32) -> Result<QueryAnswer, Fault> {
    let mut connection =
        open::for_reading(path).map_err(|error| Fault::Unavailable(error.to_string()))?;
    only_reading(&mut connection).map_err(|error| fault(&error))?;
    let mut statement = connection.prepare(sql).map_err(|error| wrong(&error))?;
    if !statement.readonly() || statement.column_count() == 0 {
        return Err(Fault::Conflict(
            "only statements that read are answered here: write a select".to_owned(),
        ));
    }
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = statement.query([]).map_err(|error| wrong(&error))?;
    let mut answer = QueryAnswer {
        columns,
        rows: Vec::new(),
        cut: false,
    };
    while let Some(row) = found.next().map_err(|error| wrong(&error))? {
        if answer.rows.len() == max as usize {
            answer.cut = true;
            break;
        }
        let values = (0..answer.columns.len()).map(|column| row.get_ref(column).map(value));
        answer.rows.push(
            values
                .collect::<Result<_, _>>()
                .map_err(|error| wrong(&error))?,
        );
    }
    Ok(answer)
}

fn only_reading(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Select | AuthAction::Function { .. } | AuthAction::Recursive => {
            Authorization::Allow
        }
        AuthAction::Read {
            table_name,
            column_name,
        } if readable(table_name, column_name, context.accessor) => Authorization::Allow,
        // What a view's columns are called.
        AuthAction::Pragma {
            pragma_name: "table_info" | "table_xinfo",
            ..
        } => Authorization::Allow,
        _ => Authorization::Deny,
    }))?;
    let mut looks = 0;
    connection.progress_handler(
        INSTRUCTIONS_PER_LOOK,
        Some(move || {
            looks += 1;
            looks > LOOKS_MAX
        }),
    )
}

/// Whether a column may be read: of a documented view, or of any table through a view of ours; a statement alone cannot make
/// a view. Without a column rows are only counted, and the name may be that of any part of the statement.
fn readable(table: &str, column: &str, through: Option<&str>) -> bool {
    through.is_some() || column.is_empty() || READABLE.contains(&table)
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::from(number),
        ValueRef::Real(number) => Value::from(number),
        ValueRef::Text(text) => Value::from(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => Value::from(format!("{} bytes", bytes.len())),
    }
}

/// The database's own words: whoever wrote the statement can mend it.
fn wrong(error: &Error) -> Fault {
    match error {
        Error::MultipleStatement => Fault::Conflict("one statement at a time".to_owned()),
        Error::SqliteFailure(failure, _)
            if failure.code == rusqlite::ErrorCode::OperationInterrupted =>
        {
            Fault::Conflict(
                "the question took too long and was stopped; narrow it with a where clause"
                    .to_owned(),
            )
        }
        Error::SqliteFailure(failure, _)
            if failure.code == rusqlite::ErrorCode::AuthorizationForStatementDenied =>
        {
            Fault::Conflict(format!(
                "{error}; only select statements over the views processes, executions, steps, waits, trace, breakers and breaker_changes are answered here"
            ))
        }
        other => Fault::Conflict(other.to_string()),
    }
}
