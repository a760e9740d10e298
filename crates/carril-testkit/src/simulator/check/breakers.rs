//! The rules of breakers: what their rows may look like, how one may follow another, and whom they let through.
//!
//! Told from the rows that became durable and from the attempts that began, not by asking the breaker.

use super::super::engine::Guard;
use super::super::workload::BREAKERS;
use super::super::world::World;
use carril_model::breaker::{BreakerRow, BreakerState, STATE_CHANGE};
use carril_model::contract::{Group, StepCall};
use carril_model::definition::BreakerPolicy;

impl World {
    /// Every row that a group brings is right by itself, and may follow the one before it.
    pub(super) fn check_breaker_rows(&mut self, group: &Group) {
        for row in &group.breakers {
            let before = self.ledger.breakers.get(&row.resource);
            if before.is_some_and(|before| before.change >= row.change) {
                continue;
            }
            let place = BREAKERS.iter().position(|name| *name == row.resource);
            let policy = self.policies[place.unwrap_or_default()];
            let new = BreakerRow::default();
            let follows = before.map_or_else(
                || follows(policy, &new, row),
                |before| follows(policy, before, row),
            );
            let wrong = if !looks_right(policy, row) {
                Some("a breaker counts what its state counts and nothing else")
            } else if !follows {
                Some("a breaker moves as its policy says")
            } else {
                None
            };
            if let Some(rule) = wrong {
                self.breaks(rule, format!("{row:?} after {before:?}"));
            }
            self.ledger
                .breakers
                .insert(row.resource.clone(), row.clone());
        }
        let is_older = |(resource, known): &(&String, &BreakerRow)| {
            let kept = self.store.tables.breakers.get(*resource);
            kept.is_none_or(|kept| kept.change < known.change)
        };
        let older = self.ledger.breakers.iter().find(is_older);
        if let Some(text) = older.map(|(_, known)| format!("{known:?}")) {
            self.breaks("a breaker's row is never replaced by an older one", text);
        }
    }

    /// An attempt is about to begin: no breaker that it needs may stand against it, as the engine has it and as it is kept.
    pub(super) fn check_let_through(&mut self, call: &StepCall) {
        let Some(engine) = &self.engine else { return };
        let now = self.clock();
        let resources = &call.plan.step(call.step).resources;
        let mut found = None;
        for (at, name) in BREAKERS.iter().enumerate() {
            if !resources.iter().any(|needed| needed == name) {
                continue;
            }
            let known = engine.guards[at].breaker.row();
            let kept = self.store.tables.breakers.get(*name);
            // Who has moved it since knows more than the store.
            let newest = kept
                .filter(|kept| kept.change >= known.change)
                .unwrap_or(known);
            let not_yet = newest.until.is_none_or(|until| now < until);
            if newest.state == BreakerState::Open && not_yet {
                found = Some(("an open breaker lets nobody through before its time", name));
            }
            let since = newest.since;
            if newest.state == BreakerState::HalfOpen && self.uses_since(at, since) > 0 {
                found = Some(("a half-open breaker lets one try through at a time", name));
            }
        }
        if let Some((rule, name)) = found {
            self.breaks(rule, format!("execution {} and {name}", call.execution()));
        }
    }

    /// At the end the next engine would find every breaker as this one has it.
    pub(super) fn check_breakers_kept(&mut self) {
        let guards = self.engine.as_ref().map(|engine| engine.guards.as_slice());
        let lost = |guard: &&Guard| {
            let row = guard.breaker.row();
            row.change > 0 && self.store.tables.breakers.get(&row.resource) != Some(row)
        };
        let lost = guards.unwrap_or_default().iter().find(lost);
        if let Some(text) = lost.map(|guard| format!("{:?}", guard.breaker.row())) {
            self.breaks("at quiet every breaker is kept as it is", text);
        }
    }
}

/// Whether a row can be one of this policy.
fn looks_right(policy: BreakerPolicy, row: &BreakerRow) -> bool {
    let nothing_counted = (row.failures, row.successes) == (0, 0);
    match row.state {
        BreakerState::Open if row.forced => nothing_counted && row.until.is_none(),
        BreakerState::Open => {
            nothing_counted && row.until == Some(row.since.after(policy.cooldown))
        }
        BreakerState::Closed if row.forced => nothing_counted,
        BreakerState::Closed => row.failures < policy.failures && row.successes == 0,
        BreakerState::HalfOpen => {
            row.successes < policy.successes && row.failures == 0 && !row.forced
        }
    }
}

/// Whether a row may come right after another; of those with others in between nothing is known.
fn follows(policy: BreakerPolicy, before: &BreakerRow, row: &BreakerRow) -> bool {
    use BreakerState::{Closed, HalfOpen, Open};
    let by_hand = row.forced || before.forced;
    // An open breaker counts nothing, so what comes after its number is the next state; other states may have counted meanwhile.
    let next_state = (before.change / STATE_CHANGE + 1) * STATE_CHANGE;
    let is_next = match before.state {
        Open => row.change == next_state,
        Closed | HalfOpen => row.change == before.change + 1,
    };
    if !is_next || by_hand {
        return true;
    }
    match (before.state, row.state) {
        (Closed, Closed) => row.failures == 0 || row.failures == before.failures + 1,
        (Closed, Open) => before.failures + 1 == policy.failures,
        (Open, HalfOpen) => {
            before.until.is_some_and(|until| until <= row.since) && row.successes == 0
        }
        (HalfOpen, HalfOpen) => row.successes == before.successes + 1,
        (HalfOpen, Closed) => before.successes + 1 == policy.successes,
        (HalfOpen, Open) => true,
        (Closed, HalfOpen) | (Open, Closed | Open) => false,
    }
}
