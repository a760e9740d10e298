//! Tokens and the log of deeds, as rows. Asked and written by whoever serves a store, beside its engine; no engine reads them.

use super::fault::{OrFault, damaged};
use super::rows::{get, time};
use carril_model::contract::{
    DEEDS_KEPT, DeedRow, Fault, NewDeed, NewToken, Role, TOKENS_MAX, TokenRow,
};
use carril_model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// Keeps a token.
pub(crate) fn add_token(connection: &Connection, token: &NewToken) -> Result<i64, Fault> {
    let values = params![
        token.name,
        token.role.name(),
        token.hash,
        token.by,
        token.at.0,
        token.expires_at.map(|end| end.0),
    ];
    let id: Option<i64> = connection
        .query_row(sql!("token_add"), values, |row| row.get(0))
        .optional()
        .or_fault()?;
    id.ok_or_else(|| {
        let name = &token.name;
        Fault::Conflict(format!("there is a token `{name}` already"))
    })
}

/// Every token.
pub(crate) fn tokens(connection: &Connection) -> Result<Vec<TokenRow>, Fault> {
    all(connection, sql!("tokens_read"), params![TOKENS_MAX], token)
}

/// The token of a hash.
pub(crate) fn token_of(connection: &Connection, hash: &str) -> Result<Option<TokenRow>, Fault> {
    Ok(all(connection, sql!("token_of"), params![hash], token)?.pop())
}

/// Whether any token was ever made.
pub(crate) fn has_tokens(connection: &Connection) -> Result<bool, Fault> {
    connection
        .query_row(sql!("token_any"), [], |row| row.get(0))
        .or_fault()
}

/// Revokes a token.
pub(crate) fn revoke_token(
    connection: &Connection,
    name: &str,
    now: Timestamp,
) -> Result<bool, Fault> {
    let revoked = connection.execute(sql!("token_revoke"), params![name, now.0]);
    Ok(revoked.or_fault()? > 0)
}

/// Writes down what is about to be done. What lies too far behind is forgotten.
pub(crate) fn begin_deed(connection: &Connection, deed: &NewDeed) -> Result<i64, Fault> {
    let values = params![deed.at.0, deed.who, deed.role.name(), deed.what, deed.from];
    let id: i64 = connection
        .query_row(sql!("deed_begin"), values, |row| row.get(0))
        .or_fault()?;
    connection
        .execute(sql!("deed_trim"), params![DEEDS_KEPT])
        .or_fault()?;
    Ok(id)
}

/// Writes down how it ended.
pub(crate) fn end_deed(
    connection: &Connection,
    deed: i64,
    status: u16,
    code: Option<&str>,
) -> Result<(), Fault> {
    connection
        .execute(sql!("deed_end"), params![deed, status, code])
        .or_fault()?;
    Ok(())
}

/// What was done.
pub(crate) fn deeds(
    connection: &Connection,
    before: Option<i64>,
    max: u32,
) -> Result<Vec<DeedRow>, Fault> {
    all(connection, sql!("deeds_read"), params![before, max], deed)
}

fn all<T>(
    connection: &Connection,
    statement: &str,
    values: &[&dyn rusqlite::ToSql],
    read: impl Fn(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut statement = connection.prepare_cached(statement).or_fault()?;
    let mut rows = statement.query(values).or_fault()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().or_fault()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn token(row: &Row<'_>) -> Result<TokenRow, Fault> {
    Ok(TokenRow {
        id: get(row, 0)?,
        name: get(row, 1)?,
        role: role(row, 2)?,
        created_by: get(row, 3)?,
        created_at: Timestamp(get(row, 4)?),
        expires_at: time(row, 5)?,
        revoked_at: time(row, 6)?,
    })
}

fn deed(row: &Row<'_>) -> Result<DeedRow, Fault> {
    Ok(DeedRow {
        id: get(row, 0)?,
        deed: NewDeed {
            at: Timestamp(get(row, 1)?),
            who: get(row, 2)?,
            role: role(row, 3)?,
            what: get(row, 4)?,
            from: get(row, 5)?,
        },
        status: get(row, 6)?,
        code: get(row, 7)?,
    })
}

fn role(row: &Row<'_>, column: usize) -> Result<Role, Fault> {
    let text: String = get(row, column)?;
    text.parse()
        .map_err(|_| damaged(format!("a role is {text:?}")))
}
