//! The guide's first pipeline, done as it says: its files are written, its commands are run, and what it shows is what comes.
//!
//! `…` stands for anything: within a line, or as a line of its own. What is cut short by Ctrl-C and asked from a second
//! terminal is tested elsewhere; it is left out here, with what depends on it.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

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

/// Runs one command as a reader of the guide would, and gives what the terminal shows.
fn typed(folder: &Path, command: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_carril")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &format!("{command} 2>&1")])
        .current_dir(folder)
        .env("PATH", path)
        .env("NO_COLOR", "1")
        .env("CI", "1")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// What a session shows that is not so.
fn wrong(folder: &Path, session: &str) -> String {
    let mut wrong = String::new();
    for part in session.split("$ ").skip(1) {
        let (command, shown) = part.split_once('\n').unwrap_or((part, ""));
        let came = typed(folder, command);
        let lines = |text| -> Vec<&str> { str::lines(text).collect() };
        // The progress of a run on a slow machine, which the guide does not show.
        let came: Vec<&str> = lines(&came)
            .into_iter()
            .filter(|line| !line.contains(" running ·"))
            .collect();
        if !fits(&lines(shown.trim_end()), &came) {
            let came = came.join("\n");
            writeln!(wrong, "$ {command}\nshown:\n{shown}\ncame:\n{came}\n").unwrap();
        }
    }
    wrong
}

#[test]
fn the_first_pipeline_goes_as_the_guide_says() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/first-pipeline.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let (guide, _) = guide.split_once(END).expect("that section is there");
    let folder = tempfile::tempdir().unwrap();
    let mut told = String::new();
    let mut sessions = 0;
    for block in blocks(guide) {
        if block.language == "console" {
            sessions += 1;
            told.push_str(&wrong(folder.path(), block.text));
            continue;
        }
        let name = file_of(&block).expect("the sentence before a file names it");
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, block.text).unwrap();
    }
    assert!(sessions >= 6, "only {sessions} sessions were found");
    assert!(told.is_empty(), "{told}");
}

#[test]
fn what_the_store_reference_asks_is_answered() {
    let reference = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/store.md");
    let reference = std::fs::read_to_string(reference).unwrap();
    let bench = crate::place::bench();
    bench.run(&["run"]).with(0);
    let questions: Vec<&str> = reference
        .lines()
        .filter_map(|line| line.strip_prefix("$ carril sql "))
        .collect();
    assert!(questions.len() >= 3, "{questions:?}");
    for question in questions {
        bench.run(&["sql", question.trim_matches('"')]).with(0);
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
