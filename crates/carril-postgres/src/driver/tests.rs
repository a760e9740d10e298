//! Tests of the worker: order, panics, its end.

use super::{Gone, Worker};
use std::task::{Context, Waker};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime needs no more than memory")
        .block_on(future)
}

#[test]
fn work_is_done_in_order_and_answered() {
    let worker = Worker::start("test", Vec::new(), 2).expect("there is a thread");
    for number in 0..5 {
        let length = block_on(worker.call(move |state: &mut Vec<i32>| {
            Box::pin(async move {
                tokio::task::yield_now().await;
                state.push(number);
                state.len()
            })
        }));
        assert_eq!(length, Ok(usize::try_from(number).expect("small") + 1));
    }
    assert_eq!(
        worker.wait(|state| Box::pin(async { state.clone() })),
        Ok(vec![0, 1, 2, 3, 4])
    );
}

#[test]
fn a_panic_is_told_and_the_next_work_is_done() {
    let worker = Worker::start("test", 1, 2).expect("there is a thread");
    let gone = block_on(
        worker.call(|_| -> super::Doing<'_, i32> { Box::pin(async { panic!("the work is bad") }) }),
    );
    assert_eq!(gone, Err(Gone));
    assert_eq!(worker.wait(|state| Box::pin(async { *state })), Ok(1));
}

#[test]
fn dropping_does_what_is_queued() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let worker = Worker::start("test", sender, 8).expect("there is a thread");
    let calls: Vec<_> = (0..3)
        .map(|number| {
            let mut call = Box::pin(worker.call(
                move |sender: &mut std::sync::mpsc::Sender<i32>| {
                    Box::pin(async move { sender.send(number).expect("the test listens") })
                },
            ));
            // Polled once, it is in the queue; nobody waits for its answer.
            call.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        })
        .collect();
    drop(calls);
    drop(worker);
    assert_eq!(receiver.iter().collect::<Vec<_>>(), [0, 1, 2]);
}
