//! What the engine looks up: definitions, processes, selections, attempts, and the requests of others.

use super::claim::latest_steps;
use super::commit::find_process;
use super::fault::damaged;
use super::hot::{self, Hot};
use super::rows::{from_json, get, int, list_json, text, to_json};
use super::session::{Session, Turn, Tx};
use carril_model::contract::{
    Answer, Fault, ProcessRow, Request, Selected, Selection, StepRow, Wish,
};
use carril_model::definition::{Action, Definition, Version};
use carril_model::id::{ExecutionId, ProcessId, RequestId};
use carril_model::plan::Plan;
use carril_model::time::Timestamp;

/// Requests that are handed out at once.
const REQUESTS_MAX: i64 = 100;

/// Keeps a definition, with the names of its steps; a second time is no change.
pub(crate) async fn define(
    session: &mut Session,
    version: &Version,
    definition: &Definition,
    now: Timestamp,
) -> Result<(), Fault> {
    session
        .write_unentered(Turn::Shared, async |tx| {
            keep(tx, version, definition, now).await
        })
        .await
}

/// The same within a transaction.
pub(crate) async fn keep(
    tx: &Tx<'_>,
    version: &Version,
    definition: &Definition,
    now: Timestamp,
) -> Result<(), Fault> {
    if definition.version() != *version {
        return Err(Fault::Conflict(format!(
            "definition {:?} does not have version {version}",
            definition.name
        )));
    }
    let (name, body) = (text(&definition.name), to_json(definition));
    let query = sql!("definition_insert");
    let added = tx.row(query, &[&version.0, &name, &body, &now.0]).await?;
    match added {
        Some(row) => {
            let plan = Plan::new(definition.clone());
            name_steps(tx, int(&row, 0)?, &plan).await
        }
        None => {
            // The same meaning may stand elsewhere in its file by now, and errors name the place.
            tx.execute(sql!("definition_move"), &[&version.0, &body])
                .await?;
            Ok(())
        }
    }
}

/// Keeps the names behind a definition's step numbers.
async fn name_steps(tx: &Tx<'_>, definition: i64, plan: &Plan) -> Result<(), Fault> {
    let workspace = plan.definition().workspace.as_ref();
    let (mut ids, mut stages, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let (mut resources, mut targets) = (Vec::new(), Vec::new());
    for planned in plan.steps() {
        let step = plan.step(planned.id);
        let target = match &step.action {
            Action::Sql { target, .. } => Some(target.as_str()),
            Action::Publish { .. } => workspace.map(|workspace| workspace.target.as_str()),
            Action::Command { .. }
            | Action::Http(_)
            | Action::Function { .. }
            | Action::Noop
            | Action::Wait(_) => None,
        };
        ids.push(i64::from(planned.id.0));
        stages.push(plan.stage_of(planned.id).name.as_str());
        names.push(step.name.as_str());
        resources.push(list_json(&step.resources));
        targets.push(target);
    }
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
        [&definition, &ids, &stages, &names, &resources, &targets];
    tx.exactly(ids.len(), sql!("definition_step_insert"), &values)
        .await
}

/// A definition that was kept.
pub(crate) async fn definition(tx: &Tx<'_>, version: &Version) -> Result<Definition, Fault> {
    match tx.row(sql!("definition_read"), &[&version.0]).await? {
        Some(row) => from_json(get(&row, 0)?),
        None => Err(Fault::Conflict(format!(
            "the store has no definition {version}"
        ))),
    }
}

/// One process.
pub(crate) async fn process(tx: &Tx<'_>, process: ProcessId) -> Result<ProcessRow, Fault> {
    find_process(tx, process)
        .await?
        .ok_or_else(|| Fault::Conflict(format!("there is no process {process}")))
}

/// What a selection means, chunk by chunk in order of id. Ids that are nobody's are left out.
pub(crate) async fn select(
    tx: &Tx<'_>,
    selection: &Selection,
    above: Option<ExecutionId>,
    max: u32,
) -> Result<Vec<Selected>, Fault> {
    let above = above.map_or(-1, |id| id.0);
    let many = i64::from(max);
    let found = match selection {
        Selection::Process(process) => {
            let query = sql!("select_process");
            hot::all(tx, query, &[&process.0, &above, &many]).await?
        }
        Selection::Unsuccessful(process) => {
            let query = sql!("select_unsuccessful");
            hot::all(tx, query, &[&process.0, &above, &many]).await?
        }
        Selection::Executions(named) => {
            let mut ids: Vec<i64> = named
                .iter()
                .map(|id| id.0)
                .filter(|id| *id > above)
                .collect();
            ids.sort_unstable();
            ids.dedup();
            let mut found = hot::all(tx, sql!("execution_hot"), &[&ids]).await?;
            found.truncate(max as usize);
            found
        }
    };
    Ok(found
        .iter()
        .map(|hot| (hot.owned(), hot.state, hot.segment))
        .collect())
}

/// The latest attempt of each step of an execution's present run.
pub(crate) async fn steps(tx: &Tx<'_>, execution: ExecutionId) -> Result<Vec<StepRow>, Fault> {
    let ids = vec![execution.0];
    let found: Option<Hot> = hot::all(tx, sql!("execution_hot"), &[&ids]).await?.pop();
    let Some(hot) = found else {
        return Err(Fault::Conflict(format!(
            "there is no execution {execution}"
        )));
    };
    let mut steps = latest_steps(tx, &[(execution, hot.run)]).await?;
    Ok(steps.remove(&execution.0).unwrap_or_default())
}

/// Requests that nobody has answered, oldest first: from now on they are this engine's.
pub(crate) async fn requests(session: &mut Session) -> Result<Vec<Request>, Fault> {
    let node = session.node.map_or(0, |node| node.0);
    let found = session
        .write_unentered(Turn::Shared, async |tx| {
            tx.rows(sql!("request_find"), &[&REQUESTS_MAX, &node]).await
        })
        .await?;
    let request = |row: &tokio_postgres::Row| {
        Ok(Request {
            id: RequestId(int(row, 0)?),
            wish: from_json::<Wish>(get(row, 1)?)?,
        })
    };
    found.iter().map(request).collect()
}

/// Answers a request; one that was withdrawn or answered meanwhile stays as it is.
pub(crate) async fn answer(
    session: &mut Session,
    request: RequestId,
    answer: &Answer,
    now: Timestamp,
) -> Result<(), Fault> {
    session
        .write_unentered(Turn::Shared, async |tx| {
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
                [&request.0, &to_json(answer), &now.0];
            tx.execute(sql!("request_answer"), &values).await?;
            Ok(())
        })
        .await
}

/// Leaves a wish.
pub(crate) async fn post(
    session: &mut Session,
    wish: &Wish,
    now: Timestamp,
) -> Result<RequestId, Fault> {
    let posted = session
        .write_unentered(Turn::Shared, async |tx| {
            let row = tx
                .row(sql!("request_post"), &[&to_json(wish), &now.0])
                .await?;
            let row = row.ok_or_else(|| damaged("a wish that was left has no number"))?;
            int(&row, 0).map(RequestId)
        })
        .await?;
    session.stir_all().await;
    Ok(posted)
}

/// The answer to a wish, once there is one.
pub(crate) async fn answer_of(tx: &Tx<'_>, request: RequestId) -> Result<Option<Answer>, Fault> {
    let row = tx.row(sql!("request_answer_of"), &[&request.0]).await?;
    match row {
        Some(row) => super::rows::json(&row, 0),
        None => Ok(None),
    }
}

/// Takes a wish back that nobody has answered.
pub(crate) async fn withdraw(session: &mut Session, request: RequestId) -> Result<bool, Fault> {
    session
        .write_unentered(Turn::Shared, async |tx| {
            let removed = tx.execute(sql!("request_withdraw"), &[&request.0]).await?;
            Ok(removed == 1)
        })
        .await
}
