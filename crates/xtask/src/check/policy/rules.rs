//! What `deny.toml` says, as rules that can be asked.
//!
//! Reads the three tables that matter here and leaves the rest of the file to cargo-deny.

use anyhow::{Context as _, Result};
use spdx::Expression;
use toml::{Table, Value};

/// A crate that may not be used.
#[derive(Clone, Debug)]
pub(super) struct Ban {
    pub(super) name: String,
    pub(super) reason: String,
    pub(super) instead: Option<String>,
}

/// The policy.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    licences: Vec<String>,
    bans: Vec<Ban>,
    registries: Vec<String>,
}

impl Rules {
    /// Reads the policy from the file's tables.
    ///
    /// # Errors
    ///
    /// When a table is missing or is not what cargo-deny would read.
    pub(super) fn read(file: &Table) -> Result<Self> {
        let bans = list(file, "bans", "deny")?;
        let bans = bans.iter().map(|ban| ban_of(ban).context("in bans.deny"));
        Ok(Self {
            licences: texts(file, "licenses", "allow")?,
            bans: bans.collect::<Result<_>>()?,
            registries: texts(file, "sources", "allow-registry")?,
        })
    }

    /// Tells why a licence expression is not acceptable.
    ///
    /// # Errors
    ///
    /// The reason, when it is missing, cannot be read, or has no choice that is on the list.
    pub(super) fn licence(&self, written: Option<&str>) -> Result<(), String> {
        let Some(written) = written else {
            return Err("it says no licence expression".to_owned());
        };
        // Older crates write `MIT/Apache-2.0` for OR; only the lax mode reads that.
        let expression = Expression::parse_mode(written, spdx::ParseMode::LAX)
            .map_err(|error| format!("its licence `{written}` cannot be read: {}", error.reason))?;
        let allowed = expression.evaluate(|requirement| {
            let name = requirement.license.to_string();
            requirement.addition.is_none() && self.licences.contains(&name)
        });
        if allowed {
            Ok(())
        } else {
            Err(format!("its licence `{written}` is not on the list"))
        }
    }

    /// Returns the ban on a crate.
    pub(super) fn ban(&self, name: &str) -> Option<&Ban> {
        self.bans.iter().find(|ban| ban.name == name)
    }

    /// Tells whether a crate may come from there.
    pub(super) fn source(&self, source: Option<&str>) -> bool {
        source
            .and_then(|source| source.strip_prefix("registry+"))
            .is_some_and(|registry| self.registries.iter().any(|allowed| allowed == registry))
    }

    /// Returns the allowed registries in words.
    pub(super) fn registries(&self) -> String {
        self.registries.join(" or ")
    }
}

fn list<'file>(file: &'file Table, table: &str, key: &str) -> Result<&'file Vec<Value>> {
    file.get(table)
        .and_then(|table| table.get(key))
        .and_then(Value::as_array)
        .with_context(|| format!("`{key}` in [{table}] is missing or no list"))
}

fn texts(file: &Table, table: &str, key: &str) -> Result<Vec<String>> {
    let text = |value: &Value| {
        value
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("{key} in [{table}] holds `{value}`, no text"))
    };
    list(file, table, key)?.iter().map(text).collect()
}

fn ban_of(value: &Value) -> Result<Ban> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    Ok(Ban {
        name: text("crate").with_context(|| format!("`{value}` names no `crate`"))?,
        reason: text("reason").with_context(|| format!("`{value}` gives no `reason`"))?,
        instead: text("use-instead"),
    })
}
