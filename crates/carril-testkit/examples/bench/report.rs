//! How a benchmark tells its result: one JSON object, or a table for people with the same figures.

use super::arguments::Arguments;
use super::figures::rounded;
use anyhow::Result;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What a figure should be.
#[derive(Debug, Clone, Serialize)]
struct Target {
    name: &'static str,
    want: String,
    got: f64,
    met: bool,
}

/// One benchmark's result.
pub(crate) struct Report {
    object: Map<String, Value>,
    heading: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
    targets: Vec<Target>,
}

impl Report {
    /// Begins a report; `heading` says in words what was measured.
    pub(crate) fn new(benchmark: &str, heading: String) -> Self {
        let object = Map::from_iter([("benchmark".to_owned(), json!(benchmark))]);
        Self {
            object,
            heading,
            columns: ["", "floor", "Carril"].map(str::to_owned).to_vec(),
            rows: Vec::new(),
            targets: Vec::new(),
        }
    }

    /// A key of the JSON object.
    pub(crate) fn key(&mut self, name: &str, value: impl Serialize) -> Result<()> {
        self.object
            .insert(name.to_owned(), serde_json::to_value(value)?);
        Ok(())
    }

    /// A line of the table: what, the floor's, Carril's.
    pub(crate) fn row(&mut self, what: &str, floor: impl Into<String>, carril: impl Into<String>) {
        self.rows
            .push(vec![what.to_owned(), floor.into(), carril.into()]);
    }

    /// Other columns than floor and Carril.
    pub(crate) fn columns<const N: usize>(&mut self, columns: [&str; N]) {
        self.columns = columns.map(str::to_owned).to_vec();
    }

    /// A line of a table with other columns.
    pub(crate) fn line<const N: usize>(&mut self, line: &[String; N]) {
        self.rows.push(line.to_vec());
    }

    /// What a figure should be at least.
    pub(crate) fn at_least(&mut self, name: &'static str, limit: f64, got: f64) {
        let want = format!("at least {}", rounded(limit));
        let met = got >= limit;
        self.targets.push(Target {
            name,
            want,
            got,
            met,
        });
    }

    /// What a figure should be at most.
    pub(crate) fn at_most(&mut self, name: &'static str, limit: f64, got: f64) {
        let want = format!("at most {}", rounded(limit));
        let met = got <= limit;
        self.targets.push(Target {
            name,
            want,
            got,
            met,
        });
    }

    /// Prints it as the command line asks for.
    pub(crate) fn print(self, arguments: &Arguments) -> Result<()> {
        self.show(arguments.json)
    }

    /// Prints it as one JSON object, or for people.
    pub(crate) fn show(mut self, json: bool) -> Result<()> {
        if json {
            let targets = std::mem::take(&mut self.targets);
            self.key("targets", targets)?;
            println!("{}", Value::Object(self.object));
            return Ok(());
        }
        println!("{}\n", self.heading);
        let lines = || std::iter::once(&self.columns).chain(&self.rows);
        let width = |column: usize| {
            let cells = lines().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        for line in lines() {
            let cells: Vec<String> = line
                .iter()
                .enumerate()
                .map(|(column, cell)| format!("{cell:<width$}", width = width(column)))
                .collect();
            println!("{}", cells.join("   ").trim_end());
        }
        println!();
        for target in &self.targets {
            let met = if target.met { "met" } else { "MISSED" };
            println!(
                "{met:<7} {}: {}, {} wanted",
                target.name,
                rounded(target.got),
                target.want
            );
        }
        Ok(())
    }
}

/// The type of the file system under a folder; figures of one kept in memory would be no figures.
pub(crate) fn file_system(arguments: &Arguments) -> Result<String> {
    let folder = std::fs::canonicalize(arguments.folder()?)?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let under = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (place, kind) = (words.next()?, words.next()?);
        folder
            .starts_with(place)
            .then(|| (place.len(), kind.to_owned()))
    });
    let kind = under
        .max_by_key(|(length, _)| *length)
        .map_or_else(|| "unknown".to_owned(), |(_, kind)| kind);
    anyhow::ensure!(
        kind != "tmpfs",
        "{} is kept in memory; name a folder on a disk with --folder",
        folder.display()
    );
    Ok(kind)
}
