//! The standard output of a program whose output is JSON: kept up to the bound, then one value or an error.

use carril_model::contract::OUTPUT_BYTES_MAX;
use serde_json::Value;

/// What has been printed, up to one byte more than may be.
#[derive(Debug, Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    printed: u64,
}

impl Output {
    /// Takes what was printed next. Beyond the bound it is only counted, so that the program is never blocked.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.printed += bytes.len() as u64;
        let room = OUTPUT_BYTES_MAX.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// The one value that was printed.
    ///
    /// # Errors
    /// What is wrong, as a lowercase fragment.
    pub(super) fn parse(&self) -> Result<Value, String> {
        if self.printed > OUTPUT_BYTES_MAX as u64 {
            let printed = self.printed;
            return Err(format!(
                "its standard output has {printed} bytes, {OUTPUT_BYTES_MAX} are the most an output may have"
            ));
        }
        if self.bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(
                "its standard output is empty, `output = \"json\"` needs one JSON value".to_owned(),
            );
        }
        let value: Value = serde_json::from_slice(&self.bytes)
            .map_err(|error| format!("its standard output is not one JSON value: {error}"))?;
        // `1e15` is short as printed and long as it is stored.
        let stored = value.to_string().len();
        if stored > OUTPUT_BYTES_MAX {
            return Err(format!(
                "its output takes {stored} bytes to store, {OUTPUT_BYTES_MAX} are the most an output may have"
            ));
        }
        Ok(value)
    }
}
