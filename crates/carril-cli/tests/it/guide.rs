//! The guides that build something, done as they say: their files are written, their commands are run, and what they show is what
//! comes.
//!
//! `…` stands for anything: within a line, or as a line of its own. Where something runs in the background, a command that only looks
//! is typed until it shows what it should. What is cut short by Ctrl-C and asked from a second terminal is tested elsewhere; it is left
//! out here, with what depends on it.

use carril_testkit::postgres::Cluster;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const END: &str = "## A command, and Ctrl-C";

/// A fenced block: its language, the paragraph before it, its text.
struct Block<'a> {
    language: &'a str,
    before: &'a str,
    text: &'a str,
}

fn blocks(document: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut parts = document.split("```");
    let mut before = parts.next().unwrap();
    while let Some(block) = parts.next() {
        let after = parts.next();
        let (language, text) = block.split_once('\n').unwrap();
        found.push(Block {
            language,
            before,
            text,
        });
        before = after.unwrap_or("");
    }
    found
}

/// The file that a block is, when the sentence before it names one.
fn file_of<'a>(block: &Block<'a>) -> Option<&'a str> {
    let paragraph = block.before.trim_end().rsplit("\n\n").next()?;
    let names = paragraph.split('`').skip(1).step_by(2);
    let ending = match block.language {
        "python" => ".py",
        other => &format!(".{other}"),
    };
    names.filter(|name| name.ends_with(ending)).last()
}

/// Whether what came is what was shown.
fn fits(shown: &[&str], came: &[&str]) -> bool {
    match shown.split_first() {
        None => came.is_empty(),
        Some((line, rest)) if line.trim() == "…" => {
            (0..=came.len()).any(|skipped| fits(rest, &came[skipped..]))
        }
        Some((line, rest)) => came
            .split_first()
            .is_some_and(|(first, others)| line_fits(line, first) && fits(rest, others)),
    }
}

fn line_fits(shown: &str, came: &str) -> bool {
    let mut parts = shown.trim_end().split('…');
    let mut came = match parts
        .next()
        .map(|first| came.trim_end().strip_prefix(first))
    {
        Some(Some(rest)) => rest,
        _ => return false,
    };
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return came.ends_with(part);
        }
        match came.find(part) {
            Some(at) => came = &came[at + part.len()..],
            None => return false,
        }
    }
    came.is_empty()
}

/// What the reader's terminal has set besides; `PATH` is added to.
type Around<'a> = &'a [(&'a str, String)];

/// Runs one command as a reader of the guide would, and gives what the terminal shows.
fn typed(folder: &Path, command: &str, around: Around<'_>) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_carril")).parent().unwrap();
    let mut path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    for (name, value) in around {
        if *name == "PATH" {
            path = format!("{value}:{path}");
        } else {
            shell.env(name, value);
        }
    }
    let output = shell
        .args(["-c", &format!("{command} 2>&1")])
        .current_dir(folder)
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env("CI", "1")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// How long a look may take until it shows what it should, when something works in the background.
const LIMIT: Duration = Duration::from_secs(20);
/// How often it is looked at.
const GLANCE: Duration = Duration::from_millis(50);

/// Whether a command only looks, so that it can be typed again.
fn only_looks(command: &str) -> bool {
    let looks = ["why", "ps", "show", "resources", "trace"];
    command.starts_with("cat ")
        || command
            .strip_prefix("carril ")
            .and_then(|rest| rest.split(' ').next())
            .is_some_and(|name| looks.contains(&name))
}

/// What is wrong with a command of a session, if anything is.
fn mistake(folder: &Path, command: &str, shown: &str, around: Around<'_>) -> Option<String> {
    let shown: Vec<&str> = shown.trim_end().lines().collect();
    let began = Instant::now();
    loop {
        let said = typed(folder, command, around);
        // The progress of a run on a slow machine, which the guide does not show.
        let came: Vec<&str> = said
            .lines()
            .filter(|line| !line.contains(" running ·"))
            .collect();
        if fits(&shown, &came) {
            return None;
        }
        if !only_looks(command) || began.elapsed() > LIMIT {
            let (shown, came) = (shown.join("\n"), came.join("\n"));
            return Some(format!("$ {command}\nshown:\n{shown}\ncame:\n{came}\n"));
        }
        std::thread::park_timeout(GLANCE);
    }
}

/// What a session shows that is not so.
fn wrong(folder: &Path, session: &str, around: Around<'_>) -> String {
    let mut wrong = String::new();
    for part in session.split("$ ").skip(1) {
        let (command, shown) = part.split_once('\n').unwrap_or((part, ""));
        if let Some(mistake) = mistake(folder, command, shown, around) {
            writeln!(wrong, "{mistake}").unwrap();
        }
    }
    wrong
}

/// A folder in which a guide is followed. What runs there in the background ends with it.
struct Desk(TempDir);

impl Drop for Desk {
    fn drop(&mut self) {
        let lock = std::fs::read_to_string(self.0.path().join("carril.db.lock"));
        let holder: Option<serde_json::Value> =
            lock.ok().and_then(|lock| serde_json::from_str(&lock).ok());
        let Some(id) = holder.and_then(|holder| holder["pid"].as_u64()) else {
            return;
        };
        // Numbers are given out again: only a program that works in this folder is meant.
        let works_in = std::fs::read_link(format!("/proc/{id}/cwd")).ok();
        if works_in.as_deref() == self.0.path().canonicalize().ok().as_deref() {
            let _ = Command::new("kill").args(["-9", &id.to_string()]).status();
        }
    }
}

/// Does what a guide says up to a heading, if one is given, and gives how many sessions there were.
#[track_caller]
fn follow(guide: &str, end: Option<&str>) -> usize {
    follow_with(guide, end, &[])
}

/// The same, where the reader's terminal has something set.
#[track_caller]
fn follow_with(guide: &str, end: Option<&str>, around: Around<'_>) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/guide")
        .join(guide);
    let text = std::fs::read_to_string(path).unwrap();
    let text = end.map_or(text.as_str(), |end| {
        text.split_once(end).expect("that section is there").0
    });
    let desk = Desk(TempDir::new().unwrap());
    let folder = desk.0.path();
    let mut told = String::new();
    let mut sessions = 0;
    for block in blocks(text) {
        if block.language == "console" {
            sessions += 1;
            told.push_str(&wrong(folder, block.text, around));
        } else if let Some(name) = file_of(&block) {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, block.text).unwrap();
        }
    }
    assert!(told.is_empty(), "{told}");
    sessions
}

#[test]
fn the_first_pipeline_goes_as_the_guide_says() {
    let sessions = follow("first-pipeline.md", Some(END));
    assert!(sessions >= 6, "only {sessions} sessions were found");
}

#[test]
fn waiting_goes_as_the_guide_says() {
    assert_eq!(follow("waiting.md", None), 4);
}

#[test]
fn resources_go_as_the_guide_says() {
    assert_eq!(follow("resources.md", None), 2);
}

#[test]
fn shared_tables_go_as_the_guide_says() {
    assert_eq!(follow("shared-tables.md", None), 4);
}

#[test]
fn who_blocks_me_goes_as_the_guide_says() {
    let cluster = Cluster::get();
    let database = cluster.database();
    let programs = cluster.programs().display().to_string();
    let around = [("WAREHOUSE", database.url()), ("PATH", programs)];
    assert_eq!(follow_with("who-blocks-me.md", None, &around), 4);
}

#[test]
fn old_history_comes_along_as_the_guide_says() {
    assert_eq!(follow("history.md", None), 5);
}

#[test]
fn a_simulation_goes_as_the_guide_says() {
    assert_eq!(follow("simulate.md", None), 1);
}

#[test]
fn what_the_references_ask_the_store_is_answered() {
    let bench = crate::place::bench();
    bench.run(&["run"]).with(0);
    for page in ["store.md", "time.md"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference");
        let reference = std::fs::read_to_string(path.join(page)).unwrap();
        let questions: Vec<&str> = reference
            .lines()
            .filter_map(|line| line.strip_prefix("$ carril sql "))
            .collect();
        assert!(questions.len() >= 3, "{page}: {questions:?}");
        for question in questions {
            bench.run(&["sql", question.trim_matches('"')]).with(0);
        }
    }
}

#[test]
fn anything_stands_for_anything_and_nothing_else_does() {
    assert!(fits(&["a … c", "…", "z"], &["a b c", "x", "y", "z"]));
    assert!(fits(&["a…"], &["a"]));
    assert!(!fits(&["a … c"], &["a b d"]));
    assert!(!fits(&["a"], &["a", "b"]));
    assert!(!fits(&["…", "z"], &["x"]));
}
