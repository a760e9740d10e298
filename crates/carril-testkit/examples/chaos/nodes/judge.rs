//! Waits until all has settled, and asks the rules.

use super::check::{self, Rule};
use super::ground::Ground;
use super::load::Load;
use super::place::{DATABASE, Failure, Place, WORKERS};
use super::report::Report;
use std::time::{Duration, Instant};

/// How long everything may take to come to its end once nothing breaks any more, beside four leases.
const QUIET: Duration = Duration::from_secs(60);
/// Rows of one rule that are told.
const TOLD_MAX: usize = 5;

/// Waits for the end of what a round launched, and judges it; `first` also has bugs planted.
///
/// # Errors
/// When the database cannot be asked.
pub(crate) fn round(
    place: &mut Place,
    load: &mut Load,
    first: bool,
    report: &mut Report,
) -> Result<(), Failure> {
    let began = Instant::now();
    let limit = QUIET + place.lease * 4;
    let mut is_over = false;
    while !is_over && began.elapsed() < limit {
        place.pass(Duration::from_millis(100))?;
        is_over = load.is_over(place)? && has_settled(place)?;
    }
    report.longest_quiet = report.longest_quiet.max(began.elapsed());
    place.note("quiet", &format!("after {:?}", began.elapsed()))?;
    for wrong in load.wrong.drain(..).chain(place.fallen.drain(..)) {
        report.wrong(wrong);
    }
    if !is_over {
        let left = place.ask(
            "select state, cause, count(*) from carril.execution where state < 3 group by 1, 2",
        )?;
        report.wrong(format!("not everything ended within {limit:?}: {left}"));
        return Ok(());
    }
    acknowledged(place, load, report)?;
    ask(place, check::SETTLED, report)?;
    if first && report.is_well() {
        plant(place, check::SETTLED, report)?;
    }
    count(place, report)
}

/// Ends all workers, who must do it by themselves, and looks what they left.
///
/// # Errors
/// When the database cannot be asked.
pub(crate) fn end(place: &mut Place, report: &mut Report) -> Result<(), Failure> {
    for worker in &place.workers {
        worker.signal("TERM");
    }
    let began = Instant::now();
    let mut left = WORKERS;
    while left > 0 && began.elapsed() < Duration::from_secs(30) {
        std::thread::park_timeout(Duration::from_millis(50));
        for number in 0..place.workers.len() {
            let Some(status) = place.workers[number].ended()? else {
                continue;
            };
            left -= 1;
            if !status.success() {
                let last = place.workers[number].last_word();
                let worker = number + 1;
                report.wrong(format!(
                    "worker {worker}, told to end, ended with {status}: {last}"
                ));
            }
        }
    }
    if left > 0 {
        report.wrong(format!("{left} workers did not end when they were told to"));
        return Ok(());
    }
    if report.is_well() {
        // A network that has forgotten connections keeps them on the server's side until that gives them up, which is hours.
        for worker in place.workers.iter().chain([&place.launching]) {
            worker.line.cut();
        }
        // A pooler keeps its own connections.
        if let Ground::Pooler(_, pooler) = &mut place.server {
            pooler.kill();
        }
        // The server notices a moment later that its clients are gone.
        let gone = "select count(*) from pg_stat_activity where usename = 'carril'";
        while place.number(gone)? > 0 && began.elapsed() < Duration::from_secs(40) {
            std::thread::park_timeout(Duration::from_millis(50));
        }
        ask(place, check::ALONE, report)?;
        plant(place, check::ALONE, report)?;
    }
    Ok(())
}

/// Whether nothing is unfinished, and every engine that is gone was noticed.
fn has_settled(place: &Place) -> Result<bool, Failure> {
    let unfinished = format!(
        "select (select count(*) from carril.process where state < 3) + (select count(*) from carril.execution where state < 3) \
         + abs((select count(*) from carril.node where left_at is null) - {WORKERS})"
    );
    Ok(place.number(&unfinished)? == 0)
}

/// What was said to have ended well is there, once.
fn acknowledged(place: &Place, load: &Load, report: &mut Report) -> Result<(), Failure> {
    for key in &load.done {
        let sql = format!(
            "select count(*) from carril.process where idempotency_key = '{key}' and state = 3"
        );
        if place.number(&sql)? != 1 {
            report.wrong(format!(
                "launch {key} was said to have ended well, and did not"
            ));
        }
    }
    Ok(())
}

fn ask(place: &Place, rules: &[Rule], report: &mut Report) -> Result<(), Failure> {
    for rule in rules {
        report.rules += 1;
        // A rule that cannot be asked is broken, too: a table that everything made is not there.
        let faults = place.ask(rule.faults);
        let faults = faults.unwrap_or_else(|error| error.to_string());
        for fault in faults.lines().take(TOLD_MAX) {
            report.wrong(format!("{}: {fault}", rule.name));
        }
    }
    Ok(())
}

/// Puts a bug into what is right, for each rule, and sees that it is told.
fn plant(place: &Place, rules: &[Rule], report: &mut Report) -> Result<(), Failure> {
    for rule in rules.iter().filter(|rule| !rule.bug.is_empty()) {
        let sql = format!("begin; {}; {}; rollback", rule.bug, rule.faults);
        let said = place.server.sql(DATABASE, &sql)?;
        if said.trim().is_empty() {
            report.wrong(format!("a planted bug is not told: {}", rule.name));
        }
    }
    Ok(())
}

fn count(place: &Place, report: &mut Report) -> Result<(), Failure> {
    report.processes = place.number("select count(*) from carril.process")?;
    report.executions = place.number("select count(*) from carril.execution")?;
    report.attempts = place.number("select count(*) from carril.step where attempt > 0")?;
    report.in_vain =
        place.number("select count(*) from carril.step where attempt > 0 and state <> 2")?;
    report.engines = place.number("select count(*) from carril.node")?;
    Ok(())
}
