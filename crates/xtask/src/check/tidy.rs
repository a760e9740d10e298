//! The tidiness of the house: sizes, words, forgotten files, and pages that must agree with the code.
//!
//! One module per group of rules. Each rule is a function of the files it is about; none of them reads a disk.

use crate::check::House;
use crate::finding::Finding;

mod codes;
mod map;
mod modules;
mod sizes;
mod sql;
mod text;
mod words;

/// Applies every rule.
pub(super) fn check(house: &House) -> Vec<Finding> {
    let mut found = map::check(&house.tree, &house.workspace);
    found.extend(codes::check(&house.tree, &house.rust));
    found.extend(modules::check(&house.rust, &house.workspace));
    found.extend(sql::check(&house.tree, &house.rust));
    for file in &house.tree.files {
        found.extend(text::check(file));
        found.extend(sizes::assets(file));
    }
    for file in &house.rust {
        found.extend(sizes::check(file));
        found.extend(words::check(file));
        found.extend(words::opening(file));
    }
    found
}
