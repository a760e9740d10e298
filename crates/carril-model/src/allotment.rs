//! Who may have how much of a limit that several engines share: slots of a resource, thousandths of a rate.
//!
//! Pure decisions, the same for every engine that is shown the same. Each engine has an allotment, which the store keeps, and
//! lends from it in memory; only moving allotments costs anything. Two rules make that safe: the store never allots more than
//! there is, and an engine first lends less and then gives back. What is fair is decided here, on what each wants:
//!
//! * nobody gets more than it wants while another goes short, and of those that go short nobody less than its equal part;
//! * where there is not one for each, they take turns: who has waited longest comes next, and who has had its [`TURN_MICROS`]
//!   passes on what it has as soon as its use is over;
//! * what nobody wants stays with those that may want it, so that they need not ask.
//!
//! Who lives, when this is asked, and where it is kept are the store's to know.

use crate::id::NodeId;
use crate::time::Timestamp;
use std::cmp::Reverse;

/// How long an engine keeps what there is too little of before it is another's turn, in microseconds. Long enough that handing
/// over costs little of it.
pub const TURN_MICROS: i64 = 1_000_000;

/// The parts that a rate is shared in.
pub const RATE_PARTS: u32 = 1_000;

/// What one engine has of a limit, and wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party {
    /// The engine.
    pub node: NodeId,
    /// What it may use at most: its allotment.
    pub granted: u32,
    /// What it could use now: what is in use and what is waited for.
    pub wants: u32,
    /// Since when it has something of it; for one that has nothing, since when it waits. On the store's clock.
    pub since: Timestamp,
}

impl Party {
    /// An engine that has nothing yet.
    #[must_use]
    pub const fn new(node: NodeId, now: Timestamp) -> Self {
        Self {
            node,
            granted: 0,
            wants: 0,
            since: now,
        }
    }

    /// It goes short: it could use more than it has.
    #[must_use]
    pub const fn is_hungry(&self) -> bool {
        self.wants > self.granted
    }

    const fn wants_now(&mut self, wants: u32, now: Timestamp) {
        if self.granted == 0 && self.wants == 0 && wants > 0 {
            self.since = now;
        }
        self.wants = wants;
    }

    const fn has_now(&mut self, granted: u32, now: Timestamp) {
        if (self.granted == 0) != (granted == 0) {
            self.since = now;
        }
        self.granted = granted;
    }

    const fn short_of(&self, target: u32) -> u32 {
        target.saturating_sub(self.granted)
    }
}

/// What each should have of `total`, in the order of the parties: none more than it wants, and all that is wanted, as far as it goes.
#[must_use]
pub fn targets(total: u32, parties: &[Party], now: Timestamp) -> Vec<u32> {
    let mut targets = vec![0_u32; parties.len()];
    let mut left = total;
    loop {
        let mut open: Vec<usize> = (0..parties.len())
            .filter(|at| targets[*at] < parties[*at].wants)
            .collect();
        let many = u32::try_from(open.len()).unwrap_or(u32::MAX);
        if many == 0 || left == 0 {
            return targets;
        }
        let each = left / many;
        if each == 0 {
            // All of those that are left have equally much; one more each for as many as it goes.
            open.sort_by_key(|at| rank(&parties[*at], targets[*at], now));
            for at in open.into_iter().take(left as usize) {
                targets[at] += 1;
            }
            return targets;
        }
        for at in open {
            let more = each.min(parties[at].wants - targets[at]);
            targets[at] += more;
            left -= more;
        }
    }
}

/// Who comes first where there is not one more for each.
fn rank(party: &Party, target: u32, now: Timestamp) -> (u8, Reverse<i64>, i64, i64) {
    let (since, node) = (party.since.0, party.node.0);
    if target > 0 {
        // Nobody is left with nothing: whoever has it keeps it, which costs nothing.
        let order = u8::from(party.granted <= target);
        return (order, Reverse(0), 0, node);
    }
    if party.granted == 0 {
        return (1, Reverse(0), since, node);
    }
    if now.micros_since(party.since) < TURN_MICROS {
        (0, Reverse(0), since, node)
    } else {
        (2, Reverse(since), 0, node)
    }
}

/// Gives what is free to those that are short of their targets, one at a time, and what nobody wants to all alike.
pub fn deal(total: u32, parties: &mut [Party], now: Timestamp) {
    let targets = targets(total, parties, now);
    let mut granted: Vec<u32> = parties.iter().map(|party| party.granted).collect();
    let mut free = u64::from(total).saturating_sub(sum(&granted));
    let mut short: Vec<usize> = (0..parties.len())
        .filter(|at| parties[*at].short_of(targets[*at]) > 0)
        .collect();
    short.sort_by_key(|at| (parties[*at].granted, parties[*at].since, parties[*at].node));
    while free > 0 && !short.is_empty() {
        for at in &short {
            if free > 0 {
                granted[*at] += 1;
                free -= 1;
            }
        }
        short.retain(|at| granted[*at] < targets[*at]);
    }
    while free > 0 {
        let fewest = (0..parties.len()).min_by_key(|at| (granted[*at], parties[*at].node));
        let Some(at) = fewest else { break };
        granted[at] += 1;
        free -= 1;
    }
    for (party, granted) in parties.iter_mut().zip(granted) {
        party.has_now(granted, now);
    }
}

/// Settles a limit for one engine, the one at `me` among the parties: it says what it wants, gives back what others should have, and
/// what is free is dealt. Answers with what it may lend at most from here on.
///
/// `keep` is called when it has to give back: from then on it lends no more than it is told, and answers with what is in use.
/// That much stays its own until it is given back in its turn.
pub fn settle(
    total: u32,
    parties: &mut [Party],
    me: usize,
    wants: u32,
    now: Timestamp,
    keep: impl FnOnce(u32) -> u32,
) -> u32 {
    parties[me].wants_now(wants.min(total), now);
    let targets = targets(total, parties, now);
    let others = parties.iter().zip(&targets).enumerate();
    let asked: u64 = others
        .filter(|(at, _)| *at != me)
        .map(|(_, (party, target))| u64::from(party.short_of(*target)))
        .sum();
    let allotted: u64 = parties.iter().map(|party| u64::from(party.granted)).sum();
    let is_pressed = allotted > u64::from(total) || asked > u64::from(total) - allotted;
    let mut lends = parties[me].granted;
    if is_pressed && targets[me] < parties[me].granted {
        lends = targets[me];
        let in_use = keep(lends);
        let keeps = lends.max(in_use).min(parties[me].granted);
        parties[me].has_now(keeps, now);
    }
    let before = parties[me].granted;
    deal(total, parties, now);
    if parties[me].granted > before {
        lends = parties[me].granted;
    }
    lends
}

fn sum(granted: &[u32]) -> u64 {
    granted.iter().copied().map(u64::from).sum()
}

#[cfg(test)]
mod tests;
