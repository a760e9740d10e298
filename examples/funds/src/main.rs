//! `funds-load`: the command line over this package's library. stdout is data (`--json`), stderr is talk.

use anyhow::Context as _;
use clap::{ArgGroup, Parser};
use funds_example::{FUNDS_MAX, LoadError, LoadOptions, generate, load};
use jiff::civil::Date;
use std::path::PathBuf;
use std::process::ExitCode;

/// Fills the source tables of a funds warehouse (a SQLite file) from real documents, or makes funds up.
///
/// Documents are told apart by their content: monthly portfolio workbooks and custodians' files (xls, xlsx), filings with
/// the SEC (Form N-PORT, xml), exchange prices and index lists (csv), ECB rates (csv); also inside zip, tar, xz and gzip, and
/// in folders. All documents of a call are loaded, or none.
///
/// Exit codes: 0 loaded; 1 the warehouse or a file cannot be read or written; 2 wrong usage; 3 a document cannot be used.
#[derive(Debug, Parser)]
#[command(name = "funds-load", version, group(ArgGroup::new("what").required(true).args(["documents", "generate"])))]
struct Arguments {
    /// The warehouse, a SQLite file; made if it is not there.
    #[arg(long, value_name = "FILE")]
    into: PathBuf,

    /// Files, archives or folders with documents.
    #[arg(value_name = "DOCUMENT")]
    documents: Vec<PathBuf>,

    /// Make up this many funds instead, from 1 to 10,000.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(FUNDS_MAX)))]
    generate: Option<u32>,

    /// The report date of the funds that are made up.
    #[arg(
        long,
        value_name = "YYYY-MM-DD",
        default_value = "2025-06-30",
        requires = "generate"
    )]
    date: Date,

    /// Pass over documents of unknown kinds instead of refusing the whole call.
    #[arg(long)]
    skip_unknown: bool,

    /// Print what was loaded as JSON on stdout.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            match error.downcast_ref::<LoadError>() {
                Some(cause) if cause.is_about_a_document() => {
                    eprintln!("nothing was loaded");
                    ExitCode::from(3)
                }
                _ => ExitCode::from(1),
            }
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let into = arguments.into.display();
    let output = if let Some(funds) = arguments.generate {
        generate(&arguments.into, funds, arguments.date)?;
        eprintln!(
            "{into}: made up {funds} funds, with statements for {} and the month-end before",
            arguments.date
        );
        serde_json::json!({ "into": into.to_string(), "generated": { "funds": funds, "report_date": arguments.date.to_string() } })
    } else {
        let options = LoadOptions {
            skip_unknown: arguments.skip_unknown,
            ..LoadOptions::default()
        };
        let summary = load(&arguments.into, &arguments.documents, options)?;
        eprint!("{summary}");
        eprintln!("{into}: loaded {} documents", summary.documents.len());
        serde_json::json!({ "into": into.to_string(), "documents": summary.documents, "skipped": summary.skipped })
    };
    if arguments.json {
        let text = serde_json::to_string_pretty(&output).context("writing JSON")?;
        println!("{text}");
    }
    Ok(())
}
