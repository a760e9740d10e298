//! Tokens and the log of deeds, as rows. Asked and written by whoever serves a store, beside its engines; no engine reads them.

use super::fault::damaged;
use super::rows::{get, int, text, time};
use super::session::{Session, Turn, Tx};
use carril_model::contract::{
    DEEDS_KEPT, DeedRow, Fault, NewDeed, NewToken, Role, TOKENS_MAX, TokenRow,
};
use carril_model::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// Keeps a token.
pub(crate) async fn add_token(session: &mut Session, token: &NewToken) -> Result<i64, Fault> {
    let row = session
        .write_unentered(Turn::Shared, async |tx| {
            let expires_at = token.expires_at.map(|end| end.0);
            let (name, role, by) = (text(&token.name), token.role.name(), text(&token.by));
            let values: [&(dyn ToSql + Sync); 6] =
                [&name, &role, &token.hash, &by, &token.at.0, &expires_at];
            tx.row(sql!("token_add"), &values).await
        })
        .await?;
    let Some(row) = row else {
        let name = &token.name;
        return Err(Fault::Conflict(format!(
            "there is a token `{name}` already"
        )));
    };
    int(&row, 0)
}

/// Every token.
pub(crate) async fn tokens(tx: &Tx<'_>) -> Result<Vec<TokenRow>, Fault> {
    let found = tx
        .rows(sql!("tokens_read"), &[&i64::from(TOKENS_MAX)])
        .await?;
    found.iter().map(token).collect()
}

/// The token of a hash.
pub(crate) async fn token_of(tx: &Tx<'_>, hash: &str) -> Result<Option<TokenRow>, Fault> {
    let row = tx.row(sql!("token_of"), &[&text(hash)]).await?;
    row.as_ref().map(token).transpose()
}

/// Whether any token was ever made.
pub(crate) async fn has_tokens(tx: &Tx<'_>) -> Result<bool, Fault> {
    let row = tx.row(sql!("token_any"), &[]).await?;
    get(&row.ok_or_else(|| damaged("EXISTS has no row"))?, 0)
}

/// Revokes a token.
pub(crate) async fn revoke_token(
    session: &mut Session,
    name: &str,
    now: Timestamp,
) -> Result<bool, Fault> {
    session
        .write_unentered(Turn::Shared, async |tx| {
            let revoked = tx
                .execute(sql!("token_revoke"), &[&text(name), &now.0])
                .await?;
            Ok(revoked > 0)
        })
        .await
}

/// Writes down what is about to be done. What lies too far behind is forgotten.
pub(crate) async fn begin_deed(session: &mut Session, deed: &NewDeed) -> Result<i64, Fault> {
    session
        .write_unentered(Turn::Shared, async |tx| {
            let (who, what, from) = (text(&deed.who), text(&deed.what), text(&deed.from));
            let values: [&(dyn ToSql + Sync); 5] =
                [&deed.at.0, &who, &deed.role.name(), &what, &from];
            let row = tx.row(sql!("deed_begin"), &values).await?;
            let id = int(&row.ok_or_else(|| damaged("a deed has no number"))?, 0)?;
            tx.execute(sql!("deed_trim"), &[&DEEDS_KEPT]).await?;
            Ok(id)
        })
        .await
}

/// Writes down how it ended.
pub(crate) async fn end_deed(
    session: &mut Session,
    deed: i64,
    status: u16,
    code: Option<&str>,
) -> Result<(), Fault> {
    session
        .write_unentered(Turn::Shared, async |tx| {
            let values: [&(dyn ToSql + Sync); 3] = [&deed, &i64::from(status), &code];
            tx.execute(sql!("deed_end"), &values).await?;
            Ok(())
        })
        .await
}

/// What was done.
pub(crate) async fn deeds(
    tx: &Tx<'_>,
    before: Option<i64>,
    max: u32,
) -> Result<Vec<DeedRow>, Fault> {
    let found = tx
        .rows(sql!("deeds_read"), &[&before, &i64::from(max)])
        .await?;
    found.iter().map(deed).collect()
}

fn token(row: &Row) -> Result<TokenRow, Fault> {
    Ok(TokenRow {
        id: int(row, 0)?,
        name: get(row, 1)?,
        role: role(row, 2)?,
        created_by: get(row, 3)?,
        created_at: Timestamp(int(row, 4)?),
        expires_at: time(row, 5)?,
        revoked_at: time(row, 6)?,
    })
}

fn deed(row: &Row) -> Result<DeedRow, Fault> {
    let status: Option<i64> = get(row, 6)?;
    Ok(DeedRow {
        id: int(row, 0)?,
        deed: NewDeed {
            at: Timestamp(int(row, 1)?),
            who: get(row, 2)?,
            role: role(row, 3)?,
            what: get(row, 4)?,
            from: get(row, 5)?,
        },
        status: status.and_then(|status| u16::try_from(status).ok()),
        code: get(row, 7)?,
    })
}

fn role(row: &Row, column: usize) -> Result<Role, Fault> {
    let text: String = get(row, column)?;
    text.parse()
        .map_err(|_| damaged(format!("a role is {text:?}")))
}
