//! A Rust file as the checks see it: its tokens, its comments, its functions, the modules it declares.
//!
//! Rules look at tokens rather than at text, so that a word in a string or a comment is not taken for code, and code
//! inside a macro call is not missed. Each token knows whether it stands in test code. Nothing here judges.

use std::ops::Range;

use anyhow::Result;

mod outline;
mod scan;
#[cfg(test)]
mod tests;

/// What a token is, as far as the rules care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword.
    Word,
    /// One character of punctuation, a bracket included.
    Sign,
    /// A string literal; the token's text is its value.
    Text,
    /// Any other literal.
    Literal,
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    /// The line it starts at, counted from 1.
    pub(crate) line: usize,
    /// Whether it stands in an item that only tests compile.
    pub(crate) in_test: bool,
}

/// One line of a comment, doc comments included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comment {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// A path as written, `tokio::spawn`, or brought in by `use`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PathUse {
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    pub(crate) in_test: bool,
}

/// A function with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// Lines from the one with `fn` to the one with the last brace.
    pub(crate) lines: usize,
    pub(crate) in_test: bool,
}

/// A `mod name;`, whose content is in another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    /// The inline modules around it, outermost first, and its own name last.
    pub(crate) names: Vec<String>,
    /// The file named by `#[path]`.
    pub(crate) path: Option<String>,
    pub(crate) line: usize,
}

/// What a file is for, which decides the rules it is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Code that a user's machine runs.
    Production,
    /// Tests, in a file of their own.
    Test,
    /// Code for the project's own use: the test kit, benchmarks, these checks.
    Support,
}

/// One Rust file, read.
#[derive(Clone, Debug)]
pub(crate) struct RustFile {
    /// The path from the root of the repository.
    pub(crate) path: String,
    pub(crate) role: Role,
    /// Lines in the file.
    pub(crate) lines: usize,
    /// Lines of items that only tests compile.
    pub(crate) test_lines: usize,
    pub(crate) tokens: Vec<Token>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) paths: Vec<PathUse>,
    pub(crate) functions: Vec<Function>,
    pub(crate) modules: Vec<Declared>,
    /// Inline modules that only tests compile, by name and line.
    pub(crate) inline_tests: Vec<(String, usize)>,
}

impl RustFile {
    /// Reads `text` as the file at `path`.
    ///
    /// # Errors
    ///
    /// When the text is not Rust.
    pub(crate) fn parse(path: &str, text: &str) -> Result<Self> {
        let outline = outline::read(text)?;
        let in_test = |place: &Range<usize>| {
            outline
                .tests
                .iter()
                .any(|range| range.contains(&place.start))
        };
        let scanned = scan::scan(text, in_test)?;
        let role = role(path);
        let mut paths = scanned.paths;
        paths.extend(outline.uses);
        Ok(Self {
            path: path.to_owned(),
            role,
            lines: text.lines().count(),
            test_lines: outline.test_lines,
            tokens: scanned.tokens,
            comments: scanned.comments,
            paths,
            functions: outline.functions,
            modules: outline.modules,
            inline_tests: outline.inline_tests,
        })
    }

    /// Returns the name of the folder under `crates/` or `examples/` that the file is in.
    pub(crate) fn package(&self) -> &str {
        package(&self.path)
    }

    /// Tells whether a token or path with this mark is test code.
    pub(crate) fn is_test(&self, in_test: bool) -> bool {
        in_test || self.role == Role::Test
    }
}

/// Returns the name of the folder under `crates/` or `examples/` that `path` is in, or nothing.
pub(crate) fn package(path: &str) -> &str {
    let mut parts = path.split('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("crates" | "examples"), Some(name), Some(_)) => name,
        _ => "",
    }
}

/// Tells from a path what the file is for.
fn role(path: &str) -> Role {
    let name = crate::tree::file_name(path);
    let inside: Vec<&str> = path.split('/').skip(2).collect();
    if inside.contains(&"tests") || name == "tests.rs" || name.ends_with("_tests.rs") {
        Role::Test
    } else if matches!(package(path), "xtask" | "carril-testkit")
        || inside
            .first()
            .is_some_and(|folder| matches!(*folder, "examples" | "benches"))
    {
        Role::Support
    } else {
        Role::Production
    }
}
