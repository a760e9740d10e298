//! What must be true, looked at from outside: with SQL on the files, the store's and the warehouse's beside each other.
//!
//! A rule is a query whose every row is a fault. What must hold at any instant is looked at after every kill, before anything is
//! started again; what must hold of the quiet state, when all has settled. The rules are tested, too: `planted` breaks a settled
//! world in every way that is named here and sees that it is told.

pub(crate) mod fanout;
pub(crate) mod files;
pub(crate) mod funds;
pub(crate) mod promises;
mod shape;
mod store;

use super::world::{Driver, Failure, World};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::fmt;

/// The rule that SQLite itself checks.
const DAMAGE: &str = "files are whole";
/// Rows of one rule that are told; one tells enough.
const TOLD_MAX: usize = 5;

/// Something that should not be.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    /// Where.
    pub(crate) world: String,
    /// Which rule.
    pub(crate) invariant: &'static str,
    /// What was found.
    pub(crate) what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}: {}", self.world, self.invariant, self.what)
    }
}

/// A rule: every row that its query gives is a fault.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// Its name, with the number it has in the project's list of invariants where it is in it.
    pub(crate) invariant: &'static str,
    /// The query, over the names of `shape`.
    pub(crate) faults: &'static str,
}

/// A short way to write one.
pub(crate) const fn rule(invariant: &'static str, faults: &'static str) -> Rule {
    Rule { invariant, faults }
}

/// Which pipeline a world runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pipeline {
    /// The one beside this file.
    Fanout,
    /// The funds example.
    Funds,
}

/// The names of all rules of the fan-out.
pub(crate) fn names() -> Vec<&'static str> {
    let tables = [
        store::ALWAYS,
        store::SETTLED,
        fanout::ALWAYS,
        fanout::SETTLED,
    ];
    let mut names: Vec<&'static str> = tables
        .iter()
        .flat_map(|rules| rules.iter().map(|rule| rule.invariant))
        .collect();
    names.extend([DAMAGE, promises::KEPT]);
    names.extend(files::NAMES);
    names
}

/// What is wrong in a world right after a kill.
///
/// # Errors
/// When it cannot be looked at.
pub(crate) fn at_any_time(driver: &mut Driver, world: &World) -> Result<(), Failure> {
    if world.number("select count(*) from process")? == 0 {
        return Ok(());
    }
    let connection = world.look()?;
    let mut found = damage(&connection)?;
    shape::name(&connection)?;
    found.extend(apply(&connection, store::ALWAYS)?);
    let is_fanout: bool = connection.query_row(
        "select exists (select 1 from warehouse.sqlite_schema where name = 'effect')",
        [],
        |row| row.get(0),
    )?;
    if is_fanout {
        found.extend(apply(&connection, fanout::ALWAYS)?);
    }
    tell(driver, world, found);
    Ok(())
}

/// What is wrong in a world in which everything has settled.
///
/// # Errors
/// When it cannot be looked at.
pub(crate) fn when_settled(
    world: &World,
    pipeline: Pipeline,
) -> Result<Vec<(&'static str, String)>, Failure> {
    let connection = world.look()?;
    let mut found = damage(&connection)?;
    shape::name(&connection)?;
    found.extend(apply(&connection, store::ALWAYS)?);
    found.extend(apply(&connection, store::SETTLED)?);
    match pipeline {
        Pipeline::Fanout => {
            found.extend(apply(&connection, fanout::ALWAYS)?);
            found.extend(apply(&connection, fanout::SETTLED)?);
            found.extend(files::commands(&connection, &world.path("calls.log"))?);
        }
        Pipeline::Funds => found.extend(apply(&connection, funds::SETTLED)?),
    }
    found.extend(files::workspaces(&connection, &world.lanes())?);
    found.extend(promises::kept(&connection, &world.promises)?);
    Ok(found)
}

/// Hands findings to the driver.
pub(crate) fn tell(driver: &mut Driver, world: &World, found: Vec<(&'static str, String)>) {
    for (invariant, what) in found {
        driver.violation(world, invariant, what);
    }
}

/// SQLite's own look at both files.
fn damage(connection: &Connection) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut found = Vec::new();
    for schema in ["main", "warehouse"] {
        let mut statement = connection.prepare(&format!("pragma {schema}.integrity_check"))?;
        let words: Vec<String> = statement
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        if words != ["ok"] {
            found.push((DAMAGE, format!("{schema}: {}", words.join("; "))));
        }
    }
    Ok(found)
}

/// Asks rules, and says what they found.
pub(crate) fn apply(
    connection: &Connection,
    rules: &[Rule],
) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut found = Vec::new();
    for rule in rules {
        let mut statement = connection
            .prepare(rule.faults)
            .map_err(|error| format!("rule `{}`: {error}", rule.invariant))?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([])?;
        let mut told = 0;
        while let Some(row) = rows.next()? {
            told += 1;
            if told > TOLD_MAX {
                found.push((rule.invariant, "and more".to_owned()));
                break;
            }
            let cells = names
                .iter()
                .enumerate()
                .map(|(at, name)| Ok(format!("{name} = {}", text(row.get_ref(at)?))));
            found.push((
                rule.invariant,
                cells
                    .collect::<Result<Vec<_>, rusqlite::Error>>()?
                    .join(", "),
            ));
        }
    }
    Ok(found)
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "null".to_owned(),
        ValueRef::Integer(whole) => whole.to_string(),
        ValueRef::Real(real) => real.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}
