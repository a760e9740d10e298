//! Steps that are Rust functions: what a function is given, what it answers, and how it becomes a step's runner.
//!
//! A function is registered by name before the store is opened, because a process that an earlier program left unfinished
//! may need it. It runs in its lane's task: a panic fails this attempt and nothing else, and a function that does not
//! return is asked to stop when its time is over, and abandoned five seconds later. One that computes or blocks for long
//! belongs on a thread of its own ([`crate::Step::function_blocking`]), or it holds up the lanes that share its thread.

mod values;

use carril_model::contract::{
    Cancellation, ErrorClass, OUTPUT_BYTES_MAX, Pending, StepCall, StepDone, StepError, StepRunner,
};
use carril_model::id::{ExecutionId, ProcessId, Run};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

/// What a function is given.
#[derive(Debug, Clone)]
pub struct Input<T = Value> {
    /// What the function asks for, read from `{"entity": {"key": …, attributes}, "param": {…}, "steps": {outputs by step, and
    /// by stage and step}, "run": 1}`. A struct takes the fields it has and ignores the others.
    pub values: T,
    /// The entity's key; `None` in per-process stages.
    pub entity_key: Option<String>,
    /// The process.
    pub process: ProcessId,
    /// The execution: what isolates this entity's data from every other's.
    pub execution: ExecutionId,
    /// The run, from 1; a retry is the next.
    pub run: Run,
    /// The try of this step in this run, from 1.
    pub attempt: u32,
    /// Tells when somebody wants this attempt to stop.
    pub cancel: Cancel,
    call: StepCall,
}

impl<T> Input<T> {
    /// The same for every try of this step in this run: for systems that refuse to do one thing twice.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        self.call.idempotency_key()
    }
}

/// Tells a function that somebody wants it to stop: its time is over, the execution is cancelled, or the engine is shut down.
#[derive(Clone)]
pub struct Cancel(Arc<dyn Cancellation>);

impl fmt::Debug for Cancel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Cancel")
            .field(&self.is_cancelled())
            .finish()
    }
}

impl Cancel {
    /// Whether it has been asked.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Resolves once it has been asked; never, if the attempt ends first.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn cancelled(&self) {
        self.0.cancelled().await;
    }
}

/// Why a function failed. Every error becomes a permanent failure with `?`; say [`transient`](Self::transient) for one that
/// may go away by itself, so that the step's retry policy tries again.
#[derive(Debug, Clone)]
pub struct StepFailure {
    class: ErrorClass,
    message: String,
}

impl StepFailure {
    /// A failure that may go away by itself: it is tried again as the step's retry policy says.
    #[must_use]
    pub fn transient(message: impl fmt::Display) -> Self {
        Self {
            class: ErrorClass::Transient,
            message: message.to_string(),
        }
    }

    /// A failure that trying again does not mend.
    #[must_use]
    pub fn permanent(message: impl fmt::Display) -> Self {
        Self {
            class: ErrorClass::Permanent,
            message: message.to_string(),
        }
    }
}

impl<E: std::error::Error> From<E> for StepFailure {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::permanent(message)
    }
}

/// Rust functions by the names that pipelines use.
#[derive(Clone, Default)]
pub struct Functions(BTreeMap<String, Arc<dyn StepRunner>>);

impl fmt::Debug for Functions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}

impl Functions {
    /// Registers an asynchronous function; one of the same name is replaced.
    pub fn insert<T, O, F, Fut>(&mut self, name: impl Into<String>, function: F)
    where
        T: DeserializeOwned + Send + 'static,
        O: Serialize + Send + 'static,
        F: Fn(Input<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<O, StepFailure>> + Send + 'static,
    {
        self.0.insert(name.into(), asynchronous(function));
    }

    /// Registers a function that computes or blocks; it runs on a thread of its own.
    pub fn insert_blocking<T, O, F>(&mut self, name: impl Into<String>, function: F)
    where
        T: DeserializeOwned + Send + 'static,
        O: Serialize + Send + 'static,
        F: Fn(Input<T>) -> Result<O, StepFailure> + Send + Sync + 'static,
    {
        self.0.insert(name.into(), blocking(function));
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn insert_runner(&mut self, name: String, runner: Arc<dyn StepRunner>) {
        self.0.insert(name, runner);
    }

    pub(crate) fn extend(&mut self, other: &Self) {
        self.0.extend(
            other
                .0
                .iter()
                .map(|(name, runner)| (name.clone(), Arc::clone(runner))),
        );
    }

    pub(crate) fn into_runners(self) -> BTreeMap<String, Arc<dyn StepRunner>> {
        self.0
    }
}

pub(crate) fn asynchronous<T, O, F, Fut>(function: F) -> Arc<dyn StepRunner>
where
    T: DeserializeOwned + Send + 'static,
    O: Serialize + Send + 'static,
    F: Fn(Input<T>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, StepFailure>> + Send + 'static,
{
    Arc::new(Asynchronous {
        function,
        types: PhantomData::<fn(T) -> O>,
    })
}

pub(crate) fn blocking<T, O, F>(function: F) -> Arc<dyn StepRunner>
where
    T: DeserializeOwned + Send + 'static,
    O: Serialize + Send + 'static,
    F: Fn(Input<T>) -> Result<O, StepFailure> + Send + Sync + 'static,
{
    Arc::new(Blocking {
        function: Arc::new(function),
        types: PhantomData::<fn(T) -> O>,
    })
}

struct Asynchronous<F, Types> {
    function: F,
    types: PhantomData<Types>,
}

impl<T, O, F, Fut> StepRunner for Asynchronous<F, fn(T) -> O>
where
    T: DeserializeOwned + Send + 'static,
    O: Serialize + Send + 'static,
    F: Fn(Input<T>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, StepFailure>> + Send + 'static,
{
    fn run<'a>(
        &'a self,
        call: &'a StepCall,
        cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>> {
        Box::pin(async move {
            let input = input::<T>(call, cancel)?;
            done(&(self.function)(input).await.map_err(failed)?)
        })
    }
}

struct Blocking<F, Types> {
    function: Arc<F>,
    types: PhantomData<Types>,
}

impl<T, O, F> StepRunner for Blocking<F, fn(T) -> O>
where
    T: DeserializeOwned + Send + 'static,
    O: Serialize + Send + 'static,
    F: Fn(Input<T>) -> Result<O, StepFailure> + Send + Sync + 'static,
{
    fn run<'a>(
        &'a self,
        call: &'a StepCall,
        cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>> {
        Box::pin(async move {
            let input = input::<T>(call, cancel)?;
            let function = Arc::clone(&self.function);
            match carril_engine::task::blocking(move || function(input)).await {
                Ok(outcome) => done(&outcome.map_err(failed)?),
                // The engine reports a panic the same way, wherever it happened.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

fn input<T: DeserializeOwned>(
    call: &StepCall,
    cancel: &dyn Cancellation,
) -> Result<Input<T>, StepError> {
    let values = values::read(&call.context).map_err(|error| {
        StepError::new(
            "CAR0519",
            ErrorClass::Permanent,
            format!("its values do not fit what the function takes: {error}"),
        )
    })?;
    Ok(Input {
        values,
        entity_key: call.context.entity_key.as_deref().map(str::to_owned),
        process: call.process(),
        execution: call.execution(),
        run: call.run(),
        attempt: call.attempt,
        cancel: Cancel(cancel.shared()),
        call: call.clone(),
    })
}

fn done<O: Serialize>(output: &O) -> Result<StepDone, StepError> {
    let value = serde_json::to_value(output).map_err(|error| {
        StepError::new(
            "CAR0508",
            ErrorClass::Permanent,
            format!("its output cannot be written as JSON: {error}"),
        )
    })?;
    if value.is_null() {
        return Ok(StepDone::default());
    }
    let bytes = value.to_string().len();
    if bytes > OUTPUT_BYTES_MAX {
        let message = format!(
            "its output has {bytes} bytes as JSON, at most {OUTPUT_BYTES_MAX} are kept; write it into a table and return where it is"
        );
        return Err(StepError::new("CAR0508", ErrorClass::Permanent, message));
    }
    Ok(StepDone {
        output: Some(value),
        ..StepDone::default()
    })
}

fn failed(failure: StepFailure) -> StepError {
    StepError::new("CAR0518", failure.class, failure.message)
}

#[cfg(test)]
mod tests;
