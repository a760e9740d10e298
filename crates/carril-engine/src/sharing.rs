//! Sees to it that this engine has its part of the limits that all engines of a store share: one task, which decides nothing.
//!
//! It settles when it is rung: by a lane that waits for more than is lent here, by one that gave back what is to go, by whoever looks at
//! the neighbours. What is fair the model decides, where it is written the store; what that means here is told to [`crate::limits`].
//! An engine that is alone settles once for each limit, and never again.

use crate::shared::Core;
use std::sync::Arc;
use std::time::Duration;

/// Between two times, however often it is rung: what lanes want changes with each that comes and goes.
const SPACING: Duration = Duration::from_millis(20);
/// Before it is tried again.
const AGAIN: Duration = Duration::from_millis(200);
/// How often it is looked whether there is something to settle, at the least.
const LOOK: Duration = Duration::from_secs(1);

/// Settles until the engine stops and what it has lent has come back; what is left goes with the engine.
pub(crate) async fn run(core: Arc<Core>) {
    let (Some(neighbours), Some(lent)) = (core.store.neighbours(), core.limits.lent()) else {
        return;
    };
    let lent = Arc::clone(lent);
    let stop = &core.tasks.stop;
    loop {
        let is_stopping = stop.is_cancelled();
        if is_stopping {
            lent.close();
            if core.failure.get().is_some() || !lent.is_in_use() {
                return;
            }
        }
        // While it stops nobody looks at others any more, who may want what comes back here.
        if lent.has_news() || is_stopping {
            let generation = lent.generation();
            match neighbours.share(Arc::clone(&lent) as Arc<_>).await {
                Ok(allotted) => lent.settled(generation, allotted),
                Err(fault) => {
                    tracing::debug!(%fault, "what this engine has of shared limits could not be settled; it is tried again");
                    lent.stir();
                    tokio::time::sleep(AGAIN).await;
                }
            }
            tokio::time::sleep(SPACING).await;
        }
        tokio::select! {
            () = lent.bell().notified() => {}
            () = stop.cancelled(), if !is_stopping => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}
