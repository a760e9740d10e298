//! One attempt of a step under its limits: time, cancellation, panics.
//!
//! Whatever the runner does — fails, hangs, panics — becomes an outcome of this step and of nothing else (P6).

use carril_model::contract::{
    Cancellation, ErrorClass, Pending, StepCall, StepDone, StepError, StepRunner,
};
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long a runner may take to stop after it was asked to, before it is abandoned.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// The model's view of a cancellation token.
#[derive(Clone)]
struct Bell(CancellationToken);

impl Cancellation for Bell {
    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    fn cancelled(&self) -> Pending<'_, ()> {
        Box::pin(self.0.cancelled())
    }

    fn shared(&self) -> Arc<dyn Cancellation> {
        Arc::new(self.clone())
    }
}

/// Runs one attempt to its end, at the latest [`GRACE`] after its time or its cancellation. `stop` belongs to this attempt
/// alone: it is also rung when the attempt's time is over.
pub(crate) async fn run(
    runner: Arc<dyn StepRunner>,
    call: StepCall,
    stop: CancellationToken,
) -> Result<StepDone, StepError> {
    let timeout = call.plan.step(call.step).timeout;
    let bell = Bell(stop);
    let stop = &bell.0;
    let mut running = AssertUnwindSafe(runner.run(&call, &bell)).catch_unwind();
    let first = tokio::select! {
        biased;
        outcome = &mut running => Some(outcome),
        () = stop.cancelled() => None,
        () = tokio::time::sleep(timeout) => None,
    };
    // Asked before this task rings the same bell because the time is over, which must not look like a cancellation.
    let asked_to_stop = stop.is_cancelled();
    let is_late = first.is_none() && !asked_to_stop;
    let outcome = match first {
        Some(outcome) => outcome,
        None => {
            stop.cancel();
            match tokio::time::timeout(GRACE, &mut running).await {
                Ok(outcome) => outcome,
                Err(_) => return Err(abandoned(asked_to_stop)),
            }
        }
    };
    match outcome {
        // It may have finished although it was asked to stop: then it is done, and that is the truth.
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error))
            if matches!(error.class, ErrorClass::Fenced | ErrorClass::OutcomeUnknown) =>
        {
            Err(error)
        }
        Ok(Err(error)) if asked_to_stop => Err(renamed(
            error,
            "CAR0505",
            ErrorClass::Cancelled,
            "it was asked to stop",
        )),
        Ok(Err(error)) if is_late => {
            let text = format!("it did not end within {}", in_words(timeout));
            Err(renamed(error, "CAR0503", ErrorClass::Timeout, &text))
        }
        Ok(Err(error)) => Err(error),
        Err(panic) => Err(panicked(panic.as_ref())),
    }
}

fn renamed(error: StepError, code: &str, class: ErrorClass, text: &str) -> StepError {
    StepError {
        log: error.log,
        place: error.place,
        ..StepError::new(code, class, text)
    }
}

fn abandoned(asked_to_stop: bool) -> StepError {
    let class = if asked_to_stop {
        ErrorClass::Cancelled
    } else {
        ErrorClass::Timeout
    };
    StepError::new(
        "CAR0515",
        class,
        format!(
            "it did not stop within {} of being asked and was abandoned",
            in_words(GRACE)
        ),
    )
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> StepError {
    let text = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned());
    StepError::new(
        "CAR0506",
        ErrorClass::Permanent,
        format!(
            "the step panicked: {}",
            text.as_deref().unwrap_or("without a message")
        ),
    )
}

/// A duration as people write it in a pipeline file.
pub(crate) fn in_words(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0..1_000 => format!("{millis} ms"),
        _ if millis.is_multiple_of(60_000) => format!("{} min", millis / 60_000),
        _ if millis.is_multiple_of(1_000) => format!("{} s", millis / 1_000),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests;
