//! Tokens and the log of what was asked of servers, as programs read them.

use super::rfc3339;
use carril_model::contract::{DeedRow, TokenRow};
use serde::Serialize;

/// A token; its secret is nowhere.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TokenShape {
    id: i64,
    name: String,
    role: &'static str,
    created_by: String,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
}

impl From<TokenRow> for TokenShape {
    fn from(row: TokenRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            role: row.role.name(),
            created_by: row.created_by,
            created_at: rfc3339(row.created_at),
            expires_at: row.expires_at.map(rfc3339),
            revoked_at: row.revoked_at.map(rfc3339),
        }
    }
}

/// Something that was asked.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeedShape {
    id: i64,
    at: String,
    /// A token's name, or `local`.
    who: String,
    role: &'static str,
    /// Method and path.
    what: String,
    /// The address it came from.
    from: String,
    /// How it was answered; `null` while it is under way, and where the server ended over it.
    status: Option<u16>,
    code: Option<String>,
}

impl From<DeedRow> for DeedShape {
    fn from(row: DeedRow) -> Self {
        Self {
            id: row.id,
            at: rfc3339(row.deed.at),
            who: row.deed.who,
            role: row.deed.role.name(),
            what: row.deed.what,
            from: row.deed.from,
            status: row.status,
            code: row.code,
        }
    }
}
