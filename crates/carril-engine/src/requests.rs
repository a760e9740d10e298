//! Wishes that other programs left in the store: found by looking, now and then and when somebody rings, carried out, answered.
//!
//! A wish is answered once it was refused, or the store knows of it; its work goes on after that, and whoever asked follows it in
//! the store. A wish that an engine dies over is found again by the next: each verb copes with being asked twice.

use crate::control::{Sending, Word};
use crate::engine::Engine;
use crate::error::Error;
use crate::launch::{EntitySource, LaunchOutcome, LaunchRequest, Narrowing};
use crate::task::Kind;
use carril_model::contract::{Answer, Fault, Older, Request, Selection, Wish};
use carril_model::id::ProcessId;
use carril_model::plan::Plan;
use std::sync::Arc;
use std::time::Duration;

/// Looks for wishes until the engine stops.
pub(crate) async fn look(engine: Engine, every: Duration) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = engine.core.requests_now.notified() => {}
        }
        match engine.core.store.requests().await {
            Ok(requests) => {
                for request in requests {
                    serve(&engine, request).await;
                }
            }
            // While the store is away the journal says so, once.
            Err(Fault::Busy(_) | Fault::Unavailable(_) | Fault::LostLease)
                if engine.core.outlasts => {}
            Err(fault) => tracing::warn!(%fault, "requests of other programs could not be read"),
        }
    }
}

async fn serve(engine: &Engine, request: Request) {
    tracing::info!(request = request.id.0, "another program asks");
    // Asked twice after a crash, it must not be done twice.
    let once = format!("request-{}", request.id);
    let answer = match carry_out(engine, request.wish, Some(once)).await {
        Ok(answer) => answer,
        Err(error) => Answer::Refused {
            code: error.code().to_owned(),
            message: error.to_string(),
        },
    };
    if let Err(fault) = engine
        .core
        .store
        .answer(request.id, &answer, engine.core.clock.now())
        .await
    {
        tracing::warn!(%fault, request = request.id.0, "a request could not be answered");
    }
}

impl Engine {
    /// Carries out a wish as if another program had left it: it is answered once it is refused, or once the store knows of it,
    /// and its work goes on after that.
    ///
    /// # Errors
    /// As the verb that it stands for.
    pub async fn carry_out(&self, wish: Wish) -> Result<Answer, Error> {
        carry_out(self, wish, None).await
    }
}

/// `once` makes a wish one that is carried out once, however often it is asked.
async fn carry_out(engine: &Engine, wish: Wish, once: Option<String>) -> Result<Answer, Error> {
    match wish {
        Wish::Launch {
            definition,
            params,
            launched_by,
            lanes,
            priority,
            only,
            except,
            idempotency_key,
            targets,
            folder,
            despite_failures,
        } => {
            let outcome = engine
                .launch(LaunchRequest {
                    plan: Arc::new(Plan::new(*definition).in_folder(folder)),
                    params,
                    targets,
                    launched_by,
                    lanes,
                    priority,
                    narrowing: Narrowing { only, except },
                    idempotency_key: idempotency_key.or(once),
                    despite_failures,
                    entities: EntitySource::Pipeline,
                })
                .await?;
            Ok(answer(vec![outcome.process()], &launched(outcome)))
        }
        Wish::Cancel { selection, reason } => {
            engine.cancel(selection.clone(), &reason).await?;
            accepted(engine, &selection, "is being cancelled").await
        }
        Wish::Retry { selection, from } => {
            let processes = engine.retry(selection, from.as_deref()).await?;
            Ok(answer(processes, "runs again"))
        }
        Wish::Pause { process } => {
            engine.pause(process).await?;
            Ok(answer(vec![process], "is paused"))
        }
        Wish::Resume { process } => {
            engine.resume(process).await?;
            Ok(answer(vec![process], "goes on"))
        }
        Wish::RollBack { selection } => {
            let answer = accepted(engine, &selection, "is being rolled back").await?;
            let held = engine.begin_rollback(&selection).await?;
            let worker = engine.clone();
            engine.core.tasks.spawn(Kind::Work, async move {
                worker.finish_rollback(&selection, held).await;
            });
            Ok(answer)
        }
        other => look_after(engine, other, once).await,
    }
}

/// Wishes that run and undo nothing.
async fn look_after(engine: &Engine, wish: Wish, once: Option<String>) -> Result<Answer, Error> {
    match wish {
        Wish::Breaker {
            resource,
            to,
            reason,
        } => {
            engine.breaker(&resource, to, reason.as_deref()).await?;
            Ok(answer(
                Vec::new(),
                &format!("the breaker of {resource} is set"),
            ))
        }
        Wish::Signal {
            selection,
            name,
            data,
            sent_by,
            idempotency_key,
        } => {
            let sending = Sending {
                name,
                data,
                sent_by,
                idempotency_key: idempotency_key.or(once),
            };
            let sent = engine.signal(&selection, sending).await?;
            let processes = engine.processes_of(&selection).await?;
            Ok(answer(processes, &format!("{sent} got it")))
        }
        Wish::Decide {
            execution,
            step,
            approved,
            by,
            reason,
        } => {
            let word = Word {
                approved,
                by,
                reason,
                idempotency_key: once,
            };
            engine.decide(execution, step.as_deref(), word).await?;
            let selection = Selection::Executions(vec![execution]);
            accepted(engine, &selection, "has its answer").await
        }
        Wish::SetBaseline { process, by } => {
            let kept = engine.set_baseline(process, &by).await;
            kept.map(|kept| answer(vec![kept.process], "is the baseline"))
        }
        Wish::ClearBaseline { pipeline } => {
            let cleared = engine.clear_baseline(&pipeline).await;
            cleared.map(|()| answer(Vec::new(), "the baseline is cleared"))
        }
        Wish::Prune { older } => Ok(prune(engine, older)),
        Wish::Purge { process } => {
            engine.check_purge(process).await?;
            purge(engine.clone(), process);
            Ok(answer(vec![process], "is being purged"))
        }
        Wish::Launch { .. }
        | Wish::Cancel { .. }
        | Wish::Retry { .. }
        | Wish::Pause { .. }
        | Wish::Resume { .. }
        | Wish::RollBack { .. } => unreachable!("whoever carries out wishes does these itself"),
    }
}

fn purge(worker: Engine, process: ProcessId) {
    let tasks = worker.core.tasks.clone();
    tasks.spawn(Kind::Work, async move {
        worker.purge_and_tell(process).await;
    });
}

/// What is old goes in the background; whoever asked does not wait for it.
fn prune(engine: &Engine, older: Older) -> Answer {
    let worker = engine.clone();
    engine.core.tasks.spawn(Kind::Work, async move {
        worker.prune_and_tell(older).await;
    });
    answer(Vec::new(), "what is old is being removed")
}

fn answer(processes: Vec<ProcessId>, what: &str) -> Answer {
    Answer::Accepted {
        processes,
        message: what.to_owned(),
    }
}

fn launched(outcome: LaunchOutcome) -> String {
    match outcome {
        LaunchOutcome::Launched(process) => format!("process {process} was launched"),
        LaunchOutcome::Repeated(process) => {
            format!("this launch was made before, as process {process}")
        }
        LaunchOutcome::Skipped(process) => format!(
            "process {process} with the same parameters is unfinished, so nothing was launched"
        ),
    }
}

async fn accepted(engine: &Engine, selection: &Selection, what: &str) -> Result<Answer, Error> {
    Ok(answer(engine.processes_of(selection).await?, what))
}
