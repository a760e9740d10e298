//! What can go wrong while a warehouse is filled: one variant for each cause, saying what is wrong and what would be
//! right. Whatever the variant, the warehouse is as it was before the call.

use std::path::PathBuf;

/// Why nothing was loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or folder could not be read.
    #[error("reading `{document}`")]
    Read {
        /// The path, or the name inside an archive.
        document: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// An archive is damaged, encrypted or of an unknown method.
    #[error("`{document}` is no {format} that can be unpacked: {message}")]
    Archive {
        /// The archive's name.
        document: String,
        /// What its first bytes say that it is.
        format: &'static str,
        /// What the unpacker said.
        message: String,
    },
    /// A document is larger, or an archive holds more, than is ever right.
    #[error("`{document}` {what}, and the limit is {limit}; nothing of this kind is that large")]
    TooLarge {
        /// The document that broke the limit.
        document: String,
        /// What there is too much of.
        what: &'static str,
        /// The limit with its unit.
        limit: String,
    },
    /// A document is of no kind that is known here.
    #[error(
        "`{document}` is no document that can be loaded: {found}. Looked for: a monthly portfolio workbook (a sheet \
         `Index` with `FUND CODE` and `FUND NAME`), a custodian's workbook (a row with Company/Issuer/Instrument Name, ISIN \
         and Coupon), a Form N-PORT (XML), exchange prices (CSV with SYMBOL, SERIES, DATE1, CLOSE_PRICE), an \
         index list (CSV with Symbol, ISIN Code, Industry), ECB rates (CSV with Date and currencies); also inside zip, \
         tar, xz and gzip. `--skip-unknown` passes over such documents"
    )]
    Unknown {
        /// The document's name.
        document: String,
        /// What it looks like.
        found: String,
    },
    /// A document of a known kind contradicts that kind, or itself.
    #[error("`{document}`, {place}: {message}")]
    Malformed {
        /// The document's name.
        document: String,
        /// Sheet and row, or line.
        place: String,
        /// What is wrong and what would be right.
        message: String,
    },
    /// No path was given, or there was no file under the paths.
    #[error("there is no document under {paths}; name files, archives or folders that hold some")]
    Nothing {
        /// The paths that were searched.
        paths: String,
    },
    /// The number of funds to make up is out of range.
    #[error("{funds} funds cannot be made up: the number must be from 1 to {max}")]
    Funds {
        /// The number asked for.
        funds: u32,
        /// The largest number allowed.
        max: u32,
    },
    /// The warehouse file could not be opened or written.
    #[error("writing the warehouse `{}`", path.display())]
    Warehouse {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
}

impl LoadError {
    /// An error at a place of a document of a known kind.
    pub(crate) fn malformed(
        document: &str,
        place: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::Malformed {
            document: document.to_owned(),
            place: place.into(),
            message: message.into(),
        }
    }

    /// Whether a document is at fault, rather than the machine or the call.
    #[must_use]
    pub fn is_about_a_document(&self) -> bool {
        matches!(
            self,
            Self::Archive { .. }
                | Self::TooLarge { .. }
                | Self::Unknown { .. }
                | Self::Malformed { .. }
        )
    }
}
