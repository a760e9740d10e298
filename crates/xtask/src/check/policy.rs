//! The dependency policy: `deny.toml` applied to every crate of Cargo.lock, and versions in one place.
//!
//! cargo-deny reads the same file and does more; this needs nothing installed, so that every machine checks the
//! licences, the bans and the sources. Known vulnerabilities need a database and are cargo-deny's alone.

use anyhow::{Context as _, Result};

use crate::check::House;
use crate::finding::Finding;
use crate::workspace::Foreign;

mod manifests;
mod rules;
#[cfg(test)]
mod tests;

use rules::Rules;

const FILE: &str = "deny.toml";

/// Applies the policy.
pub(super) fn check(house: &House) -> Vec<Finding> {
    let mut found = manifests::check(&house.tree);
    let text = house.tree.file(FILE).map_or("", |file| file.text.as_str());
    match read(text) {
        Ok(rules) => found.extend(
            house
                .workspace
                .foreign
                .iter()
                .flat_map(|one| judge(one, &rules)),
        ),
        Err(error) => found.push(Finding::error(
            "policy/file",
            FILE,
            format!("the policy cannot be read: {error:#}"),
            "cargo-deny's format, with licenses.allow, bans.deny and sources.allow-registry",
        )),
    }
    found
}

fn read(text: &str) -> Result<Rules> {
    let table: toml::Table = toml::from_str(text).context("it is not TOML")?;
    Rules::read(&table)
}

/// Judges one foreign crate.
fn judge(foreign: &Foreign, rules: &Rules) -> Vec<Finding> {
    let path = "Cargo.lock";
    let crate_shown = format!("{} {}", foreign.name, foreign.version);
    let mut found = Vec::new();
    if let Err(why) = rules.licence(foreign.licence.as_deref()) {
        let wrong = format!("{crate_shown}: {why}");
        let right =
            "another crate, or a commit to deny.toml that says why this licence is acceptable";
        found.push(Finding::error("policy/licence", path, wrong, right));
    }
    if let Some(ban) = rules.ban(&foreign.name) {
        let wrong = format!("{crate_shown} is banned: {}", ban.reason);
        let right = ban.instead.as_deref().map_or_else(
            || "no such crate, also not through another one".to_owned(),
            |instead| format!("{instead} instead, also in the crates that pull it in"),
        );
        found.push(Finding::error("policy/ban", path, wrong, right));
    }
    if !rules.source(foreign.source.as_deref()) {
        let from = foreign
            .source
            .as_deref()
            .unwrap_or("a folder outside the workspace");
        let wrong = format!("{crate_shown} comes from {from}");
        let right = format!("a released version from {}", rules.registries());
        found.push(Finding::error("policy/source", path, wrong, right));
    }
    found
}
