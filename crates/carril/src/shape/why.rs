//! Why something is as it is, as programs read it.

use super::lock::LockShape;
use super::rfc3339;
use crate::why::{Link, Why};
use serde::Serialize;

/// Why something is as it is: a sentence, and the chain behind it.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhyShape<'a> {
    sentence: &'a str,
    chain: Vec<LinkShape<'a>>,
}

/// One link of the chain.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LinkShape<'a> {
    process: i64,
    execution: Option<i64>,
    entity: Option<&'a str>,
    state: &'a str,
    cause: &'a str,
    since: String,
    sentence: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock: Option<LockShape<'a>>,
}

impl<'a> From<&'a Link> for LinkShape<'a> {
    fn from(link: &'a Link) -> Self {
        Self {
            process: link.process.0,
            execution: link.execution.map(|id| id.0),
            entity: link.entity.as_deref(),
            state: link.state,
            cause: link.cause,
            since: rfc3339(link.since),
            sentence: &link.sentence,
            lock: link.lock.as_ref().map(LockShape::from),
        }
    }
}

impl<'a> From<&'a Why> for WhyShape<'a> {
    fn from(why: &'a Why) -> Self {
        Self {
            sentence: &why.sentence,
            chain: why.chain.iter().map(LinkShape::from).collect(),
        }
    }
}
