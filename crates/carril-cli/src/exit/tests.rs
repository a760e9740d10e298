//! Exit codes are numbered without a gap, and the documents say what the code says.

use super::Exit;
use carril::model::finding::Finding;
use carril::model::state::ProcessState;

#[test]
fn codes_count_from_zero() {
    let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
    assert_eq!(codes, (0..=10).collect::<Vec<u8>>());
}

#[test]
fn the_reference_has_this_table() {
    let reference = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/reference/cli.md"
    ))
    .unwrap();
    let rows: Vec<String> = Exit::ALL
        .iter()
        .map(|exit| format!("| {} | {} |", exit.code(), exit.meaning()))
        .collect();
    let table = format!("| code | meaning |\n|---|---|\n{}\n", rows.join("\n"));
    assert!(
        reference.contains(&table),
        "docs/reference/cli.md needs this table:\n{table}"
    );
}

#[test]
fn every_settled_state_has_its_code() {
    let cases = [
        (ProcessState::Succeeded, Exit::Ok),
        (ProcessState::CompletedWithErrors, Exit::Failures),
        (ProcessState::Failed, Exit::Failures),
        (ProcessState::Cancelled, Exit::Cancelled),
        (ProcessState::RolledBack, Exit::Ok),
    ];
    for (state, exit) in cases {
        assert_eq!(Exit::of(state), exit, "{state}");
    }
}

#[test]
fn what_was_found_decides() {
    let cases: [(&[&str], Exit); 5] = [
        (&[], Exit::Ok),
        (&["CAR0511"], Exit::Unreachable),
        (&["CAR0511", "CAR0102"], Exit::Invalid),
        (&["CAR0408"], Exit::Usage),
        (&["CAR0301"], Exit::Invalid),
    ];
    for (codes, exit) in cases {
        let mut findings: Vec<Finding> = codes
            .iter()
            .map(|code| Finding::error(code, "wrong"))
            .collect();
        findings.push(Finding::warning("CAR0301", "odd"));
        assert_eq!(Exit::of_findings(&findings), exit, "{codes:?}");
    }
}
