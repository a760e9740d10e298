//! What a simulation tells: how near the model is, a line per combination of numbers, and pairs of stages with their evidence.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::table::Table;
use crate::output::{number, paint, time};
use carril::model::account::CauseKind;
use carril::model::contract::ProcessRow;
use carril::model::simulate::{
    Bottleneck, Check, Doubt, Limit, Numbers, Pair, Prediction, Recording,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// All that is told.
pub(super) struct Told<'a> {
    pub(super) process: &'a ProcessRow,
    pub(super) recording: &'a Recording,
    pub(super) check: Check,
    pub(super) same: Prediction,
    pub(super) predictions: Vec<Prediction>,
    pub(super) pairs: Vec<Pair>,
}

#[derive(Debug, Serialize)]
struct Shape<'a> {
    process: i64,
    measured_micros: i64,
    model_micros: i64,
    off_permille: u64,
    trusted: bool,
    doubts: &'a [Doubt],
    same: PredictionShape<'a>,
    predictions: Vec<PredictionShape<'a>>,
    must_not_overlap: &'a [Pair],
}

#[derive(Debug, Serialize)]
struct PredictionShape<'a> {
    lanes: u32,
    resources: &'a BTreeMap<String, u32>,
    pools: &'a BTreeMap<String, u32>,
    micros: i64,
    bottleneck: String,
    time_micros: BTreeMap<&'static str, i64>,
    limits: Vec<LimitShape>,
}

#[derive(Debug, Serialize)]
struct LimitShape {
    limit: String,
    permille: u64,
    waited_micros: i64,
    at_least_micros: i64,
}

impl<'a> PredictionShape<'a> {
    fn of(prediction: &'a Prediction) -> Self {
        let causes = prediction.causes.iter();
        let limits = prediction.busy.iter().map(|busy| LimitShape {
            limit: limit(&busy.limit),
            permille: busy.permille,
            waited_micros: busy.waited_micros,
            at_least_micros: busy.at_least_micros,
        });
        Self {
            lanes: prediction.numbers.lanes,
            resources: &prediction.numbers.slots,
            pools: &prediction.numbers.pools,
            micros: prediction.micros,
            bottleneck: bottleneck(&prediction.bottleneck),
            time_micros: causes
                .map(|(kind, micros)| (kind.name(), *micros))
                .collect(),
            limits: limits.collect(),
        }
    }
}

/// `lanes`, `slot(geneva)`, `rate(api)`, `pool(warehouse)`.
fn limit(of: &Limit) -> String {
    match of {
        Limit::Lanes => "lanes".to_owned(),
        Limit::Slots(name) => format!("slot({name})"),
        Limit::Rate(name) => format!("rate({name})"),
        Limit::Pool(name) => format!("pool({name})"),
    }
}

fn bottleneck(of: &Bottleneck) -> String {
    match of {
        Bottleneck::Limit(of) => limit(of),
        Bottleneck::LongestLane => "longest lane".to_owned(),
    }
}

impl Told<'_> {
    pub(super) fn tell(&self, context: &Context) -> Result<(), Failure> {
        if context.output.json() {
            return context.output.value(&Shape {
                process: self.process.id.0,
                measured_micros: self.check.measured_micros,
                model_micros: self.check.model_micros,
                off_permille: self.check.off_permille,
                trusted: self.check.is_near(),
                doubts: &self.recording.doubts,
                same: PredictionShape::of(&self.same),
                predictions: self.predictions.iter().map(PredictionShape::of).collect(),
                must_not_overlap: &self.pairs,
            });
        }
        let mut parts = vec![self.head(), self.table()];
        parts.extend(self.beyond());
        parts.extend(self.pairs());
        context.output.data(&parts.join("\n\n"))
    }

    fn head(&self) -> String {
        let Self { process, check, .. } = self;
        let off = format!("{}.{} %", check.off_permille / 10, check.off_permille % 10);
        let mut lines = vec![
            format!(
                "{} {} · {} · {}",
                paint::bold("process"),
                process.id,
                process.pipeline,
                number::of(u64::from(process.lanes), "lane", "lanes")
            ),
            format!(
                "  measured {}, model {}: {off} apart",
                time::span(check.measured_micros),
                time::span(check.model_micros)
            ),
        ];
        if !check.is_near() {
            let why =
                "  it should not be trusted: the same numbers give another time than was measured";
            lines.push(paint::warning(why));
        }
        for doubt in &self.recording.doubts {
            lines.push(format!(
                "  its lanes spent {} on {}, which stays as it was whatever the numbers",
                time::span(doubt.micros),
                doubt.cause
            ));
        }
        if !check.is_near() && self.recording.doubts.is_empty() {
            lines.push(
                "  nothing that was recorded tells why; other processes may have used the same resources".to_owned(),
            );
        }
        lines.join("\n")
    }

    fn table(&self) -> String {
        let mut names: Vec<(bool, &String)> = Vec::new();
        let same = &self.same.numbers;
        names.extend(same.slots.keys().map(|name| (false, name)));
        let given = self
            .predictions
            .iter()
            .flat_map(|one| one.numbers.slots.keys());
        names.extend(given.map(|name| (false, name)));
        names.extend(same.pools.keys().map(|name| (true, name)));
        names.sort();
        names.dedup();
        let mut heads = vec![">LANES".to_owned()];
        heads.extend(names.iter().map(|(_, name)| format!(">{name}")));
        heads.extend(
            [
                ">TOOK",
                ">AGAINST",
                ">RUNNING",
                ">QUEUED",
                ">WAITED",
                "BOTTLENECK",
            ]
            .map(str::to_owned),
        );
        let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
        let mut table = Table::new(&heads);
        for one in std::iter::once(&self.same).chain(&self.predictions) {
            let mut cells = vec![one.numbers.lanes.to_string()];
            cells.extend(
                names
                    .iter()
                    .map(|(pool, name)| places(&one.numbers, *pool, name)),
            );
            cells.extend([
                time::span(one.micros),
                against(one.micros, self.same.micros),
                time::span(spent(one, &[CauseKind::Running])),
                time::span(spent(one, &[CauseKind::Queued])),
                time::span(spent(
                    one,
                    &[CauseKind::Slot, CauseKind::Rate, CauseKind::Pool],
                )),
                bottleneck(&one.bottleneck),
            ]);
            table.row(&cells);
        }
        table.render()
    }

    /// What to know of predictions for more than was measured.
    fn beyond(&self) -> Option<String> {
        let more = self
            .predictions
            .iter()
            .any(|one| one.numbers.lanes > self.recording.numbers.lanes);
        more.then(|| {
            "more lanes than were measured: every attempt is taken to run as long as it did, so a database or a machine that is full makes it longer than told here".to_owned()
        })
    }

    fn pairs(&self) -> Option<String> {
        if self.pairs.is_empty() {
            return None;
        }
        let mut lines =
            vec!["stages that should not overlap, by their locks and deadlocks:".to_owned()];
        for pair in &self.pairs {
            lines.push(format!(
                "  {} while another lane is in {}: {} overlapped, of which {} waited for a lock and {} were victims of a deadlock; {} did not overlap, of which {} had either",
                pair.stage,
                pair.other,
                number::of(pair.overlapped, "attempt", "attempts"),
                number::count(pair.waited),
                number::count(pair.deadlocked),
                number::count(pair.apart),
                number::count(pair.apart_troubled)
            ));
        }
        Some(lines.join("\n"))
    }
}

fn places(numbers: &Numbers, pool: bool, name: &str) -> String {
    let of = if pool { &numbers.pools } else { &numbers.slots };
    of.get(name)
        .map_or_else(|| "any".to_owned(), u32::to_string)
}

fn spent(prediction: &Prediction, causes: &[CauseKind]) -> i64 {
    let of = causes
        .iter()
        .filter_map(|cause| prediction.causes.get(cause));
    of.sum()
}

/// `-48 %` of what the model says with the numbers that were.
fn against(micros: i64, same: i64) -> String {
    let percent = (i128::from(micros - same) * 100) / i128::from(same.max(1));
    match percent {
        0 => "same".to_owned(),
        percent if percent > 0 => format!("+{percent} %"),
        percent => format!("{percent} %"),
    }
}
