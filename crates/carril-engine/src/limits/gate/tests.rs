//! A gate gives out what it has, in order, and whoever gives up waiting leaves no trace. Thousands of interleavings are played by
//! hand: every poll, drop and release is an event of its own.

use super::{Gate, Permit, Waiting};
use crate::limits::Claimant;
use carril_model::id::ProcessId;
use proptest::prelude::*;
use std::future::Future as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

const fn who(process: i64, priority: i8) -> Claimant {
    Claimant {
        process: ProcessId(process),
        priority,
    }
}

fn poll(waiting: &mut Waiting) -> Option<Permit> {
    let mut context = Context::from_waker(Waker::noop());
    match Pin::new(waiting).poll(&mut context) {
        Poll::Ready(permit) => Some(permit),
        Poll::Pending => None,
    }
}

fn waits(gate: &Arc<Gate>, who: Claimant) -> Waiting {
    gate.enter(who).expect_err("nothing is free")
}

#[test]
fn a_permit_goes_to_whose_turn_it_is_and_not_to_who_comes_by() {
    let gate = Gate::new(1);
    let held = gate.enter(who(1, 0)).expect("it is free");
    let mut low = waits(&gate, who(1, 0));
    let mut high = waits(&gate, who(2, 3));
    drop(held);
    assert!(gate.try_enter().is_none(), "it is spoken for");
    assert!(poll(&mut low).is_none());
    let held = poll(&mut high).expect("the higher priority comes first");
    drop(held);
    assert!(poll(&mut low).is_some());
}

#[test]
fn who_gives_up_after_the_grant_passes_it_on() {
    let gate = Gate::new(1);
    let held = gate.enter(who(1, 0)).expect("it is free");
    let first = waits(&gate, who(1, 0));
    let mut second = waits(&gate, who(1, 0));
    drop(held);
    drop(first);
    assert!(poll(&mut second).is_some());
}

#[test]
fn a_wider_gate_lets_in_who_waits() {
    let gate = Gate::new(1);
    let _held = gate.enter(who(1, 0)).expect("it is free");
    let mut waiting = waits(&gate, who(1, 0));
    gate.widen(2);
    let permit = poll(&mut waiting);
    assert!(permit.is_some());
    gate.widen(1);
    assert!(
        gate.try_enter().is_none(),
        "it is not made narrower, nor wider"
    );
}

#[test]
fn a_narrower_gate_takes_back_what_comes_and_rings() {
    let bell = Arc::new(tokio::sync::Notify::new());
    let rung = || {
        let mut rung = std::pin::pin!(bell.notified());
        let mut context = Context::from_waker(Waker::noop());
        rung.as_mut().poll(&mut context).is_ready()
    };
    let gate = Gate::shared(Arc::clone(&bell));
    let mut first = waits(&gate, who(1, 0));
    assert!(rung(), "somebody waits");
    gate.set(2);
    let first = poll(&mut first).expect("there are some now");
    let second = gate.enter(who(1, 0)).expect("it is free");
    let mut third = waits(&gate, who(1, 0));
    assert!(rung());
    assert_eq!(gate.narrow(1), 2, "both are still out");
    assert_eq!(gate.narrow(9), 2, "it is made no wider");
    drop(first);
    assert!(rung(), "one that is too many has come back");
    assert!(poll(&mut third).is_none(), "and goes to nobody");
    assert_eq!(gate.demand(), (1, 1));
    drop(second);
    assert!(!rung());
    assert!(poll(&mut third).is_some());
}

#[derive(Debug, Clone)]
enum Event {
    Enter(i64, i8),
    Poll(usize),
    GiveUp(usize),
    Release(usize),
    Set(u32),
}

proptest! {
    #[test]
    fn never_more_are_out_than_there_are_and_none_is_lost(
        permits in 1_u32..4,
        events in prop::collection::vec(prop_oneof![
            4 => (1_i64..4, -1_i8..2).prop_map(|(process, priority)| Event::Enter(process, priority)),
            4 => (0_usize..9).prop_map(Event::Poll),
            2 => (0_usize..9).prop_map(Event::GiveUp),
            4 => (0_usize..9).prop_map(Event::Release),
            1 => (0_u32..6).prop_map(Event::Set),
        ], 1..150),
    ) {
        let gate = Gate::new(permits);
        let mut permits = permits;
        let (mut held, mut waiting): (Vec<Permit>, Vec<Waiting>) = (Vec::new(), Vec::new());
        for event in events {
            let before = gate.demand().0;
            match event {
                Event::Enter(process, priority) => match gate.enter(who(process, priority)) {
                    Ok(permit) => held.push(permit),
                    Err(place) => waiting.push(place),
                },
                Event::Poll(at) if !waiting.is_empty() => {
                    let at = at % waiting.len();
                    if let Some(permit) = poll(&mut waiting[at]) {
                        drop(waiting.remove(at));
                        held.push(permit);
                    }
                }
                Event::GiveUp(at) if !waiting.is_empty() => drop(waiting.remove(at % waiting.len())),
                Event::Release(at) if !held.is_empty() => drop(held.remove(at % held.len())),
                Event::Set(to) => {
                    gate.set(to);
                    permits = to;
                }
                _ => {}
            }
            let inside = gate.lock();
            prop_assert!(inside.out <= before.max(permits), "more never go out than there may be");
            prop_assert!(inside.queue.len() == 0 || inside.out >= inside.permits, "nobody waits for what is free");
            let granted = inside.out as usize - held.len();
            prop_assert!(granted <= waiting.len(), "what is out is held or granted");
            drop(inside);
        }
        // With everybody gone all of them are free again.
        drop((held, waiting));
        prop_assert_eq!(gate.demand(), (0, 0));
    }
}

/// Real threads: whoever is granted is alone, and everybody gets in or gives up.
#[test]
fn many_threads_share_one_permit() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime starts");
    let gate = Gate::new(1);
    let inside = Arc::new(AtomicU32::new(0));
    let entered = Arc::new(AtomicU32::new(0));
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..400_i64 {
            let (gate, inside, entered) =
                (Arc::clone(&gate), Arc::clone(&inside), Arc::clone(&entered));
            tasks.spawn(async move {
                let place = gate.enter(who(number % 7, i8::try_from(number % 3).unwrap()));
                let permit = match place {
                    Ok(permit) => permit,
                    // Every third gives up, some of them just when they are granted.
                    Err(place) if number % 3 == 0 => {
                        tokio::task::yield_now().await;
                        return drop(place);
                    }
                    Err(place) => place.await,
                };
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "it is alone");
                entered.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                inside.fetch_sub(1, Ordering::SeqCst);
                drop(permit);
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("no task panics");
        }
    });
    assert!(entered.load(Ordering::SeqCst) >= 266);
    assert_eq!(gate.demand(), (0, 0));
}
