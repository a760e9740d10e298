//! Requests: what others wished is found by the engine and answered. Posting is the mailbox's business and tested with it.

use super::Harness;
use carril_model::contract::Answer;
use carril_model::id::RequestId;

/// Answering a request that is not there is no harm: it was withdrawn meanwhile.
pub fn a_wish_is_found_and_answered_once(harness: &mut Harness) {
    assert_eq!(harness.wait(harness.store().requests()), Ok(Vec::new()));
    let answer = Answer::Accepted {
        processes: Vec::new(),
        message: "done".to_owned(),
    };
    assert_eq!(
        harness.wait(harness.store().answer(RequestId(1), &answer, harness.now())),
        Ok(())
    );
    assert_eq!(harness.wait(harness.store().requests()), Ok(Vec::new()));
}
