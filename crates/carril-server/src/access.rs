//! Who asks: bearers of tokens, by the hash of their secret, and whoever is on this machine where no token is needed.
//!
//! A secret is 256 random bits and is shown once; the store keeps its SHA-256. As it cannot be guessed, a plain hash is as good
//! as a slow one, and as it is looked up by its hash, no comparison tells anything by how long it takes.

use crate::app::App;
use crate::options::Authentication;
use crate::problem::Problem;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use axum::http::{HeaderMap, StatusCode, header};
use carril::model::contract::Role;
use carril::model::time::Timestamp;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// What a secret begins with, so that people and scanners of leaked secrets know it.
const PREFIX: &str = "carril_";
/// How long it is believed that no token was made, in microseconds.
const BELIEVED: i64 = 1_000_000;

/// A secret that is shown once.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Draws one. `None` when the system gives no random numbers.
    #[must_use]
    pub fn draw() -> Option<Self> {
        let mut bytes = [0_u8; 32];
        SystemRandom::new().fill(&mut bytes).ok()?;
        Some(Self(format!("{PREFIX}{}", hexadecimal(&bytes))))
    }

    /// The text, for whoever it is shown to.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Secret(…)")
    }
}

/// What the store keeps of a secret.
#[must_use]
pub fn hash_of(secret: &str) -> String {
    hexadecimal(digest(&SHA256, secret.as_bytes()).as_ref())
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A text takes all that is written to it.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The token's name, or `local`.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The hash of the token, where there is one.
    pub(crate) hash: Option<String>,
}

/// Whether tokens are needed here.
#[derive(Debug)]
pub(crate) struct Door {
    always: bool,
    made: AtomicBool,
    asked_at: AtomicI64,
}

impl Door {
    pub(crate) const fn new(authentication: Authentication, is_loopback: bool) -> Self {
        Self {
            always: !is_loopback || matches!(authentication, Authentication::Tokens),
            made: AtomicBool::new(false),
            asked_at: AtomicI64::new(i64::MIN),
        }
    }

    /// Whether a token is needed whatever the store has.
    pub(crate) const fn always(&self) -> bool {
        self.always
    }

    /// Whether a token is needed; once one was made, for ever.
    async fn is_locked(&self, app: &App, now: Timestamp) -> Result<bool, Problem> {
        if self.always || self.made.load(Ordering::Relaxed) {
            return Ok(true);
        }
        if now.0.saturating_sub(self.asked_at.load(Ordering::Relaxed)) < BELIEVED {
            return Ok(false);
        }
        let made = app.house.reader().access().has_tokens().await?;
        self.made.store(made, Ordering::Relaxed);
        self.asked_at.store(now.0, Ordering::Relaxed);
        Ok(made)
    }
}

/// Who asks, if they may come in at all.
pub(crate) async fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, Problem> {
    let now = app.now();
    let given = headers.get(header::AUTHORIZATION);
    let Some(given) = given else {
        if app.door.is_locked(app, now).await? {
            let detail = "this server wants a token";
            return Err(
                Problem::new(StatusCode::UNAUTHORIZED, "CAR0901", detail).help(
                    "send `Authorization: Bearer carril_…`; `carril token create NAME` makes one",
                ),
            );
        }
        return Ok(Caller {
            name: "local".to_owned(),
            role: Role::Admin,
            hash: None,
        });
    };
    let secret = given.to_str().ok().and_then(bearer);
    let found = match secret {
        Some(secret) => of_hash(app, &hash_of(secret), now).await?,
        None => None,
    };
    found.ok_or_else(|| {
        let detail = "this token is none of the store's, was revoked, or has expired";
        Problem::new(StatusCode::UNAUTHORIZED, "CAR0902", detail)
            .help("`carril token list` tells which there are")
    })
}

/// The bearer of a token's hash, as long as it is good.
pub(crate) async fn of_hash(
    app: &App,
    hash: &str,
    now: Timestamp,
) -> Result<Option<Caller>, Problem> {
    let row = app.house.reader().access().token_of(hash).await?;
    Ok(row.filter(|row| row.is_good(now)).map(|row| Caller {
        name: row.name,
        role: row.role,
        hash: Some(hash.to_owned()),
    }))
}

/// The secret of `Bearer SECRET`; the scheme's letters may be small or large.
fn bearer(text: &str) -> Option<&str> {
    let (scheme, secret) = text.split_once(' ')?;
    let secret = secret.trim();
    (scheme.eq_ignore_ascii_case("bearer") && secret.starts_with(PREFIX)).then_some(secret)
}

#[cfg(test)]
mod tests;
