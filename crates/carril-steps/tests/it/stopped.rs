//! Programs that are made to end, and what they started.

use crate::harness::{Case, Stop, is_alive, until, until_gone, within_limit};
use carril_model::contract::{ErrorClass, StepRunner};
use carril_steps::command::CommandRunner;
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::time::Duration;

/// Longer than any test may take, so that a grace that was waited for in full shows.
const LONG: Duration = Duration::from_secs(3_600);
/// The grace for programs that will not end on being asked.
const SHORT: Duration = Duration::from_millis(20);

/// A script that writes the process ids of `started` (shell words) before it does `then`.
fn announcing(before: &str, started: &str, then: &str) -> Case {
    Case::sh(&format!(
        "{before}\necho $$ {started} > ids.new; mv ids.new ids\n{then}"
    ))
}

#[tokio::test]
async fn a_program_and_all_its_children_end_on_being_asked() {
    let mut case = announcing("sleep 1000 & a=$!; sleep 1000 & b=$!", "$a $b", "wait");
    case.options.grace = LONG;
    let mut pids = Vec::new();
    let stopped = case
        .stop_when(async { pids = case.pids("ids").await })
        .await;
    let error = stopped.unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0505", ErrorClass::Cancelled)
    );
    assert!(
        error.message.contains("killed by signal 15"),
        "{}",
        error.message
    );
    assert_eq!(pids.len(), 3);
    until_gone(&pids).await;
}

#[tokio::test]
async fn a_program_may_clean_up_when_asked() {
    let mut case = announcing(
        "trap 'echo cleaning; exit 0' TERM",
        "",
        "while :; do sleep 0.01; done",
    );
    case.options.grace = LONG;
    let error = case
        .stop_when(async { drop(case.pids("ids").await) })
        .await
        .unwrap_err();
    // It was stopped half-way, whatever it says about itself.
    assert_eq!(error.class, ErrorClass::Cancelled);
    assert!(error.message.contains("exit code 0"), "{}", error.message);
    // Before that, a shell may tell that what it was waiting for was ended.
    let log = error.log.unwrap();
    assert!(log.ends_with("cleaning\n"), "{log}");
}

#[tokio::test]
async fn a_program_that_ignores_being_asked_is_killed() {
    // Ignored signals are inherited, so the sleeping child ignores it, too.
    let mut case = announcing(
        "echo stubborn; trap '' TERM; sleep 1000 & a=$!",
        "$a",
        "wait",
    );
    case.options.grace = SHORT;
    let mut pids = Vec::new();
    let error = case
        .stop_when(async { pids = case.pids("ids").await })
        .await
        .unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.class),
        ("CAR0505", ErrorClass::Cancelled)
    );
    assert!(
        error.message.contains("did not in time"),
        "{}",
        error.message
    );
    assert_eq!(error.native.as_deref(), Some("signal 9"));
    assert_eq!(error.log.as_deref(), Some("stubborn\n"));
    until_gone(&pids).await;
}

#[tokio::test]
async fn a_child_that_ignores_being_asked_dies_with_its_program() {
    let mut case = announcing("(trap '' TERM; exec sleep 1000) & a=$!", "$a", "wait");
    case.options.grace = LONG;
    let mut pids = Vec::new();
    let error = case
        .stop_when(async { pids = case.pids("ids").await })
        .await
        .unwrap_err();
    assert_eq!(error.class, ErrorClass::Cancelled);
    until_gone(&pids).await;
}

#[tokio::test]
async fn a_stopped_program_ends_on_being_asked() {
    let mut case = announcing("", "", "kill -STOP $$; echo went on; sleep 1000");
    case.options.grace = LONG;
    let when = async {
        let pid = case.pids("ids").await[0];
        until("it is stopped", || {
            fs::read_to_string(format!("/proc/{pid}/stat"))
                .unwrap()
                .contains(") T ")
        })
        .await;
    };
    let error = case.stop_when(when).await.unwrap_err();
    assert!(
        error.message.contains("killed by signal 15"),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn a_program_that_forks_without_end_is_ended() {
    // Each member starts two more, up to five levels, and all of them ignore being asked.
    let script = "trap '' TERM\nfork() { [ $1 -gt 0 ] && { fork $(($1 - 1)) & fork $(($1 - 1)) & }; echo x >> members; sleep 1000; }\n";
    let mut case = Case::sh(&format!(
        "{script}echo $$ > ids.new; mv ids.new ids; fork 4"
    ));
    case.options.grace = SHORT;
    let mut group = Vec::new();
    let when = async {
        let leader = case.pids("ids").await[0];
        let members = case.folder.path().join("members");
        until("all have started", || {
            fs::read_to_string(&members).is_ok_and(|text| text.lines().count() == 31)
        })
        .await;
        group = members_of(leader);
    };
    let error = case.stop_when(when).await.unwrap_err();
    assert_eq!(error.class, ErrorClass::Cancelled);
    assert!(group.len() >= 31, "{} members", group.len());
    until_gone(&group).await;
}

#[tokio::test]
async fn what_a_program_leaves_behind_is_killed_when_it_ends() {
    // The one left behind keeps the pipes open, which must not be waited for.
    let case = announcing("sleep 1000 & a=$!", "$a", "echo done");
    let done = case.run().await.unwrap();
    assert_eq!(done.log.as_deref(), Some("done\n"));
    until_gone(&case.pids("ids").await).await;
}

#[tokio::test]
async fn what_has_left_the_group_is_not_waited_for() {
    let script = "setsid sh -c 'echo $$ > ids.new; mv ids.new ids; exec sleep 1000' &\nuntil [ -e ids ]; do sleep 0.01; done; echo done";
    let case = Case::sh(script);
    let done = case.run().await.unwrap();
    let pids = case.pids("ids").await;
    assert!(is_alive(pids[0]), "out of reach, as documented");
    kill_process(
        Pid::from_raw(pids[0].try_into().unwrap()).unwrap(),
        Signal::KILL,
    )
    .unwrap();
    let log = done.log.unwrap();
    assert!(log.starts_with("done\n[a process that left"), "{log}");
}

#[tokio::test]
async fn a_program_that_closed_its_pipes_is_still_waited_for() {
    let case = Case::sh("exec <&- >&- 2>&-; sleep 0.05; touch made");
    case.run().await.unwrap();
    assert!(case.folder.path().join("made").exists());
}

#[tokio::test]
async fn dropping_the_future_kills_the_group() {
    let case = announcing("trap '' TERM; sleep 1000 & a=$!", "$a", "wait");
    let call = case.call();
    let runner = CommandRunner::new(case.options.clone());
    let stop = Stop::new();
    let mut running = runner.run(&call, &stop);
    let pids = tokio::select! {
        ended = &mut running => panic!("it ended by itself: {ended:?}"),
        pids = case.pids("ids") => pids,
    };
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    drop(running);
    until_gone(&pids).await;
    // The leader is collected, too: nobody else could.
    until("the leader is collected", || {
        !fs::exists(format!("/proc/{}", pids[0])).unwrap()
    })
    .await;
}

#[tokio::test]
async fn asking_after_the_end_changes_nothing() {
    // The program has ended before anybody looks; then it succeeded, even though it is asked to stop at the same time.
    let case = announcing("", "", "exit 0");
    let call = case.call();
    let runner = CommandRunner::new(case.options.clone());
    let stop = Stop::new();
    let mut running = runner.run(&call, &stop);
    // The first poll starts it; from then on it is not looked at until it is a zombie.
    assert!(poll_once(&mut running).await.is_none());
    let leader = case.pids("ids").await[0];
    until("it has ended", || !is_alive(leader)).await;
    stop.ask();
    within_limit(running).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_do_not_mix() {
    let numbers: Vec<u32> = (0..40).collect();
    let cases: Vec<Case> = numbers
        .iter()
        .map(|number| Case::sh(&format!("echo {number}; exit {}", number % 2)))
        .collect();
    let mut running = tokio::task::JoinSet::new();
    for (number, case) in numbers.into_iter().zip(cases) {
        running.spawn(async move { (number, case.run().await) });
    }
    while let Some(ended) = running.join_next().await {
        let (number, outcome) = ended.unwrap();
        let expected = Some(format!("{number}\n"));
        match outcome {
            Ok(done) => assert_eq!((number % 2, done.log), (0, expected)),
            Err(error) => assert_eq!((number % 2, error.log), (1, expected)),
        }
    }
}

/// The processes of one group.
fn members_of(group: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let fields = stat
            .rsplit_once(") ")
            .map(|(_, rest)| rest.split(' ').nth(2).map(str::to_owned));
        fields
            .flatten()
            .is_some_and(|field| field == group.to_string())
    })
    .collect()
}

/// Polls once; `None` while it is pending.
async fn poll_once<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    tokio::select! {
        biased;
        value = future => Some(value),
        () = std::future::ready(()) => None,
    }
}
