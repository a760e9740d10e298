//! Who holds a process while it is being undone, and when it is let go.

use super::Undoing;
use carril_model::id::ProcessId;

#[test]
fn a_process_is_held_until_the_last_rollback_lets_go() {
    let undoing = Undoing::default();
    let (one, other) = (ProcessId(1), ProcessId(2));
    let first = undoing.hold(one);
    let second = undoing.hold(one);
    assert!(undoing.holds(one) && !undoing.holds(other));
    drop(first);
    assert!(undoing.holds(one));
    drop(second);
    assert!(!undoing.holds(one));
}
