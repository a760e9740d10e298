//! News are heard in order, are bounded, and the last one counts.

use super::*;
use carril_model::lock::{Blocker, LockWait};
use carril_model::time::Timestamp;

fn waits(table: &str, since: i64, mode: &str) -> LockNews {
    LockNews::Waits(Box::new(LockWait {
        target: "t".to_owned(),
        table: Some(table.to_owned()),
        kind: "relation".to_owned(),
        mode: mode.to_owned(),
        pid: 1,
        since: Timestamp(since),
        blocker: Blocker::Prepared,
        through: Vec::new(),
        deadlock: false,
    }))
}

fn over(at: i64) -> LockNews {
    LockNews::Over { at: Timestamp(at) }
}

fn heard(ear: &Ear) -> Vec<LockNews> {
    ear.take().into_iter().map(|news| news.what).collect()
}

#[tokio::test]
async fn what_is_told_is_heard_in_order_and_once() {
    let ear = Arc::new(Ear::default());
    let (one, two) = (ear.sink(StepId(0), 1), ear.sink(StepId(1), 3));
    one.tell(waits("a", 1, "x"));
    two.tell(over(2));
    ear.rung().await;
    let news = ear.take();
    assert_eq!((news[0].step, news[0].attempt), (StepId(0), 1));
    assert_eq!((news[1].step, news[1].attempt), (StepId(1), 3));
    assert!(ear.take().is_empty());
}

#[test]
fn more_of_the_same_wait_takes_no_room() {
    let ear = Arc::new(Ear::default());
    let sink = ear.sink(StepId(0), 1);
    for _ in 0..2 * NEWS_MAX {
        sink.tell(waits("a", 1, "x"));
    }
    sink.tell(waits("a", 1, "y"));
    sink.tell(waits("b", 2, "y"));
    assert_eq!(heard(&ear), [waits("a", 1, "y"), waits("b", 2, "y")]);
}

#[test]
fn the_oldest_go_when_nobody_hears_and_the_last_stays() {
    let ear = Arc::new(Ear::default());
    let sink = ear.sink(StepId(0), 1);
    for at in 0..100 {
        sink.tell(waits("a", at, "x"));
        sink.tell(over(at));
    }
    let heard = heard(&ear);
    assert_eq!(heard.len(), NEWS_MAX);
    assert_eq!(heard.last(), Some(&over(99)));
}
