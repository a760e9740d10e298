//! What the final tables must say, worked out from the input without any database, and which tenants' rows do not.

use super::Size;
use super::feed::{Delivery, instrument};
use std::collections::{BTreeMap, BTreeSet};

/// The final rows of each tenant, each as the line that `read.sql` makes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Final(BTreeMap<u32, BTreeSet<String>>);

impl Final {
    /// From the lines that `read.sql` gave. A line that is none counts for tenant 0, whom nobody expects.
    pub fn read<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut rows = Self::default();
        for line in lines {
            let tenant = line.split('|').next().and_then(|text| text.parse().ok());
            rows.add(tenant.unwrap_or(0), line.to_owned());
        }
        rows
    }

    /// All lines, in order of tenant and line.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.values().flatten().map(String::as_str)
    }

    fn add(&mut self, tenant: u32, line: String) {
        self.0.entry(tenant).or_default().insert(line);
    }
}

/// What the final tables must say when a round is over.
#[must_use]
pub fn expected(size: Size, round: u32) -> Final {
    let mut rows = Final::default();
    for tenant in 1..=size.tenants {
        let delivery = Delivery::of(size, round, tenant);
        for holding in &delivery.holdings {
            let name = instrument(holding.instrument);
            let (mut count, mut sum) = (0, 0);
            let own = |lot: &&_| -> bool {
                let lot: &super::feed::Lot = lot;
                lot.instrument == holding.instrument
            };
            for lot in delivery.lots.iter().filter(own) {
                let amount = lot.quantity * holding.price;
                rows.add(tenant, format!("{tenant}|{name}|#{}|{amount}", lot.lot));
                count += 1;
                sum += amount;
            }
            rows.add(
                tenant,
                format!("{tenant}|{name}|{}|{count}|{sum}", holding.grade),
            );
        }
    }
    rows
}

/// The tenants of which a row is missing, wrong or too much.
#[must_use]
pub fn wrong(expected: &Final, found: &Final) -> BTreeSet<u32> {
    let tenants = expected.0.keys().chain(found.0.keys());
    tenants
        .copied()
        .filter(|tenant| expected.0.get(tenant) != found.0.get(tenant))
        .collect()
}
