//! One call of `funds-load` with documents: unpack, tell apart, read, fill; all of it or none of it.

use crate::error::LoadError;
use crate::feeds::{index_list, prices, rates};
use crate::fill::Fill;
use crate::kind::{self, Kind};
use crate::limits::Limits;
use crate::statement::Statement;
use crate::summary::{LoadedDocument, SkippedDocument, Summary};
use crate::unpack::{self, Document};
use crate::{custodian, filing, statement, warehouse, workbook};
use std::iter;
use std::path::{Path, PathBuf};

/// How to load.
#[derive(Debug, Clone, Copy, Default)]
pub struct LoadOptions {
    /// What documents may hold at most.
    pub limits: Limits,
    /// Pass over documents of unknown kinds instead of refusing them. A known kind that is malformed is refused anyway.
    pub skip_unknown: bool,
}

/// Loads the documents under the paths into the warehouse file, which is made if it is not there.
///
/// A document replaces what an earlier load brought for the same fund and date, the same price day, ISIN, or rate.
///
/// # Errors
/// Any [`LoadError`]; the warehouse is then as it was before the call.
pub fn load(into: &Path, paths: &[PathBuf], options: LoadOptions) -> Result<Summary, LoadError> {
    warehouse::write(into, |transaction| {
        let failed = |source| LoadError::Warehouse {
            path: into.to_owned(),
            source,
        };
        let fill = Fill::new(transaction);
        let mut summary = Summary::default();
        unpack::each_document(paths, options.limits, &mut |document| {
            match one(&fill, &document, options.limits, into) {
                Ok(loaded) => {
                    fill.document(&loaded).map_err(failed)?;
                    summary.documents.push(loaded);
                }
                Err(LoadError::Unknown { document, found }) if options.skip_unknown => {
                    summary.skipped.push(SkippedDocument { document, found });
                }
                Err(error) => return Err(error),
            }
            Ok(())
        })?;
        fill.finish().map_err(failed)?;
        Ok(summary)
    })
}

/// Reads one document, and writes it.
fn one(
    fill: &Fill<'_>,
    document: &Document,
    limits: Limits,
    into: &Path,
) -> Result<LoadedDocument, LoadError> {
    let name = document.name.as_str();
    let bytes = document.bytes.as_slice();
    let failed = |source| LoadError::Warehouse {
        path: into.to_owned(),
        source,
    };
    match kind_of(document)? {
        kind @ (Kind::Xls | Kind::Xlsx) => {
            let sheets = workbook::read(name, bytes, kind, limits)?;
            let is_custodian = custodian::is_custodian(&sheets);
            let (what, funds) = if is_custodian {
                ("custodian", custodian::read(name, &sheets)?)
            } else {
                ("statements", statement::read(name, &sheets)?)
            };
            let rows = if is_custodian {
                fill.custodians(&funds)
            } else {
                fill.statements(&funds)
            };
            Ok(of_funds(name, what, &funds, rows.map_err(failed)?))
        }
        Kind::Filing => {
            let filing = [filing::read(name, bytes, limits)?];
            let rows = fill.statements(&filing).map_err(failed)?;
            Ok(of_funds(name, "filing", &filing, rows))
        }
        Kind::Prices => {
            let prices = prices::read(name, bytes)?;
            fill.prices(&prices).map_err(failed)?;
            let days = prices.iter().map(|one| one.day);
            Ok(loaded(name, "prices", days, prices.len()))
        }
        Kind::IndexList => {
            let shares = index_list::read(name, bytes)?;
            fill.instruments(&shares).map_err(failed)?;
            Ok(loaded(name, "index_list", iter::empty(), shares.len()))
        }
        Kind::Rates => {
            let rates = rates::read(name, bytes)?;
            fill.rates(&rates).map_err(failed)?;
            let days = rates.iter().map(|one| one.day);
            Ok(loaded(name, "rates", days, rates.len()))
        }
    }
}

fn kind_of(document: &Document) -> Result<Kind, LoadError> {
    kind::of(&document.bytes).map_err(|found| LoadError::Unknown {
        document: document.name.clone(),
        found,
    })
}

fn of_funds(
    document: &str,
    kind: &'static str,
    statements: &[Statement],
    rows: usize,
) -> LoadedDocument {
    let days = statements.iter().map(|one| one.report_date);
    LoadedDocument {
        funds: Some(statements.len()),
        ..loaded(document, kind, days, rows)
    }
}

fn loaded(
    document: &str,
    kind: &'static str,
    days: impl Iterator<Item = jiff::civil::Date> + Clone,
    rows: usize,
) -> LoadedDocument {
    LoadedDocument {
        document: document.to_owned(),
        kind,
        first_date: days.clone().min().map(|day| day.to_string()),
        last_date: days.max().map(|day| day.to_string()),
        funds: None,
        rows,
    }
}
