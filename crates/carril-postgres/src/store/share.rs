//! How many lanes of a process an engine may fill, where several work on it: `[lanes] max` is the limit over all of them.
//!
//! A claim that only fills the lanes that its own commit set free lets nothing grow, so it looks at nobody, and commits of engines go
//! on side by side. Whoever wants more takes the process's row first and counts what all engines run: what others took before is
//! committed by then. Engines that come later to a process of which every lane is taken say that they are hungry; then those that
//! have more than their share do not fill what comes free, until it is even.
//!
//! An engine that is alone pays nothing: nobody can enter while its transaction lasts.

use super::desk::Desk;
use super::rows::{flag, int};
use super::session::Tx;
use carril_model::contract::{Claim, Fault};
use carril_model::shares;

/// What a claim may take, and what is to be said about it afterwards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// At most so many.
    pub(crate) max: u32,
    /// Whether this engine is known to be hungry.
    was_hungry: bool,
    /// Whether it is when there is more to claim than it may.
    is_short: bool,
}

impl Room {
    /// For an engine that has all lanes for itself.
    pub(crate) const fn all(claim: Claim) -> Self {
        Self {
            max: claim.max,
            was_hungry: false,
            is_short: false,
        }
    }

    /// Says whether this engine goes hungry, for some seconds; `got` is what the claim found.
    pub(crate) async fn told(self, tx: &Tx<'_>, claim: Claim, got: usize) -> Result<(), Fault> {
        let hungry = self.is_short && got >= self.max as usize;
        if !hungry && !self.was_hungry {
            return Ok(());
        }
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] =
            [&claim.process.0, &tx.node.0, &hungry];
        tx.execute(sql!("participant_hungry"), &values).await?;
        Ok(())
    }
}

/// How many executions this claim may take.
pub(crate) async fn room(tx: &Tx<'_>, desk: &mut Desk, claim: Claim) -> Result<Room, Fault> {
    if tx.is_sole() {
        return Ok(Room::all(claim));
    }
    let freed = desk.freed_lanes(claim.process.0);
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 2] = [&claim.process.0, &tx.node.0];
    let Some(row) = tx.row(sql!("claim_share"), &values).await? else {
        return Ok(Room::all(claim));
    };
    let count = |at| int(&row, at).map(|count| u32::try_from(count).unwrap_or(0));
    let (lanes, mine, place, among) = (count(0)?, count(1)?, count(2)?, count(3)?);
    let (others_hungry, was_hungry, adapts) = (flag(&row, 4)?, flag(&row, 5)?, flag(&row, 6)?);
    let share = shares::of_node(lanes, place, among);
    let wants = if others_hungry {
        claim.max.min(share.saturating_sub(mine))
    } else {
        claim.max
    };
    let mut max = wants;
    // Where the number may have become smaller what was freed is not simply filled again. Nobody has to wait to see that: what others
    // free at the same moment is counted as taken, and found free at the next look.
    if wants > freed || adapts {
        if wants > freed {
            tx.rows(sql!("claim_turn"), &[&claim.process.0]).await?;
        }
        let taken = tx.row(sql!("claim_taken"), &[&claim.process.0]).await?;
        let taken = taken.map_or(Ok(0), |row| int(&row, 0))?;
        let left = i64::from(lanes).saturating_sub(taken).max(0);
        max = wants.min(u32::try_from(left).unwrap_or(u32::MAX));
    }
    Ok(Room {
        max,
        was_hungry,
        is_short: max < wants && mine.saturating_add(max) < share,
    })
}
