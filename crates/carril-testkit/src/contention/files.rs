//! The SQL of the work, as files that any tool can use: the tables, the steps of one passage, and the pipeline over them.

use super::{Size, expected, tables_input, tenants_input};
use std::fs;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

/// All tables, empty.
pub const TABLES: &str = include_str!("../../contention/tables.sql");
/// Gives every final row as one line.
pub const READ: &str = include_str!("../../contention/read.sql");
/// The pipeline file.
pub const PIPELINE: &str = include_str!("../../contention/pipeline.toml");
/// One tenant's passage: the files of its steps, each of which is one transaction.
pub const PASSAGE: [(&str, &str); 4] = [
    (
        "sql/extract.sql",
        include_str!("../../contention/sql/extract.sql"),
    ),
    (
        "sql/lots.sql",
        include_str!("../../contention/sql/lots.sql"),
    ),
    (
        "sql/holdings.sql",
        include_str!("../../contention/sql/holdings.sql"),
    ),
    (
        "sql/final.sql",
        include_str!("../../contention/sql/final.sql"),
    ),
];

/// A value that a statement asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// The id under which rows lie in the work tables.
    Batch,
    /// The tenant's portfolio, a text.
    Portfolio,
    /// The round.
    Round,
    /// The tenant.
    Tenant,
}

/// One statement for a client that numbers values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// With `$1`, `$2` and so on.
    pub text: String,
    /// What they are, in order.
    pub values: Vec<Value>,
}

/// The statements of one of the files, with numbers where it has names.
#[must_use]
pub fn statements(file: &str) -> Vec<Statement> {
    let names = [
        (":execution_id", Value::Batch),
        (":portfolio", Value::Portfolio),
        (":round", Value::Round),
        (":tenant", Value::Tenant),
    ];
    let lines = file.lines().filter(|line| !line.starts_with("--"));
    let text = lines.collect::<Vec<_>>().join("\n");
    let all = text
        .split(';')
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let numbered = |text: &str| {
        let mut statement = Statement {
            text: text.to_owned(),
            values: Vec::new(),
        };
        for (name, value) in names {
            if statement.text.contains(name) {
                statement.values.push(value);
                let number = format!("${}", statement.values.len());
                statement.text = statement.text.replace(name, &number);
            }
        }
        statement
    };
    all.map(numbered).collect()
}

/// Writes everything into a folder, for other tools: `tables.sql`, `input.sql` with all rounds, the pipeline with its SQL,
/// `read.sql`, and `expected-ROUND.txt` with what that must give after each round, in order.
///
/// # Errors
/// As the file system says.
pub fn write(folder: &Path, size: Size, rounds: u32) -> io::Result<()> {
    fs::create_dir_all(folder.join("sql"))?;
    fs::write(folder.join("tables.sql"), TABLES)?;
    fs::write(folder.join("read.sql"), READ)?;
    fs::write(folder.join("pipeline.toml"), PIPELINE)?;
    for (path, text) in PASSAGE {
        fs::write(folder.join(path), text)?;
    }
    let mut input = BufWriter::new(fs::File::create(folder.join("input.sql"))?);
    input.write_all(tenants_input(size).as_bytes())?;
    for round in 1..=rounds {
        for statement in tables_input(size, round) {
            input.write_all(statement.as_bytes())?;
        }
        let mut lines = String::new();
        for line in expected(size, round).lines() {
            lines.push_str(line);
            lines.push('\n');
        }
        fs::write(folder.join(format!("expected-{round}.txt")), lines)?;
    }
    input.into_inner()?.sync_all()
}
