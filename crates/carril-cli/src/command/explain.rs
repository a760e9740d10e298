//! `carril explain CODE`: what an error means and what would be right, without a network; `carril completions SHELL`.

use crate::arguments::{Arguments, Completions, Explain};
use crate::context::Context;
use crate::embedded::{ERRORS, File};
use crate::exit::Exit;
use crate::failure::Failure;
use clap::CommandFactory as _;
use serde::Serialize;

#[derive(Debug, Serialize)]
struct Shape {
    code: &'static str,
    title: &'static str,
    text: &'static str,
}

impl Shape {
    fn of((code, page): &File) -> Self {
        let (title, text) = parts(page);
        Self { code, title, text }
    }
}

/// Explains.
pub(crate) fn explain(context: &Context, arguments: &Explain) -> Result<Exit, Failure> {
    let Some(code) = &arguments.code else {
        if context.output.json() {
            let all: Vec<Shape> = ERRORS.iter().map(Shape::of).collect();
            context.output.line(&all)?;
            return Ok(Exit::Ok);
        }
        for (code, page) in ERRORS {
            context.output.data(&format!("{code}  {}", parts(page).0))?;
        }
        return Ok(Exit::Ok);
    };
    let wanted = normal(code);
    let Some(found) = ERRORS.iter().find(|(code, _)| *code == wanted) else {
        let message = format!("there is no error {code}");
        return Err(
            Failure::usage(message).help("`carril explain` without a code lists all of them")
        );
    };
    let shape = Shape::of(found);
    if context.output.json() {
        context.output.line(&shape)?;
    } else {
        let Shape { code, title, text } = shape;
        context.output.data(&format!("{code}: {title}\n\n{text}"))?;
    }
    Ok(Exit::Ok)
}

/// `0404`, `car0404` and `CAR0404` mean the same.
fn normal(code: &str) -> String {
    let code = code.trim().to_ascii_uppercase();
    match code.strip_prefix("CAR") {
        Some(_) => code,
        None => format!("CAR{code:0>4}"),
    }
}

/// Title and text of a page, which begins with `# CARnnnn: title`.
fn parts(page: &'static str) -> (&'static str, &'static str) {
    let (head, text) = page.split_once('\n').unwrap_or((page, ""));
    let title = head.split_once(": ").map_or(head, |(_, title)| title);
    (title, text.trim())
}

/// Writes what a shell needs to complete commands and flags.
pub(crate) fn completions(context: &Context, arguments: &Completions) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "carril",
        &mut script,
    );
    let script = String::from_utf8(script)
        .map_err(|_| Failure::internal("the completions are not UTF-8"))?;
    context.output.data(script.trim_end())?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests;
