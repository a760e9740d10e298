//! Who may ask a server for what, and what they asked: tokens by the hash of their secret, and the log of what was done.
//!
//! A store keeps both, so that every server of a store knows the same tokens and nothing of them is in a file that is copied
//! about. Secrets are never here: a hash of one is no way back to it. Written over a connection of its own, beside any engine.

use super::{Fault, Pending};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Most tokens that are told of.
pub const TOKENS_MAX: u32 = 1_000;
/// Deeds that are kept; the oldest go when there are more.
pub const DEEDS_KEPT: i64 = 100_000;

/// What somebody may ask a server for. Each may all that those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Read everything but tokens and the log of deeds.
    Viewer,
    /// Launch, cancel, pause, retry, roll back, signal, and hold breakers.
    Operator,
    /// Remove whole processes, make and revoke tokens, and read the log of deeds.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// As the command line, the API and the store have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let mut all = Self::ALL.into_iter();
        all.find(|role| role.name() == text)
            .ok_or_else(|| UnknownRole(text.to_owned()))
    }
}

/// A word that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role; roles are viewer, operator and admin")]
pub struct UnknownRole(pub String);

/// A token to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What people call it; no two that are not revoked have the same.
    pub name: String,
    /// What it lets its bearer do.
    pub role: Role,
    /// SHA-256 of the secret, as 64 hexadecimal digits.
    pub hash: String,
    /// Who made it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Timestamp>,
}

/// A token as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its number.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// What it lets its bearer do.
    pub role: Role,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it ends by itself, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl TokenRow {
    /// Whether it opens anything at `now`.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// Something that is about to be done through a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDeed {
    /// When it was asked for.
    pub at: Timestamp,
    /// Who asked: a token's name, or `local` where none is needed.
    pub who: String,
    /// With which role.
    pub role: Role,
    /// Method and path, as in `POST /api/v1/processes/3/cancel`.
    pub what: String,
    /// Where it came from: an address.
    pub from: String,
}

/// Something that was done, or refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeedRow {
    /// Its number; later ones are larger.
    pub id: i64,
    /// What was asked.
    pub deed: NewDeed,
    /// The status it was answered with; `None` while it is under way, and where its server ended over it.
    pub status: Option<u16>,
    /// `CARnnnn`, where it was refused.
    pub code: Option<String>,
}

/// Keeps tokens and deeds.
pub trait AccessBook: Send + Sync {
    /// Keeps a token, and gives its number.
    ///
    /// # Errors
    /// `Conflict` when one of this name is there that was not revoked; else as [`Fault`], here and below.
    fn add_token<'a>(&'a self, token: &'a NewToken) -> Pending<'a, Result<i64, Fault>>;

    /// Every token, the newest first, at most [`TOKENS_MAX`].
    fn tokens(&self) -> Pending<'_, Result<Vec<TokenRow>, Fault>>;

    /// The token whose secret has this hash, revoked or not.
    fn token_of<'a>(&'a self, hash: &'a str) -> Pending<'a, Result<Option<TokenRow>, Fault>>;

    /// Whether any token was ever made: then nobody comes in without one.
    fn has_tokens(&self) -> Pending<'_, Result<bool, Fault>>;

    /// Revokes the tokens of this name that were not yet; whether there was one.
    fn revoke_token<'a>(
        &'a self,
        name: &'a str,
        now: Timestamp,
    ) -> Pending<'a, Result<bool, Fault>>;

    /// Writes down what is about to be done, and gives its number. The oldest go where there are more than [`DEEDS_KEPT`].
    fn begin_deed<'a>(&'a self, deed: &'a NewDeed) -> Pending<'a, Result<i64, Fault>>;

    /// Writes down how it ended.
    fn end_deed<'a>(
        &'a self,
        deed: i64,
        status: u16,
        code: Option<&'a str>,
    ) -> Pending<'a, Result<(), Fault>>;

    /// What was done, the newest first, at most `max` before `before`.
    fn deeds(&self, before: Option<i64>, max: u32) -> Pending<'_, Result<Vec<DeedRow>, Fault>>;
}
