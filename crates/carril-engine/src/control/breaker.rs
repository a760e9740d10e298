//! Holding a circuit breaker open or closed, and letting it go.
//!
//! What a person wants is the store's: it outlives the engine, and whoever comes next finds the breaker as it was left.

use crate::engine::Engine;
use crate::error::Error;
use carril_model::breaker::BreakerWish;
use carril_model::load::name_problem;

impl Engine {
    /// Holds the breaker of a resource open or closed until it is told otherwise, or lets it go. Returns when that is durable.
    ///
    /// The resource need not be used by a process yet: its breaker is as it was left when one comes. Asking for what is there
    /// already is no error.
    ///
    /// # Errors
    /// `CAR0437` for what cannot be the name of a resource; [`Error::Store`] when it could not be kept: then it holds for this
    /// engine only, which stops.
    pub async fn breaker(
        &self,
        resource: &str,
        to: BreakerWish,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        self.core.check_alive()?;
        if let Some(problem) = name_problem(resource) {
            let message = format!("a resource cannot be called {resource:?}: {problem}");
            return Err(Error::refused("CAR0437", message));
        }
        if let Some(row) = self.core.limits.force(resource, to, reason) {
            self.core.journal.breaker(row).await?;
        }
        Ok(())
    }
}
