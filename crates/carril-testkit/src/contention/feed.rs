//! The input: what each tenant's services deliver in each round. The same numbers give the same input on every machine.
//!
//! A delivery is in no order, as those of real services are. Tenants of one portfolio are delivered the same instruments with
//! quantities of their own, so rows that are taken for another tenant's give other amounts.

use super::{Size, TENANTS_PER_PORTFOLIO};
use carril_model::retry::mix;

/// Most rows of one statement of the input.
const ROWS_MAX: usize = 1_000;

/// A holding as it is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holding {
    pub(super) instrument: u32,
    pub(super) grade: char,
    pub(super) price: i64,
}

/// A lot as it is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lot {
    pub(super) instrument: u32,
    pub(super) lot: u32,
    pub(super) quantity: i64,
}

/// What one tenant is delivered in one round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) holdings: Vec<Holding>,
    pub(super) lots: Vec<Lot>,
}

/// Chance from a seed.
struct Random(u64);

impl Random {
    const fn below(&mut self, bound: u32) -> u32 {
        self.0 = mix(self.0);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a rest is below its bound, which is a u32"
        )]
        let rest = (self.0 % bound as u64) as u32;
        rest
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            let bound = u32::try_from(last + 1).expect("a delivery has far fewer rows");
            all.swap(last, self.below(bound) as usize);
        }
    }
}

impl Delivery {
    /// Of a tenant, counted from 1, in a round.
    pub(super) fn of(size: Size, round: u32, tenant: u32) -> Self {
        let mut random = Random(mix(u64::from(round)) ^ u64::from(tenant));
        let (mut holdings, mut lots) = (Vec::new(), Vec::new());
        for instrument in 1..=size.instruments {
            if random.below(4) == 0 {
                continue;
            }
            holdings.push(Holding {
                instrument,
                grade: ['A', 'B', 'C'][random.below(3) as usize],
                price: i64::from(100 + random.below(9_900)),
            });
            for lot in 1..=1 + random.below(size.lots) {
                let quantity = i64::from(1 + random.below(1_000));
                lots.push(Lot {
                    instrument,
                    lot,
                    quantity,
                });
            }
        }
        random.shuffle(&mut holdings);
        random.shuffle(&mut lots);
        Self { holdings, lots }
    }
}

/// What an instrument is called.
pub(super) fn instrument(number: u32) -> String {
    format!("I{number:05}")
}

/// The portfolio that a tenant, counted from 1, holds a share of.
#[must_use]
pub fn portfolio(size: Size, tenant: u32) -> String {
    let portfolios = size.tenants.div_ceil(TENANTS_PER_PORTFOLIO).max(1);
    format!("P{:03}", (tenant - 1) % portfolios + 1)
}

/// The statement that fills `tenant`.
#[must_use]
pub fn tenants_input(size: Size) -> String {
    let rows =
        (1..=size.tenants).map(|tenant| format!("({tenant}, '{}')", portfolio(size, tenant)));
    inserts("tenant (tenant, portfolio)", rows).concat()
}

/// The statements that fill the feeds with one round, of at most a thousand rows each.
#[must_use]
pub fn tables_input(size: Size, round: u32) -> Vec<String> {
    let deliveries: Vec<(u32, Delivery)> = (1..=size.tenants)
        .map(|tenant| (tenant, Delivery::of(size, round, tenant)))
        .collect();
    let holdings = deliveries.iter().flat_map(|(tenant, delivery)| {
        let row = move |holding: &Holding| {
            let Holding { grade, price, .. } = holding;
            let instrument = instrument(holding.instrument);
            format!("({round}, {tenant}, '{instrument}', '{grade}', {price})")
        };
        delivery.holdings.iter().map(row)
    });
    let lots = deliveries.iter().flat_map(|(tenant, delivery)| {
        let row = move |of: &Lot| {
            let instrument = instrument(of.instrument);
            format!(
                "({round}, {tenant}, '{instrument}', {}, {})",
                of.lot, of.quantity
            )
        };
        delivery.lots.iter().map(row)
    });
    let into_holdings = "feed_holding (round, tenant, instrument, grade, price)";
    let into_lots = "feed_lot (round, tenant, instrument, lot, quantity)";
    let mut all = inserts(into_holdings, holdings);
    all.extend(inserts(into_lots, lots));
    all
}

fn inserts(into: &str, rows: impl Iterator<Item = String>) -> Vec<String> {
    let rows: Vec<String> = rows.collect();
    let insert = |chunk: &[String]| format!("insert into {into} values\n{};\n", chunk.join(",\n"));
    rows.chunks(ROWS_MAX).map(insert).collect()
}
