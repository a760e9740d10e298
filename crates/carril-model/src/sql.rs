//! User SQL as text: its statements, its placeholders, and what its words give away.
//!
//! Only tokens are looked at (sqlparser's tokenizer), never syntax trees: dialects differ too much. Values are bound, never
//! pasted in.

use serde_json::Value;

/// Gives values for placeholder names.
pub trait Lookup: Send + Sync {
    /// The value of `name` (`report_date`, `entity.id_fund`, `steps.ipa.rows`), or `None` when there is no such name.
    fn get(&self, name: &str) -> Option<Value>;
}
