//! `carril logs`: what the attempts of an execution, or of all executions of a process, printed.

use crate::arguments::Logs;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::found::{self, Found};
use crate::output::paint;
use carril::model::contract::{ExecutionFilter, ExecutionRow, History};
use carril::shape::LogShape;
use serde::Serialize;

/// Executions whose logs are looked at, of one process.
const EXECUTIONS_MAX: u32 = 10_000;
/// Most bytes of logs that are shown at once; one attempt has up to 64 KiB.
const BYTES_MAX: usize = 32 * 1024 * 1024;

#[derive(Debug, Serialize)]
struct Shape {
    logs: Vec<LogShape>,
    more: bool,
}

/// Prints logs.
pub(crate) async fn run(context: &Context, arguments: &Logs) -> Result<Exit, Failure> {
    let reader = context.reader().await?;
    let executions = meant(reader.history(), &arguments.id).await?;
    let (logs, more) = read(reader.history(), &executions).await?;
    if context.output.json() {
        context.output.value(&Shape { logs, more })?;
    } else if logs.is_empty() {
        context
            .output
            .talk("nothing was printed; commands print, and a PostgreSQL server may say something while SQL runs");
    } else {
        context
            .output
            .data(&logs.iter().map(drawn).collect::<Vec<_>>().join("\n"))?;
        if more {
            context.output.talk(
                "there is more than 32 MiB of logs; ask for single executions to see the rest",
            );
        }
    }
    Ok(Exit::Ok)
}

/// The executions that an id means.
async fn meant(history: &dyn History, id: &str) -> Result<Vec<ExecutionRow>, Failure> {
    Ok(match found::find(history, id).await? {
        Found::Process(process) => {
            let filter = ExecutionFilter {
                max: EXECUTIONS_MAX,
                ..ExecutionFilter::default()
            };
            found::executions(history, process.id, &filter).await?
        }
        Found::Execution(row) => vec![*row],
        Found::Entity(_, rows) => rows,
    })
}

/// Their logs, and whether there are more than may be shown at once.
async fn read(
    history: &dyn History,
    executions: &[ExecutionRow],
) -> Result<(Vec<LogShape>, bool), Failure> {
    let mut logs = Vec::new();
    let mut bytes = 0;
    for row in executions {
        for (run, step, attempt, text) in history.logs(row.id).await? {
            bytes += text.len();
            logs.push(LogShape {
                execution: row.id.0,
                entity: row.entity.clone(),
                run: run.0,
                step,
                attempt,
                text,
            });
        }
        if bytes > BYTES_MAX {
            return Ok((logs, true));
        }
    }
    Ok((logs, false))
}

fn drawn(log: &LogShape) -> String {
    let entity = log.entity.as_deref().unwrap_or("(process)");
    let head = format!(
        "execution {} · {entity} · run {} · {} · try {}",
        log.execution, log.run, log.step, log.attempt
    );
    format!(
        "{}\n{}\n",
        paint::bold(&head),
        log.text.trim_end_matches('\n')
    )
}
