//! Runners that behave badly in every way there is: each becomes an outcome of its own step, in bounded time.

use super::*;
use carril_model::definition::{
    Action, Definition, Effects, Entities, Lanes, RetryPolicy, Scope, Stage, Step,
};
use carril_model::execution::Context;
use carril_model::id::{ExecutionId, ProcessId, Run, StepId, Token};
use carril_model::plan::Plan;
use carril_model::time::Timestamp;
use serde_json::Map;
use std::collections::BTreeMap;

/// What the runner does.
#[derive(Clone, Copy)]
enum Behaviour {
    Succeeds,
    Panics,
    /// Never ends, but listens.
    WaitsForTheBell,
    /// Never ends and does not listen.
    Hangs,
    /// Is done although the bell rang meanwhile.
    FinishesWhenAsked,
    IsFenced,
}

impl StepRunner for Behaviour {
    fn run<'a>(
        &'a self,
        _call: &'a StepCall,
        cancel: &'a dyn Cancellation,
    ) -> Pending<'a, Result<StepDone, StepError>> {
        Box::pin(async move {
            match self {
                Self::Succeeds => Ok(StepDone::default()),
                Self::Panics => panic!("as planned"),
                Self::WaitsForTheBell => {
                    cancel.cancelled().await;
                    Err(StepError::new(
                        "CAR0501",
                        ErrorClass::Permanent,
                        "interrupted",
                    ))
                }
                Self::Hangs => std::future::pending().await,
                Self::FinishesWhenAsked => {
                    cancel.cancelled().await;
                    Ok(StepDone::default())
                }
                Self::IsFenced => {
                    cancel.cancelled().await;
                    Err(StepError::new(
                        "CAR0504",
                        ErrorClass::Fenced,
                        "somebody else owns it",
                    ))
                }
            }
        })
    }
}

fn call() -> StepCall {
    let step = Step {
        name: "a".to_owned(),
        action: Action::Noop,
        when: None,
        critical: true,
        timeout: Duration::from_secs(60),
        retry: RetryPolicy::default(),
        resources: Vec::new(),
        on_open: Default::default(),
        fallback: None,
        shared_writes: Vec::new(),
        effects: Effects::ExactlyOnce,
    };
    let plan = Arc::new(Plan::new(Definition {
        name: "p".to_owned(),
        description: None,
        params: BTreeMap::new(),
        entities: Entities::Given,
        lanes: Lanes::default(),
        workspace: None,
        resources: BTreeMap::new(),
        goal: carril_model::definition::Goal::default(),
        stages: vec![Stage {
            name: "s".to_owned(),
            per: Scope::Entity,
            parallel: false,
            when: None,
            steps: vec![step],
        }],
    }));
    let context = Context {
        process: ProcessId(1),
        execution: ExecutionId(2),
        run: Run(1),
        entity_key: None,
        params: Arc::new(Map::new()),
        entity: Arc::new(Map::new()),
        outputs: BTreeMap::new(),
        plan: Arc::clone(&plan),
    };
    StepCall {
        has_workspace: false,
        worked: Vec::new(),
        plan,
        step: StepId(0),
        attempt: 1,
        token: Token(1),
        first: true,
        context: Arc::new(context),
        deadline: Timestamp(0),
        locks: None,
    }
}

/// Runs under a paused clock, so that a minute of patience takes no time.
async fn outcome(
    behaviour: Behaviour,
    stop_after: Option<Duration>,
) -> Result<StepDone, (String, ErrorClass)> {
    let stop = CancellationToken::new();
    let ringer = async {
        match stop_after {
            Some(after) => {
                let _ = tokio::time::timeout(after, std::future::pending::<()>()).await;
                stop.cancel();
            }
            None => std::future::pending().await,
        }
    };
    let running = run(Arc::new(behaviour), call(), stop.clone());
    tokio::pin!(running, ringer);
    let result =
        tokio::select! { result = &mut running => result, () = &mut ringer => running.await };
    result.map_err(|error| (error.code, error.class))
}

#[tokio::test(start_paused = true)]
async fn an_attempt_ends_in_its_time_whatever_the_runner_does() {
    let code = |code: &str, class| Err((code.to_owned(), class));
    let second = Some(Duration::from_secs(1));
    assert_eq!(
        outcome(Behaviour::Succeeds, None).await,
        Ok(StepDone::default())
    );
    assert_eq!(
        outcome(Behaviour::Panics, None).await,
        code("CAR0506", ErrorClass::Permanent)
    );
    assert_eq!(
        outcome(Behaviour::WaitsForTheBell, None).await,
        code("CAR0503", ErrorClass::Timeout)
    );
    assert_eq!(
        outcome(Behaviour::WaitsForTheBell, second).await,
        code("CAR0505", ErrorClass::Cancelled)
    );
    assert_eq!(
        outcome(Behaviour::Hangs, None).await,
        code("CAR0515", ErrorClass::Timeout)
    );
    assert_eq!(
        outcome(Behaviour::Hangs, second).await,
        code("CAR0515", ErrorClass::Cancelled)
    );
    assert_eq!(
        outcome(Behaviour::FinishesWhenAsked, None).await,
        Ok(StepDone::default())
    );
    assert_eq!(
        outcome(Behaviour::IsFenced, second).await,
        code("CAR0504", ErrorClass::Fenced)
    );
}

#[test]
fn durations_read_like_the_file() {
    let cases = [
        (50, "50 ms"),
        (1_000, "1 s"),
        (1_500, "1.5 s"),
        (90_000, "90 s"),
        (120_000, "2 min"),
    ];
    for (millis, expected) in cases {
        assert_eq!(in_words(Duration::from_millis(millis)), expected);
    }
}
