//! An engine whose network to its store forgets it: nothing is refused, nothing is cut, and nothing comes back.

use crate::harness::{PATIENCE, end, settled};
use carril::model::contract::EntityRow;
use carril::model::state::ProcessState;
use carril::{Input, Launch, OpenOptions, Pipeline, Stage, Step, StepFailure};
use carril_testkit::network::{Line, Loss};
use carril_testkit::postgres::Cluster;
use serde::de::IgnoredAny;
use serde_json::Map;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// A balancer loses its memory: connections stay as they are for both ends, new ones work. The engine may wait for ever for the answer to
/// what it said; it must notice, connect anew and go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_outlasts_a_network_that_has_forgotten_it() {
    let database = Cluster::get().database();
    let line = Line::to(Cluster::get().port());
    let (gate, opened) = watch::channel(false);
    let (tell, mut told) = mpsc::unbounded_channel();
    let begun = Arc::new(AtomicU32::new(0));
    let step = Step::function("work", {
        let begun = Arc::clone(&begun);
        move |input: Input<IgnoredAny>| {
            begun.fetch_add(1, Ordering::SeqCst);
            let (tell, mut gate) = (tell.clone(), opened.clone());
            async move {
                let _ = tell.send(());
                tokio::select! {
                    _ = gate.wait_for(|open| *open) => Ok(()),
                    () = input.cancel.cancelled() => Err(StepFailure::transient("stopped")),
                }
            }
        }
    });
    let pipeline = Pipeline::new("forgotten")
        .stage(Stage::new("stage").step(step))
        .build()
        .expect("the pipeline is right");
    let port = format!(":{}/", Cluster::get().port());
    let through = database.url().replace(&port, &format!(":{}/", line.port()));
    let options = OpenOptions::new(through)
        .folder(env!("CARGO_TARGET_TMPDIR"))
        .node("here", "one")
        .lease(Duration::from_secs(3))
        .pipeline(&pipeline);
    let one = carril::open(options).await.expect("the store opens");
    let row = |key: &str| EntityRow {
        key: key.to_owned(),
        attributes: Map::new(),
    };
    let entities = Launch::new().entities(vec![row("A"), row("B")]);
    let launched = one.launch(&pipeline, entities).await;
    let process = launched.expect("it is launched").process();
    let begins = async |told: &mut mpsc::UnboundedReceiver<()>| {
        for _ in 0..2 {
            let next = tokio::time::timeout(PATIENCE, told.recv()).await;
            next.expect("it begins in time").expect("it begins");
        }
    };
    begins(&mut told).await;
    assert!(line.forget() > 0);
    // Its lanes stop, it enters again and claims what it had.
    begins(&mut told).await;
    gate.send_replace(true);
    let row = settled(&one, process).await;
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, 2)
    );
    assert_eq!(begun.load(Ordering::SeqCst), 4);
    end(&one).await;
}

/// A program has nobody yet who notices that its store says nothing any more: it gives the connection up by itself and enters over
/// another, or ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_starts_as_its_store_falls_silent_enters_all_the_same() {
    let database = Cluster::get().database();
    let line = Line::to(Cluster::get().port());
    let options = |url: String| {
        OpenOptions::new(url)
            .folder(env!("CARGO_TARGET_TMPDIR"))
            .lease(Duration::from_secs(3))
    };
    // The store is made before, so that the first commit over the line is that of who enters.
    let first = carril::open(options(database.url())).await;
    end(&first.expect("the store is made")).await;
    let port = format!(":{}/", Cluster::get().port());
    let through = database.url().replace(&port, &format!(":{}/", line.port()));
    line.loses(Loss::Silence);
    let opening = tokio::time::timeout(PATIENCE, carril::open(options(through)));
    let one = opening.await.expect("it does not wait for ever");
    let one = one.expect("another connection is answered");
    assert!(line.lost() > 0, "one fell silent");
    end(&one).await;
}
