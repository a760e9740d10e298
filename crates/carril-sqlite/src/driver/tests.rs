//! The promises of the driver: order, answers, panics contained, a declared end.

use super::{Gone, Worker};
use rusqlite::Connection;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn worker() -> Worker {
    Worker::start("test", Connection::open_in_memory().unwrap(), 4).unwrap()
}

#[test]
fn work_is_done_in_order_and_answered() {
    let worker = worker();
    let read = wait_for(async {
        worker
            .call(|connection| {
                connection
                    .execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES (1)")
                    .unwrap();
            })
            .await
            .unwrap();
        worker
            .call(|connection| {
                connection
                    .query_row("SELECT x FROM t", [], |row| row.get::<_, i64>(0))
                    .unwrap()
            })
            .await
    });
    assert_eq!(read, Ok(1));
}

#[test]
fn a_panic_reaches_its_caller_only() {
    let worker = worker();
    let (panicked, after) = wait_for(async {
        let panicked = worker.call(|_| -> i64 { panic!("on purpose") }).await;
        (panicked, worker.call(|_| 7).await)
    });
    assert_eq!(panicked, Err(Gone));
    assert_eq!(after, Ok(7));
}

#[test]
fn dropping_does_what_is_queued_and_waits_for_it() {
    let worker = worker();
    let done = Arc::new(AtomicU32::new(0));
    let (open, gate) = std::sync::mpsc::channel::<()>();
    wait_for(async {
        let runtime = tokio::task::LocalSet::new();
        for _ in 0..3 {
            let done = Arc::clone(&done);
            let call = worker.call(move |_| done.fetch_add(1, Ordering::SeqCst));
            runtime.spawn_local(call);
        }
        let blocked = worker.call(move |_| gate.recv());
        // The first call keeps the thread busy until the gate opens; the three others wait in the queue.
        let mut blocked = Box::pin(blocked);
        assert!(
            std::future::poll_fn(|context| std::task::Poll::Ready(blocked.as_mut().poll(context)))
                .await
                .is_pending()
        );
        runtime.run_until(tokio::task::yield_now()).await;
    });
    open.send(()).unwrap();
    drop(worker);
    assert_eq!(done.load(Ordering::SeqCst), 3);
}
