//! A place in the ring, as clients keep it: which server gave it, and the number of the last event that was read.

use std::fmt;
use std::str::FromStr;

/// `EPOCH-NUMBER`, the epoch in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) epoch: u64,
    pub(crate) number: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:x}-{}", self.epoch, self.number)
    }
}

impl FromStr for Position {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no position that this server gave");
        let (epoch, number) = text.split_once('-').ok_or_else(wrong)?;
        Ok(Self {
            epoch: u64::from_str_radix(epoch, 16).map_err(|_| wrong())?,
            number: number.parse().map_err(|_| wrong())?,
        })
    }
}

#[cfg(test)]
mod tests;
