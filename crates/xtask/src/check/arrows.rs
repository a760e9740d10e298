//! The arrows of the house: which crate may use which, and who may touch time, tasks and the environment.
//!
//! What is allowed stands in `rules`, as tables. `crates` compares cargo's view with them, `sources` the tokens of
//! the production code. Arrows between modules of one crate, and wire shapes, are not seen here; reviews are.

use crate::check::House;
use crate::finding::Finding;

mod crates;
mod rules;
mod sources;

/// Compares the house with the tables.
pub(super) fn check(house: &House) -> Vec<Finding> {
    let mut found = crates::edges(&house.workspace);
    found.extend(crates::doors(&house.workspace));
    found.extend(crates::model(&house.workspace));
    found.extend(crates::number(&house.workspace));
    for file in &house.rust {
        found.extend(sources::calls(file));
        found.extend(sources::sql(file));
    }
    found
}
