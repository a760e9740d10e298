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
    rows: Vec<[String; 3]>,
    targets: Vec<Target>,
}

impl Report {
    /// Begins a report; `heading` says in words what was measured.
    pub(crate) fn new(benchmark: &str, heading: String) -> Self {
        let object = Map::from_iter([("benchmark".to_owned(), json!(benchmark))]);
        Self {
            object,
            heading,
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
            .push([what.to_owned(), floor.into(), carril.into()]);
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
    pub(crate) fn print(mut self, arguments: &Arguments) -> Result<()> {
        if arguments.json {
            let targets = std::mem::take(&mut self.targets);
            self.key("targets", targets)?;
            println!("{}", Value::Object(self.object));
            return Ok(());
        }
        println!("{}\n", self.heading);
        let head = ["".to_owned(), "floor".to_owned(), "Carril".to_owned()];
        let widths: Vec<usize> = (0..3)
            .map(|column| {
                std::iter::once(&head)
                    .chain(&self.rows)
                    .map(|row| row[column].chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        for [what, floor, carril] in std::iter::once(&head).chain(&self.rows) {
            println!(
                "{what:<a$}   {floor:<b$}   {carril}",
                a = widths[0],
                b = widths[1]
            );
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
