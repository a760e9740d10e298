//! Which stages trouble each other: attempts of a pair of stages that overlapped, against attempts that did not.
//!
//! That two stages run at once is no fault. A pair is named when its attempts got into trouble (a lock waited for, a deadlock) more
//! often while the other stage was at work than while it was not, and by more than chance would explain: Fisher's exact test.

use serde::Serialize;
use std::collections::BTreeMap;

/// A pair is named when chance would give such numbers less often than this.
const CHANCE_MAX: f64 = 0.01;

/// Fewer troubled attempts say nothing.
const TROUBLED_MIN: u64 = 3;

/// One attempt: who was at work in which stage, when, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The execution.
    pub execution: i64,
    /// The stage.
    pub stage: String,
    /// From.
    pub began: i64,
    /// To.
    pub ended: i64,
    /// Whether it was a deadlock's victim, or could not be put in an order with others.
    pub deadlocked: bool,
    /// Whether it waited for a lock in the database, or too long for one.
    pub waited: bool,
}

/// Two stages that must not overlap, with the evidence. A stage may trouble itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// The stage whose attempts were troubled.
    pub stage: String,
    /// The stage that was at work meanwhile.
    pub other: String,
    /// Attempts of `stage` that overlapped with attempts of `other` in other executions.
    pub overlapped: u64,
    /// Those of them that waited for a lock.
    pub waited: u64,
    /// Those of them that were a deadlock's victims.
    pub deadlocked: u64,
    /// Attempts of `stage` that did not overlap with it.
    pub apart: u64,
    /// Those of them that waited for a lock or were victims.
    pub apart_troubled: u64,
    /// How likely chance alone gives such numbers.
    pub chance: f64,
}

/// Counts of one pair.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    overlapped: u64,
    waited: u64,
    deadlocked: u64,
    troubled: u64,
}

/// Finds pairs, the most troubled first.
#[must_use]
pub fn pairs(uses: &[Use]) -> Vec<Pair> {
    let mut stages: Vec<&str> = uses.iter().map(|one| one.stage.as_str()).collect();
    stages.sort_unstable();
    stages.dedup();
    let of: BTreeMap<&str, usize> = stages
        .iter()
        .enumerate()
        .map(|(at, name)| (*name, at))
        .collect();
    let met = meetings(uses, &of);
    let mut counts = vec![Counts::default(); stages.len() * stages.len()];
    let mut all = vec![(0_u64, 0_u64); stages.len()];
    for (one, met) in uses.iter().zip(&met) {
        let stage = of[one.stage.as_str()];
        let troubled = u64::from(one.deadlocked || one.waited);
        all[stage].0 += 1;
        all[stage].1 += troubled;
        for (other, _) in met.iter().enumerate().filter(|(_, met)| **met) {
            let pair = &mut counts[stage * stages.len() + other];
            pair.overlapped += 1;
            pair.waited += u64::from(one.waited && !one.deadlocked);
            pair.deadlocked += u64::from(one.deadlocked);
            pair.troubled += troubled;
        }
    }
    let mut found = Vec::new();
    for (stage, name) in stages.iter().enumerate() {
        for (other, other_name) in stages.iter().enumerate() {
            let pair = counts[stage * stages.len() + other];
            let (attempts, troubled) = all[stage];
            let chance = chance(attempts, troubled, pair.overlapped, pair.troubled);
            if pair.troubled < TROUBLED_MIN || chance > CHANCE_MAX {
                continue;
            }
            found.push(Pair {
                stage: (*name).to_owned(),
                other: (*other_name).to_owned(),
                overlapped: pair.overlapped,
                waited: pair.waited,
                deadlocked: pair.deadlocked,
                apart: attempts - pair.overlapped,
                apart_troubled: troubled - pair.troubled,
                chance,
            });
        }
    }
    found.sort_by(|one, other| {
        let troubled = |pair: &Pair| pair.waited + pair.deadlocked;
        troubled(other)
            .cmp(&troubled(one))
            .then(one.chance.total_cmp(&other.chance))
            .then_with(|| (&one.stage, &one.other).cmp(&(&other.stage, &other.other)))
    });
    found
}

/// For each attempt, the stages that attempts of other executions were in meanwhile.
fn meetings(uses: &[Use], of: &BTreeMap<&str, usize>) -> Vec<Vec<bool>> {
    let mut met = vec![vec![false; of.len()]; uses.len()];
    let mut order: Vec<usize> = (0..uses.len()).collect();
    order.sort_by_key(|at| uses[*at].began);
    let mut open: Vec<usize> = Vec::new();
    for at in order {
        let one = &uses[at];
        open.retain(|other| uses[*other].ended > one.began);
        for other in &open {
            if uses[*other].execution != one.execution {
                met[at][of[uses[*other].stage.as_str()]] = true;
                met[*other][of[one.stage.as_str()]] = true;
            }
        }
        open.push(at);
    }
    met
}

/// How likely at least `hits` of `drawn` attempts are troubled, when `troubled` of `all` are, and which is chance: the one-sided exact
/// test of Fisher, a sum of the hypergeometric distribution.
fn chance(all: u64, troubled: u64, drawn: u64, hits: u64) -> f64 {
    let most = troubled.min(drawn);
    let logs = log_factorials(all);
    let choose = |of: u64, many: u64| -> f64 {
        let at = |number: u64| logs[usize::try_from(number).unwrap_or(usize::MAX)];
        at(of) - at(many) - at(of - many)
    };
    let whole = choose(all, drawn);
    let mut sum = 0.0;
    for number in hits..=most {
        if drawn - number > all - troubled {
            continue;
        }
        sum += (choose(troubled, number) + choose(all - troubled, drawn - number) - whole).exp();
    }
    sum.min(1.0)
}

fn log_factorials(upto: u64) -> Vec<f64> {
    let mut logs = vec![0.0];
    let mut sum = 0.0;
    for number in 1..=upto {
        #[expect(
            clippy::cast_precision_loss,
            reason = "attempts are far fewer than 2^52"
        )]
        let number = number as f64;
        sum += number.ln();
        logs.push(sum);
    }
    logs
}
