//! The files that `init` and `demo` write, built into the program. A test compares the lists with the folders, so that no
//! file is forgotten.
//!
//! `demo/` holds links into `examples/funds`, so that the example is there once and a packaged crate still has its files.

/// A file: its path below the folder that is made, with `/` between its parts, and its text.
pub(crate) type File = (&'static str, &'static str);

macro_rules! files {
    ($folder:literal: $($path:literal),+ $(,)?) => {
        &[$(($path, include_str!(concat!("../", $folder, "/", $path)))),+]
    };
}

/// What `carril init` writes.
pub(crate) const TEMPLATE: &[File] = files!(
    "template":
    "carril.toml",
    "pipeline.toml",
    "sql/collect.sql",
    "sql/customers.sql",
    "sql/discount.sql",
    "sql/month.sql",
    "sql/report.sql",
    "warehouse.sql",
);

/// The fund pipeline that `carril demo` runs.
pub(crate) const FUNDS: &[File] = files!(
    "demo":
    "pipeline.toml",
    "sql/capm/betas.sql",
    "sql/capm/final.sql",
    "sql/capm/prices.sql",
    "sql/cube/totals.sql",
    "sql/derivados/block.sql",
    "sql/entities.sql",
    "sql/extract/capm.sql",
    "sql/extract/derivados.sql",
    "sql/extract/ipa.sql",
    "sql/extract/posmodrf.sql",
    "sql/extract/sona.sql",
    "sql/extract/ubs.sql",
    "sql/generate.sql",
    "sql/ipa/cash.sql",
    "sql/ipa/final.sql",
    "sql/ipa/staging.sql",
    "sql/pnl/changes.sql",
    "sql/pnl/held_on_both_dates.sql",
    "sql/posmodrf/final.sql",
    "sql/posmodrf/prices.sql",
    "sql/posmodrf/yields.sql",
    "sql/report/positions.sql",
    "sql/report/row.sql",
    "sql/schema.sql",
    "sql/ubs/compare.sql",
);

/// What every error means, by code.
pub(crate) const ERRORS: &[File] = include!(concat!(env!("OUT_DIR"), "/errors.rs"));

/// The text of one of these files.
///
/// # Panics
/// When there is no such file in the list, which a test would have told.
pub(crate) fn text(files: &[File], path: &str) -> &'static str {
    files
        .iter()
        .find(|(name, _)| *name == path)
        .map(|(_, text)| *text)
        .expect("the program asks only for files it holds")
}

#[cfg(test)]
mod tests;
