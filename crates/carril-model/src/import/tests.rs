//! Each kind of dirt has one answer, every row is accounted for, and mapping is the same again.

use super::*;
use crate::contract::{ImportedExecution, ImportedProcess};
use crate::id::StepId;
use crate::plan::Plan;
use crate::state::{ExecutionState, ProcessState, StepState};
use proptest::prelude::*;

const RUN: &[&str] = &[
    "ID_Ejecucion",
    "FechaReporte",
    "Estado",
    "FechaInicio",
    "FechaFin",
    "TotalFondos",
    "FondosExitosos",
    "FondosFallidos",
];
const FUND: &[&str] = &[
    "ID_Ejecucion",
    "ID_Fund",
    "FundShortName",
    "Estado_Process_IPA",
    "Estado_Process_CAPM",
];
const ID: &str = "1761292800000";
const BEGIN: &str = "2025-10-24 08:00:00";
const END: &str = "2025-10-24 08:25:00.5";

fn table(name: &str, columns: &[&str], rows: &[&[&str]]) -> FlatTable {
    FlatTable {
        name: name.to_owned(),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        rows: rows
            .iter()
            .map(|row| {
                row.iter()
                    .map(|cell| (*cell != "NULL").then(|| (*cell).to_owned()))
                    .collect()
            })
            .collect(),
    }
}

fn source(runs: &[&[&str]], funds: &[&[&str]]) -> Source {
    Source {
        runs: table("logs.Ejecuciones", RUN, runs),
        funds: table("logs.Ejecucion_Fondos", FUND, funds),
        people: None,
    }
}

fn options() -> Options {
    Options {
        pipeline: "legacy".to_owned(),
        source: "logs".to_owned(),
        zone: "UTC".to_owned(),
        columns: BTreeMap::new(),
        states: BTreeMap::new(),
        partial: false,
        unfinished: false,
        now: Timestamp(1_790_000_000_000_000),
    }
}

fn run_row<'a>(id: &'a str, state: &'a str) -> [&'a str; 8] {
    [id, "2025-10-24", state, BEGIN, END, "NULL", "NULL", "NULL"]
}

fn mapped(source: &Source, options: &Options) -> Mapped {
    map(source, options).expect("the columns are there")
}

fn kinds(mapped: &Mapped) -> Vec<&'static str> {
    mapped
        .problems
        .iter()
        .map(|problem| problem.kind.name())
        .collect()
}

/// One run with rows of funds: (fund, state, state).
fn one_run(state: &str, funds: &[[&str; 3]]) -> Source {
    let rows: Vec<[&str; 5]> = funds
        .iter()
        .map(|[fund, ipa, capm]| [ID, *fund, "A", *ipa, *capm])
        .collect();
    let rows: Vec<&[&str]> = rows.iter().map(<[&str; 5]>::as_slice).collect();
    source(&[&run_row(ID, state)], &rows)
}

#[test]
fn a_run_becomes_a_process_with_an_execution_per_fund() {
    let source = one_run(
        "COMPLETADO_CON_ERRORES",
        &[
            ["101", "COMPLETADO", "OMITIDO"],
            ["102", "ERROR", "PENDIENTE"],
            ["103", "OMITIDO", "OMITIDO"],
        ],
    );
    let found = mapped(&source, &options());
    assert_eq!(kinds(&found), [""; 0]);
    let process: &ImportedProcess = &found.import.processes[0];
    assert_eq!(process.key, ID);
    assert_eq!(process.state, ProcessState::CompletedWithErrors);
    assert_eq!(process.params["report_date"], "2025-10-24");
    assert_eq!(process.params["id_ejecucion"], 1_761_292_800_000_i64);
    assert_eq!(
        process.ended_at.micros_since(process.launched_at),
        1_500_500_000
    );
    let states: Vec<ExecutionState> = process.executions.iter().map(|one| one.state).collect();
    assert_eq!(
        states,
        [
            ExecutionState::Succeeded,
            ExecutionState::Failed,
            ExecutionState::Skipped
        ]
    );
    let failed: &ImportedExecution = &process.executions[1];
    assert_eq!(failed.failed_step, Some(StepId(0)));
    assert_eq!(failed.attributes["FundShortName"], "A");
    let steps: Vec<(StepState, u32)> = failed
        .attempts
        .iter()
        .map(|attempt| (attempt.state, attempt.attempt()))
        .collect();
    assert_eq!(steps, [(StepState::Failed, 1), (StepState::Cancelled, 0)]);
    let error = failed.attempts[0].error.as_ref().expect("it failed");
    assert_eq!(error.code, "CAR0859");
    assert_eq!(found.counts.stages_mapped, 6);
}

#[test]
fn the_definition_has_the_stages_and_can_only_be_shown() {
    let found = mapped(
        &one_run("COMPLETADO", &[["1", "COMPLETADO", "COMPLETADO"]]),
        &options(),
    );
    let plan = Plan::new(found.import.definition.clone());
    let names: Vec<&str> = plan.steps().iter().map(|step| step.path.as_str()).collect();
    assert_eq!(names, ["process_ipa/imported", "process_capm/imported"]);
    assert_eq!(plan.steps()[1].id, StepId(1));
    assert_eq!(plan.segments().len(), 1);
    assert!(found.import.definition.is_imported());
    assert_eq!(found.import.version, found.import.definition.version());
}

#[test]
fn what_a_run_says_of_its_end_is_taken_as_far_as_its_rows_agree() {
    let cases = [
        (
            "COMPLETADO",
            ["COMPLETADO", "COMPLETADO"],
            ProcessState::Succeeded,
            "",
        ),
        (
            "Completado con errores",
            ["ERROR", "PENDIENTE"],
            ProcessState::CompletedWithErrors,
            "",
        ),
        (
            "COMPLETADO",
            ["ERROR", "PENDIENTE"],
            ProcessState::CompletedWithErrors,
            "state_differs",
        ),
        (
            "COMPLETADO_CON_ERRORES",
            ["COMPLETADO", "COMPLETADO"],
            ProcessState::Succeeded,
            "state_differs",
        ),
        (
            "ERROR",
            ["COMPLETADO", "PENDIENTE"],
            ProcessState::Failed,
            "",
        ),
        (
            "cancelado",
            ["EN_PROGRESO", "PENDIENTE"],
            ProcessState::Cancelled,
            "",
        ),
    ];
    for (said, [ipa, capm], state, told) in cases {
        let found = mapped(&one_run(said, &[["1", ipa, capm]]), &options());
        assert_eq!(
            found.import.processes[0].state, state,
            "{said} {ipa} {capm}"
        );
        assert_eq!(kinds(&found).join(" "), told, "{said} {ipa} {capm}");
    }
}

#[test]
fn a_stage_that_had_not_ended_is_told_and_not_mended() {
    let found = mapped(
        &one_run("COMPLETADO", &[["1", "COMPLETADO", "EN_PROGRESO"]]),
        &options(),
    );
    assert_eq!(kinds(&found), ["stage_unfinished", "state_differs"]);
    let execution = &found.import.processes[0].executions[0];
    assert_eq!(execution.state, ExecutionState::Cancelled);
    assert_eq!(execution.attempts[1].state, StepState::Interrupted);
}

#[test]
fn what_cannot_be_mapped_is_left_out_with_its_reason() {
    let good = &["1", "COMPLETADO", "COMPLETADO"];
    let run = |at: usize, value: &'static str| {
        let mut row = run_row(ID, "COMPLETADO");
        row[at] = value;
        let fund: &[&str] = &[ID, "1", "A", "COMPLETADO", "COMPLETADO"];
        source(&[&row], &[fund])
    };
    let cases: Vec<(Source, &str)> = vec![
        (run(0, "NULL"), "run_without_id orphan"),
        (run(0, "17x"), "run_without_id orphan"),
        (run(1, "NULL"), "wrong_date"),
        (run(1, "24/10/2025"), "wrong_date"),
        (run(1, "2025-02-30"), "wrong_date"),
        (run(2, "NULL"), "unknown_state"),
        (run(2, "HECHO"), "unknown_state"),
        (run(2, "OMITIDO"), "unknown_state"),
        (run(2, "EN_PROGRESO"), "unfinished"),
        (run(3, "ayer"), "wrong_time"),
        (run(3, "1899-12-31 00:00:00"), "wrong_time"),
        (run(3, "2099-01-01 00:00:00"), "wrong_time"),
        (run(4, "2025-10-24 07:59:59"), "wrong_time"),
        (
            one_run("COMPLETADO", &[["1", "RARO", "COMPLETADO"]]),
            "unknown_state",
        ),
        (
            one_run("COMPLETADO", &[["NULL", "COMPLETADO", "COMPLETADO"]]),
            "fund_without_id",
        ),
        (one_run("COMPLETADO", &[*good, *good]), "fund_twice"),
        (
            source(
                &[&run_row(ID, "COMPLETADO"), &run_row(ID, "COMPLETADO")],
                &[],
            ),
            "run_twice",
        ),
        (source(&[], &[&[ID, "1", "A", "ERROR", "ERROR"]]), "orphan"),
        (
            source(&[], &[&["NULL", "1", "A", "ERROR", "ERROR"]]),
            "orphan",
        ),
    ];
    for (source, told) in cases {
        let found = mapped(&source, &options());
        assert_eq!(found.import.processes, [], "{told}");
        assert_eq!(kinds(&found).join(" "), told);
        assert_eq!(found.counts.runs_left_out, found.counts.runs_read, "{told}");
        assert_eq!(
            found.counts.funds_left_out, found.counts.funds_read,
            "{told}"
        );
        assert!(
            found
                .problems
                .iter()
                .any(|problem| problem.kind.left() == Left::LeftOut)
        );
    }
}

#[test]
fn what_is_odd_and_means_one_thing_is_imported_and_told() {
    let with = |at: usize, value: &'static str| {
        let mut row = run_row(ID, "COMPLETADO");
        row[at] = value;
        let fund: &[&str] = &[ID, "1", "A", "COMPLETADO", "COMPLETADO"];
        source(&[&row], &[fund])
    };
    let cases = [
        (with(3, "NULL"), "no_beginning"),
        (with(4, "NULL"), "no_end"),
        (with(5, "3"), "totals_differ"),
        (with(6, "0"), "totals_differ"),
        (with(7, "1"), "totals_differ"),
        (with(7, "-1"), "wrong_number"),
        (with(5, "1"), ""),
        (with(1, "2025-10-24 00:00:00"), ""),
        (source(&[&run_row(ID, "COMPLETADO")], &[]), "no_funds"),
    ];
    for (source, told) in cases {
        let found = mapped(&source, &options());
        assert_eq!(kinds(&found).join(" "), told);
        assert_eq!(found.import.processes.len(), 1, "{told}");
        for problem in &found.problems {
            let reason = &found.import.processes[0].reason;
            assert!(reason.contains(&problem.text), "{reason}");
        }
    }
}

#[test]
fn one_bad_row_takes_its_run_or_with_partial_only_itself() {
    let source = one_run(
        "COMPLETADO",
        &[
            ["1", "COMPLETADO", "COMPLETADO"],
            ["2", "RARO", "COMPLETADO"],
        ],
    );
    let whole = mapped(&source, &options());
    assert_eq!(
        (whole.counts.runs_mapped, whole.counts.funds_left_out),
        (0, 2)
    );
    let partial = Options {
        partial: true,
        ..options()
    };
    let found = mapped(&source, &partial);
    assert_eq!(
        (found.counts.runs_mapped, found.counts.funds_left_out),
        (1, 1)
    );
    assert_eq!(kinds(&found), ["unknown_state"]);
    let said = Options {
        states: [("raro".to_owned(), "OMITIDO".to_owned())].into(),
        ..options()
    };
    assert_eq!(mapped(&source, &said).counts.funds_mapped, 2);
}

#[test]
fn a_run_that_never_ended_is_brought_along_when_asked_for() {
    let source = one_run("EN_PROGRESO", &[["1", "COMPLETADO", "EN_PROGRESO"]]);
    let asked = Options {
        unfinished: true,
        ..options()
    };
    let found = mapped(&source, &asked);
    assert_eq!(kinds(&found), ["ended_for_it"]);
    assert_eq!(found.import.processes[0].state, ProcessState::Failed);
}

#[test]
fn names_and_zones_may_differ() {
    let mut source = one_run("COMPLETADO", &[["1", "COMPLETADO", "COMPLETADO"]]);
    source.runs.columns[4] = "termino".to_owned();
    source.runs.columns[0] = "id_ejecucion".to_owned();
    let error = map(&source, &options()).expect_err("there is no FechaFin");
    assert!(
        matches!(error, MapError::NoColumn { ref column, .. } if column == "FechaFin"),
        "{error}"
    );
    let renamed = Options {
        columns: [("fechafin".to_owned(), "Termino".to_owned())].into(),
        zone: "America/Lima".to_owned(),
        ..options()
    };
    let found = mapped(&source, &renamed);
    // Lima is five hours behind, without summer time.
    assert_eq!(
        found.import.processes[0].launched_at,
        Timestamp(1_761_310_800_000_000)
    );
    source.runs.rows[0][3] = Some("2025-10-24 08:00:00+00".to_owned());
    let found = mapped(&source, &renamed);
    assert_eq!(
        found.import.processes[0].launched_at,
        Timestamp(1_761_292_800_000_000)
    );
}

#[test]
fn wrong_options_are_told_before_anything_is_read() {
    let source = one_run("COMPLETADO", &[]);
    let wrong = [
        Options {
            pipeline: "2nd".to_owned(),
            ..options()
        },
        Options {
            zone: "Lima".to_owned(),
            ..options()
        },
        Options {
            source: " ".to_owned(),
            ..options()
        },
        Options {
            columns: [("Nada".to_owned(), "x".to_owned())].into(),
            ..options()
        },
        Options {
            states: [("X".to_owned(), "HECHO".to_owned())].into(),
            ..options()
        },
    ];
    for options in wrong {
        assert!(
            matches!(map(&source, &options), Err(MapError::Option(_))),
            "{options:?}"
        );
    }
}

#[test]
fn columns_that_only_capitals_tell_apart_are_refused() {
    let mut source = one_run("COMPLETADO", &[]);
    source.funds.columns[4] = "estado_process_ipa".to_owned();
    assert!(matches!(
        map(&source, &options()),
        Err(MapError::TwoColumns { .. })
    ));
    source.funds.columns.truncate(3);
    assert!(matches!(
        map(&source, &options()),
        Err(MapError::NoStages { .. })
    ));
}

#[test]
fn the_table_of_all_funds_completes_what_is_not_said() {
    let mut source = one_run(
        "COMPLETADO",
        &[
            ["1", "COMPLETADO", "COMPLETADO"],
            ["2", "COMPLETADO", "COMPLETADO"],
        ],
    );
    source.people = Some(table(
        "dimensionales.BD_Funds",
        &["ID_Fund", "FundShortName", "Flag_UBS"],
        &[&["1", "other", "1"], &["1", "again", "0"]],
    ));
    let found = mapped(&source, &options());
    let attributes = &found.import.processes[0].executions[0].attributes;
    assert_eq!(attributes["FundShortName"], "A");
    assert_eq!(attributes["Flag_UBS"], "1");
    assert_eq!(kinds(&found), ["funds_twice", "not_in_funds"]);
}

#[test]
fn times_of_funds_and_stages_are_taken_where_there_are_any() {
    let columns = &[
        "ID_Ejecucion",
        "ID_Fund",
        "FechaInicio",
        "FechaFin",
        "Estado_A",
        "FechaInicio_A",
        "FechaFin_A",
        "MensajeError_A",
    ];
    let row: &[&str] = &[
        ID,
        "1",
        "2025-10-24 08:01:00",
        "2025-10-24 08:05:00",
        "ERROR",
        "2025-10-24 08:02:00",
        "2025-10-24 08:03:00",
        "no data",
    ];
    let source = Source {
        runs: table("r", RUN, &[&run_row(ID, "COMPLETADO_CON_ERRORES")]),
        funds: table("f", columns, &[row]),
        people: None,
    };
    let found = mapped(&source, &options());
    let process = &found.import.processes[0];
    let execution = &process.executions[0];
    assert_eq!(
        execution.started_at.micros_since(process.launched_at),
        60_000_000
    );
    assert_eq!(
        execution.ended_at.micros_since(execution.started_at),
        240_000_000
    );
    let attempt = &execution.attempts[0];
    assert_eq!(attempt.ended.micros_since(attempt.began), 60_000_000);
    assert_eq!(
        attempt.error.as_ref().expect("it failed").message,
        "no data"
    );
    assert!(execution.attributes.is_empty());
}

fn cell() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "1", "2", "1761292800000", "1761292800001", "2025-10-24", "2025-10-24 08:00:00", "2025-10-24 09:00:00",
            "COMPLETADO", "ERROR", "PENDIENTE", "EN_PROGRESO", "OMITIDO", "CANCELADO", "COMPLETADO_CON_ERRORES",
        ]).prop_map(|text| Some(text.to_owned())),
        1 => Just(None),
        1 => ".{0,6}".prop_map(Some),
    ]
}

fn run_cells() -> impl Strategy<Value = Vec<Option<String>>> {
    let id = prop_oneof![8 => (0..6_i64).prop_map(|n| Some((1_761_292_800_000 + n).to_string())), 1 => cell()];
    let date = prop_oneof![8 => Just(Some("2025-10-24".to_owned())), 1 => cell()];
    let state = prop::sample::select(vec![
        "COMPLETADO",
        "COMPLETADO_CON_ERRORES",
        "ERROR",
        "CANCELADO",
        "EN_PROGRESO",
    ]);
    let begin = prop_oneof![8 => Just(Some(BEGIN.to_owned())), 1 => cell()];
    let end = prop_oneof![8 => Just(Some(END.to_owned())), 1 => cell()];
    let number = || prop_oneof![3 => Just(None), 1 => (0..5_u8).prop_map(|n| Some(n.to_string())), 1 => cell()];
    (id, date, state, begin, end, number(), number(), number()).prop_map(
        |(id, date, state, begin, end, a, b, c)| {
            vec![id, date, Some(state.to_owned()), begin, end, a, b, c]
        },
    )
}

fn fund_cells() -> impl Strategy<Value = Vec<Option<String>>> {
    let id = prop_oneof![8 => (0..7_i64).prop_map(|n| Some((1_761_292_800_000 + n).to_string())), 1 => cell()];
    let fund = prop_oneof![8 => (0..5_u8).prop_map(|n| Some(n.to_string())), 1 => cell()];
    let state = || {
        prop_oneof![
            8 => prop::sample::select(vec!["COMPLETADO", "ERROR", "PENDIENTE", "EN_PROGRESO", "OMITIDO"]).prop_map(|text| Some(text.to_owned())),
            1 => cell(),
        ]
    };
    (id, fund, cell(), state(), state())
        .prop_map(|(id, fund, name, a, b)| vec![id, fund, name, a, b])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the rows are: each is mapped or left out, what is left out has a reason, and what comes out keeps the store's rules.
    #[test]
    fn every_row_is_accounted_for(
        runs in prop::collection::vec(run_cells(), 0..6),
        funds in prop::collection::vec(fund_cells(), 0..14),
        partial: bool,
        unfinished: bool,
    ) {
        let source = Source {
            runs: FlatTable { rows: runs, ..table("r", RUN, &[]) },
            funds: FlatTable { rows: funds, ..table("f", FUND, &[]) },
            people: None,
        };
        let options = Options { partial, unfinished, ..options() };
        let found = map(&source, &options).expect("the columns are there");
        let counts = &found.counts;
        prop_assert_eq!(counts.runs_mapped + counts.runs_left_out, counts.runs_read);
        prop_assert_eq!(counts.funds_mapped + counts.funds_left_out, counts.funds_read);
        let left_out = found.problems.iter().filter(|problem| problem.kind.left() == Left::LeftOut).count();
        prop_assert_eq!(counts.runs_left_out + counts.funds_left_out > 0, left_out > 0);
        let mut keys = std::collections::BTreeSet::new();
        for process in &found.import.processes {
            prop_assert!(keys.insert(&process.key), "a key twice");
            prop_assert!(process.state.is_settled() && process.state != ProcessState::RolledBack);
            prop_assert!(process.launched_at <= process.ended_at);
            let mut entities = std::collections::BTreeSet::new();
            for execution in &process.executions {
                prop_assert!(entities.insert(&execution.entity_key), "an entity twice");
                prop_assert!(execution.state.is_settled());
                prop_assert!(process.launched_at <= execution.started_at && execution.started_at <= execution.ended_at);
                prop_assert_eq!(execution.failed_step.is_some(), execution.state == ExecutionState::Failed);
                for attempt in &execution.attempts {
                    prop_assert!(attempt.began <= attempt.ended);
                    prop_assert!(attempt.state.is_settled() || attempt.state == StepState::Interrupted);
                }
            }
        }
        prop_assert_eq!(found, map(&source, &options).expect("the columns are there"));
    }
}
