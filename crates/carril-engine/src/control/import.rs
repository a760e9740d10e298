//! Import: history that another program made. It is written settled, and nothing of it can ever be run or undone here.

use crate::engine::Engine;
use crate::error::Error;
use carril_model::contract::{ImportDone, NewImport, ProcessRow};
use carril_model::definition::Definition;
use std::sync::Arc;

impl Engine {
    /// Writes processes that another program ran: all that are not known yet, in one transaction, or nothing. Nobody launches
    /// meanwhile.
    ///
    /// # Errors
    /// As [`Error::Store`]; nothing was written then, unless the store became unavailable at the very commit: a second import
    /// of the same source finds what is there.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop it.
    pub async fn import(&self, import: NewImport) -> Result<ImportDone, Error> {
        self.core.check_alive()?;
        let (engine, import) = (self.clone(), Arc::new(import));
        let whole = async move { Ok(engine.core.store.import(import).await?) };
        self.core.to_its_end(whole).await
    }
}

/// Refuses what would run or undo something that another program did.
pub(super) fn refuse_imported(definition: &Definition, row: &ProcessRow) -> Result<(), Error> {
    if !definition.is_imported() {
        return Ok(());
    }
    let message = format!(
        "process {} was imported: another program ran it, so it can be shown and purged, but not be run again or rolled back",
        row.id
    );
    Err(Error::refused("CAR0460", message))
}
