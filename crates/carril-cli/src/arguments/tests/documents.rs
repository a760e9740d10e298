//! Every command that a document shows is one that this program takes, with flags that it has.

use super::super::Arguments;
use clap::{CommandFactory as _, Parser as _, error::ErrorKind};
use std::path::{Path, PathBuf};

/// The documents that people read, with their texts.
fn documents() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = vec![
        root.join("README.md"),
        root.join("examples/funds/README.md"),
    ];
    for folder in ["guide", "reference", "operations", "errors"] {
        let files = std::fs::read_dir(root.join("docs").join(folder)).unwrap();
        found.extend(files.map(|file| file.unwrap().path()));
    }
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path, text)
    };
    found.into_iter().map(read).collect()
}

/// The words of a shell line up to its comment, its pipe or its end.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for sign in line.replace("$(", "\u{1}").chars() {
        match (quote, sign) {
            // What a shell puts in by running it is one word, whatever is in it.
            (None, '\u{1}') => quote = Some(')'),
            (Some(open), _) if open == sign => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(sign),
            (None, '\'' | '"') => {
                quote = Some(sign);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, '|' | '>' | ';' | '&' | '<') => break,
            (None, ' ') => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(sign),
        }
    }
    words.extend(word);
    words
}

/// What is left of a line that calls this program, `None` for other lines.
fn call(line: &str) -> Option<&str> {
    let line = line.trim_start().trim_start_matches("$ ");
    let programs = ["carril ", "cargo run --release -- ", "cargo run -- "];
    programs
        .iter()
        .find_map(|program| line.strip_prefix(program))
}

#[test]
fn every_call_in_a_block_is_taken() {
    let mut seen = 0;
    for (path, text) in documents() {
        let mut block = None;
        for line in text.lines() {
            if let Some(kind) = line.strip_prefix("```") {
                block = if block.is_some() {
                    None
                } else {
                    Some(kind.to_owned())
                };
                continue;
            }
            let is_shell = matches!(block.as_deref(), Some("sh" | "console"));
            let is_input = block.as_deref() == Some("sh") || line.starts_with("$ ");
            let Some(rest) = call(line).filter(|_| is_shell && is_input) else {
                continue;
            };
            seen += 1;
            let arguments = std::iter::once("carril".to_owned()).chain(words(rest));
            if let Err(error) = Arguments::try_parse_from(arguments)
                && !matches!(
                    error.kind(),
                    ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
                )
            {
                panic!("{}: `{line}`: {error}", path.display());
            }
        }
    }
    assert!(seen > 50, "only {seen} calls were found");
}

/// In running text a call has placeholders, so that only its command and its flags can be looked up.
#[test]
fn every_call_in_a_sentence_names_a_command_and_its_flags() {
    let mut known = Arguments::command();
    known.build();
    let mut seen = 0;
    for (path, text) in documents() {
        let calls = text.split('`').skip(1).step_by(2);
        for text in calls.filter_map(call) {
            let words = words(text);
            let mut command = &known;
            for word in &words {
                if let Some(found) = command.find_subcommand(word) {
                    command = found;
                }
            }
            let Some(first) = words.first().filter(|word| !word.contains(['…', '[', '-'])) else {
                continue;
            };
            if first.chars().all(|sign| sign.is_ascii_uppercase()) {
                continue;
            }
            seen += 1;
            let place = path.display();
            assert!(
                known.find_subcommand(first).is_some(),
                "{place}: `carril {text}`: there is no `{first}`"
            );
            for flag in words.iter().filter_map(|word| word.strip_prefix("--")) {
                let name = flag.split(['=', '…']).next().unwrap_or(flag);
                let has = command
                    .get_arguments()
                    .any(|known| known.get_long() == Some(name));
                assert!(
                    has || ["help", "version", ""].contains(&name),
                    "{place}: `carril {text}`: `{}` has no --{name}",
                    command.get_name()
                );
            }
        }
    }
    assert!(seen > 100, "only {seen} calls were found");
}
