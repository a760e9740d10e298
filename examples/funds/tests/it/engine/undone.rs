//! Rollback and retry: of one fund among many, with and without an earlier result, and of a whole process.

use super::house::{DATE, House, end, executions, pipeline, retry, roll_back, run, settled};
use carril::event::Event;
use carril::model::contract::Selection;
use carril::model::id::{ExecutionId, ProcessId};
use carril::model::state::{ExecutionState, ProcessState};
use carril::{Carril, Launch};
use std::path::PathBuf;

/// The fund that is undone: it has a derivative block and a custodian's file, so every step runs for it.
const FUND: &str = "select min(id_fund) from bd_funds where flag_ubs = 1 and flag_derivados = 1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fund_that_is_rolled_back_is_gone_everywhere_and_comes_back_the_same() {
    let house = House::generated(30);
    let fund: i64 = house.one(FUND);
    // Workspaces stay, to see that those of the fund go.
    let pipeline = house.changed_pipeline(
        |text| text.replace("[workspace]\n", "[workspace]\nkeep = \"always\"\n"),
        &[],
    );
    let carril = house.open().await;
    let process = run(&carril, &pipeline, DATE).await.process;
    let own = process.own.unwrap();
    let execution = house.execution_of(fund);
    assert_ne!(house.lane_files(execution), Vec::<PathBuf>::new());
    let of_others = |files: Vec<PathBuf>| -> Vec<PathBuf> {
        let gone = house.lane_files(execution);
        let of_own = house.lane_files(own);
        files
            .into_iter()
            .filter(|file| !gone.contains(file) && !of_own.contains(file))
            .collect()
    };
    let lanes = of_others(house.lane_files_of_all());
    assert!(lanes.len() >= 29, "{lanes:?}");
    let report = house.report("true");
    let cube = house
        .rows("select dimension, member, funds, positions, round(market_value, 2) from fund_cube");
    let others = house.all_but(&[execution, own]);
    let left = house.left_by(execution);
    assert!(left.len() >= 3, "{left:?}");

    let (undone, row) = roll_back(&carril, Selection::Executions(vec![execution])).await;
    assert_eq!(row.state, ProcessState::Succeeded);
    assert_eq!((row.tally.succeeded, row.tally.rolled_back), (29, 1));
    assert_eq!((undone.executions, undone.process_stages), (1, true));
    for (table, rows) in &left {
        let told = undone.rows.iter().find(|told| told.table == *table);
        assert!(
            table.starts_with("carril_")
                || told.is_some_and(|told| told.deleted == rows.unsigned_abs()),
            "{table}: {:?}",
            undone.rows
        );
    }
    assert_eq!(house.left_by(execution), []);
    assert_eq!(house.lane_files(execution), Vec::<PathBuf>::new());
    assert_eq!(of_others(house.lane_files_of_all()), lanes);
    assert_same(&others, &house.all_but(&[execution, own]));
    let rest = format!("id_fund <> {fund}");
    assert_eq!(
        house.report(&rest),
        house.report("true"),
        "nothing stands in its place"
    );
    house.assert_cube_is_the_sum(DATE, 29);

    let row = retry(&carril, Selection::Executions(vec![execution]), None).await;
    assert_eq!(row.state, ProcessState::Succeeded);
    assert_eq!((row.tally.succeeded, row.tally.rolled_back), (30, 0));
    assert_eq!(house.report("true"), report);
    assert_eq!(house.execution_of(fund), execution);
    assert_same(&others, &house.all_but(&[execution, own]));
    assert_eq!(
        house.rows(
            "select dimension, member, funds, positions, round(market_value, 2) from fund_cube"
        ),
        cube
    );
    house.assert_cube_is_the_sum(DATE, 30);
    end(&carril).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_fund_that_is_rolled_back_stands_what_stood_there_before() {
    let house = House::generated(12);
    let fund: i64 = house.one(FUND);
    let carril = house.open().await;
    let first = run(&carril, &pipeline(), DATE).await.process;
    let of_first = house.execution_of(fund);
    let before = house.report("true");
    // A correction of the fund's statement: its largest line is worth 500 lakh more.
    house
        .warehouse()
        .execute(
            "update homol_ipa set market_value = market_value + 500 where report_date = ?1
                 and portfolio = (select portfolio_geneva from bd_funds where id_fund = ?2) and line = (
                     select max(line) from homol_ipa i where i.report_date = ?1 and i.portfolio = homol_ipa.portfolio)",
            rusqlite::params![DATE, fund],
        )
        .unwrap();
    let second = run(&carril, &pipeline(), DATE).await.process;
    let corrected = house.report("true");
    assert_eq!(
        corrected.iter().filter(|row| !before.contains(row)).count(),
        1
    );
    let of_second = house.execution_of(fund);
    assert!(of_second > of_first);
    let others = house.all_but(&[of_second, second.own.unwrap()]);

    let (_, row) = roll_back(&carril, Selection::Executions(vec![of_second])).await;
    assert_eq!(row.state, ProcessState::Succeeded);
    assert_eq!(house.report("true"), before, "the first run's row");
    assert_eq!(house.execution_of(fund), of_first);
    house.assert_cube_is_the_sum(DATE, 12);
    assert_same(&others, &house.all_but(&[of_second, second.own.unwrap()]));

    let row = retry(&carril, Selection::Executions(vec![of_second]), None).await;
    assert_eq!(row.state, ProcessState::Succeeded);
    assert_eq!(house.report("true"), corrected);
    house.assert_cube_is_the_sum(DATE, 12);
    assert_same(&others, &house.all_but(&[of_second, second.own.unwrap()]));

    // What an older process left and nobody sees can be undone as well; nothing that is seen moves.
    let (_, row) = roll_back(&carril, Selection::Executions(vec![of_first])).await;
    assert_eq!((row.id, row.state), (first.id, ProcessState::Succeeded));
    assert_eq!(house.report("true"), corrected);
    house.assert_cube_is_the_sum(DATE, 12);
    end(&carril).await;
}

/// A fund whose older row shows through can be undone, too. The newer process's cube knows it only when it is told to
/// look again, which `retry --from cube/totals` does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cube_of_a_newer_process_can_be_computed_again() {
    let house = House::generated(6);
    let carril = house.open().await;
    run(&carril, &pipeline(), DATE).await;
    let of_first = house.execution_of(102);
    let second = run(&carril, &pipeline(), DATE).await.process;
    let of_second = house.execution_of(102);
    roll_back(&carril, Selection::Executions(vec![of_second])).await;
    house.assert_cube_is_the_sum(DATE, 6);
    roll_back(&carril, Selection::Executions(vec![of_first])).await;
    assert_eq!(house.report("id_fund = 102"), Vec::<String>::new());
    let row = retry(&carril, Selection::Process(second.id), Some("cube/totals")).await;
    assert_eq!(row.state, ProcessState::Succeeded);
    assert_eq!(
        (row.tally.succeeded, row.tally.rolled_back),
        (5, 1),
        "the lanes stay as they are"
    );
    house.assert_cube_is_the_sum(DATE, 5);
    end(&carril).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_process_is_undone_and_can_be_done_again() {
    let house = House::generated(25);
    let carril = house.open().await;
    let process = run(&carril, &pipeline(), DATE).await.process;
    let report = house.report("true");
    assert_eq!(report.len(), 25);

    let (undone, row) = roll_back(&carril, Selection::Process(process.id)).await;
    assert_eq!(row.state, ProcessState::RolledBack);
    assert_eq!(row.own_state, Some(ExecutionState::RolledBack));
    assert_eq!((undone.executions, row.tally.rolled_back), (25, 25));
    let left = house.all_but(&[ExecutionId(0)]);
    assert!(left.values().all(Vec::is_empty), "{left:?}");
    for view in ["fund_report", "fund_position", "fund_cube"] {
        assert_eq!(
            house.one::<i64>(&format!("select count(*) from {view}")),
            0,
            "{view}"
        );
    }
    assert_eq!(house.lane_files_of_all(), Vec::<PathBuf>::new());
    let again = carril
        .engine()
        .roll_back(Selection::Process(process.id))
        .await;
    assert_eq!(
        again.map(|report| report.executions).unwrap_or_default(),
        0,
        "there is nothing left to undo"
    );

    let row = retry(&carril, Selection::Process(process.id), None).await;
    assert_eq!(row.state, ProcessState::Succeeded);
    assert_eq!((row.tally.succeeded, row.tally.rolled_back), (25, 0));
    assert_eq!(house.report("true"), report);
    house.assert_cube_is_the_sum(DATE, 25);
    end(&carril).await;
}

/// A process is rolled back while some of its funds are through, some run and some wait: it ends as rolled back, nothing
/// is left, and it can be done again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_is_undone_while_it_runs() {
    let house = House::generated(30);
    let carril = house.open().await;
    let process = launched_and_under_way(&carril, 4).await;
    let selection = Selection::Process(process);
    // Whoever waits for it meanwhile, as `carril run` does, is told the same.
    let (undone, row) = tokio::join!(
        carril.engine().roll_back(selection.clone()),
        settled(&carril, process)
    );
    assert_eq!(undone.unwrap().executions, 30);
    assert_eq!(row.state, ProcessState::RolledBack);
    assert_eq!(row.tally.rolled_back, 30);
    let left = house.all_but(&[ExecutionId(0)]);
    assert!(left.values().all(Vec::is_empty), "{left:?}");
    assert_eq!(house.lane_files_of_all(), Vec::<PathBuf>::new());

    let row = retry(&carril, selection, None).await;
    assert_eq!(
        (row.state, row.tally.succeeded),
        (ProcessState::Succeeded, 30)
    );
    house.assert_cube_is_the_sum(DATE, 30);
    end(&carril).await;
}

/// A fund is rolled back while it runs, the last lane of its process: the cube waits until nothing of it is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fund_is_undone_while_it_runs() {
    let house = House::generated(12);
    let carril = house.open().await;
    let process = launched_and_under_way(&carril, 2).await;
    let live = executions(&carril, process)
        .await
        .into_iter()
        .filter(|row| row.entity.is_some() && !row.state.is_settled())
        .map(|row| row.id)
        .collect::<Vec<_>>();
    assert!(!live.is_empty());
    let (undone, row) = tokio::join!(
        carril
            .engine()
            .roll_back(Selection::Executions(live.clone())),
        settled(&carril, process)
    );
    assert_eq!(undone.unwrap().executions, live.len() as u64);
    assert_eq!(row.state, ProcessState::Succeeded);
    assert_eq!(row.tally.rolled_back, live.len() as u64);
    for execution in live {
        assert_eq!(house.left_by(execution), []);
    }
    let others = i64::try_from(row.tally.succeeded).unwrap();
    assert_eq!(house.report("true").len() as u64, row.tally.succeeded);
    house.assert_cube_is_the_sum(DATE, others);
    end(&carril).await;
}

/// Launches with few lanes and waits until at least this many funds are through; more are not.
async fn launched_and_under_way(carril: &Carril, through: u64) -> ProcessId {
    let mut events = carril.engine().events();
    let launch = Launch::new().set("report_date", DATE).lanes(3);
    let process = carril.launch(&pipeline(), launch).await.unwrap().process();
    loop {
        if let Event::Process { tally, .. } = events.recv().await.unwrap()
            && tally.succeeded >= through
        {
            return process;
        }
    }
}

fn assert_same<'a>(
    before: &std::collections::BTreeMap<&'a str, Vec<String>>,
    after: &std::collections::BTreeMap<&'a str, Vec<String>>,
) {
    for (table, rows) in before {
        let missing: Vec<&String> = rows
            .iter()
            .filter(|row| !after[table].contains(row))
            .take(3)
            .collect();
        let new: Vec<&String> = after[table]
            .iter()
            .filter(|row| !rows.contains(row))
            .take(3)
            .collect();
        assert!(
            rows == &after[table],
            "{table}: {} rows before, {} after; missing {missing:?}, new {new:?}",
            rows.len(),
            after[table].len()
        );
    }
}
