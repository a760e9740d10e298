//! The reference's page of commands and flags is made from the program's own help, so that none is missing and none is invented.

use super::super::Arguments;
use clap::{Arg, Command, CommandFactory as _};
use std::fmt::Write as _;

const HEAD: &str = "\
# Commands and flags

Made from the program's own help by its test; do not edit. What the commands do, and what they print, is in [the command line](cli.md), with
the flags that every command takes.
";

/// A text as a cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace('|', "\\|")
}

fn named(argument: &Arg) -> String {
    let value = argument
        .get_value_names()
        .and_then(|names| names.first())
        .map(ToString::to_string);
    let many = if argument
        .get_num_args()
        .is_some_and(|range| range.max_values() > 1)
    {
        "…"
    } else {
        ""
    };
    match (argument.get_long(), value) {
        (None, value) => format!("`{}{many}`", value.unwrap_or_default()),
        (Some(long), value) => {
            let short = argument
                .get_short()
                .map_or_else(String::new, |short| format!("`-{short}`, "));
            let value = value
                .filter(|_| argument.get_action().takes_values())
                .map_or_else(String::new, |value| format!(" {value}"));
            format!("{short}`--{long}{value}`")
        }
    }
}

fn meaning(argument: &Arg) -> String {
    let help = argument.get_long_help().or_else(|| argument.get_help());
    let mut text = cell(&help.map(ToString::to_string).unwrap_or_default());
    let values: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|_| argument.get_action().takes_values())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !values.is_empty() {
        let _ = write!(text, ": {}", values.join(", "));
    }
    text
}

fn section(command: &Command, path: &str, out: &mut String) {
    let own: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| !argument.is_global_set() && !argument.is_hide_set())
        .filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
        .collect();
    let inner: Vec<&Command> = command
        .get_subcommands()
        .filter(|inner| !inner.is_hide_set() && inner.get_name() != "help")
        .collect();
    let about = command.get_about().map(ToString::to_string);
    let _ = write!(out, "\n## `{path}`\n\n{}.\n", about.unwrap_or_default());
    if !own.is_empty() {
        out.push_str("\n| argument or flag | meaning | default |\n|---|---|---|\n");
    }
    for argument in own {
        let defaults: Vec<String> = argument
            .get_default_values()
            .iter()
            .map(|value| format!("`{}`", value.to_string_lossy()))
            .filter(|_| argument.get_action().takes_values())
            .collect();
        let default = match (defaults.is_empty(), argument.is_required_set()) {
            (false, _) => defaults.join(", "),
            (true, true) => "required".to_owned(),
            (true, false) => String::new(),
        };
        let _ = writeln!(
            out,
            "| {} | {} | {default} |",
            named(argument),
            meaning(argument)
        );
    }
    for inner in inner {
        section(inner, &format!("{path} {}", inner.get_name()), out);
    }
}

#[test]
fn the_reference_has_every_command_and_flag() {
    let mut known = Arguments::command();
    known.build();
    let mut wanted = HEAD.to_owned();
    for command in known.get_subcommands() {
        if !command.is_hide_set() && command.get_name() != "help" {
            section(
                command,
                &format!("carril {}", command.get_name()),
                &mut wanted,
            );
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/flags.md");
    if std::env::var_os("CARRIL_BLESS").is_some() {
        std::fs::write(path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/reference/flags.md is stale: run this test with CARRIL_BLESS=1"
    );
}
