//! What is asked about, and what an attempt holds.

use super::*;
use crate::{Pipeline, Stage, Step, Workspace};
use carril_model::id::Run;
use carril_model::state::StepState;

#[test]
fn a_number_is_a_number_and_anything_else_an_entity() {
    let cases = [
        ("12", Subject::Number(12)),
        ("F003", Subject::Entity("F003".to_owned())),
        ("entity:12", Subject::Entity("12".to_owned())),
        (
            "99999999999999999999",
            Subject::Entity("99999999999999999999".to_owned()),
        ),
    ];
    for (text, subject) in cases {
        assert_eq!(text.parse(), Ok(subject), "{text}");
    }
}

#[test]
fn an_attempt_holds_its_resources_and_the_target_whose_shared_part_it_writes() {
    let pipeline = Pipeline::new("p")
        .entities_given()
        .workspace(
            Workspace::new(["rows"])
                .target("warehouse")
                .publish(crate::Publish::new("rows", "history", ["id"])),
        )
        .stage(
            Stage::new("s")
                .step(Step::sql("own", "delete from rows").resource("geneva"))
                .step(Step::sql("shared", "delete from other").shared_write("other"))
                .step(Step::sql("elsewhere", "delete from other").target("archive"))
                .step(Step::noop("nothing")),
        )
        .build()
        .expect("it is right");
    let uses = |stage: &str, step: &str| {
        let attempt = AttemptRow {
            execution: ExecutionId(1),
            run: Run(1),
            stage: stage.to_owned(),
            step: step.to_owned(),
            attempt: 1,
            state: StepState::Running,
            began: Timestamp(0),
            ended: None,
            retry_at: None,
            fallback: false,
            carried_from: None,
            reason: None,
            rows: Vec::new(),
            output: None,
            error: None,
            waits: Vec::new(),
            node: None,
        };
        uses(pipeline.plan(), &attempt).join(" ")
    };
    assert_eq!(uses("s", "own"), "geneva");
    assert_eq!(uses("s", "shared"), "warehouse");
    assert_eq!(uses("s", "elsewhere"), "archive");
    assert_eq!(uses("s", "nothing"), "");
    assert_eq!(uses("publish", "publish"), "warehouse");
    assert_eq!(uses("gone", "gone"), "");
}
