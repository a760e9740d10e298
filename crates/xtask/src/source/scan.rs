//! Tokens, comments and paths of a Rust text.
//!
//! `proc_macro2` gives the tokens with their places; what lies between two tokens is a comment. Doc comments arrive
//! as `#[doc = "…"]` whose place is that of the comment, which tells them from an attribute that somebody wrote.

use std::ops::Range;
use std::str::FromStr as _;

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Group, Literal, Span, TokenStream, TokenTree};

use super::{Comment, Kind, PathUse, Token};

/// What a text is made of.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    pub(super) tokens: Vec<Token>,
    pub(super) comments: Vec<Comment>,
    pub(super) paths: Vec<PathUse>,
}

/// Scans `text`; `in_test` tells of a byte range whether it is test code.
pub(super) fn scan(text: &str, in_test: impl Fn(&Range<usize>) -> bool) -> Result<Scanned> {
    // `proc_macro2` counts bytes from behind the byte order mark, so a file that has one is scanned without it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let stream = TokenStream::from_str(text).map_err(|error| anyhow!("{error}"))?;
    let mut scanner = Scanner {
        text,
        in_test,
        scanned: Scanned::default(),
        end: 0,
        line: 1,
    };
    scanner.stream(stream);
    scanner.comments_until(text.len());
    let mut scanned = scanner.scanned;
    scanned.paths = paths(&scanned.tokens);
    Ok(scanned)
}

struct Scanner<'text, InTest> {
    text: &'text str,
    in_test: InTest,
    scanned: Scanned,
    /// The byte behind the last token.
    end: usize,
    /// The line of that byte.
    line: usize,
}

impl<InTest: Fn(&Range<usize>) -> bool> Scanner<'_, InTest> {
    fn stream(&mut self, stream: TokenStream) {
        let mut trees = stream.into_iter().peekable();
        while let Some(tree) = trees.next() {
            if self.is_doc_comment(&tree) {
                self.doc_comment(tree.span());
                // The `!` of an inner one, and the brackets, have the comment's place too.
                trees.next_if(
                    |next| matches!(next, TokenTree::Punct(sign) if sign.as_char() == '!'),
                );
                trees.next_if(|next| matches!(next, TokenTree::Group(_)));
                continue;
            }
            match tree {
                TokenTree::Group(group) => self.group(&group),
                TokenTree::Ident(word) => self.push(Kind::Word, word.to_string(), word.span()),
                TokenTree::Punct(sign) => {
                    self.push(Kind::Sign, sign.as_char().to_string(), sign.span());
                }
                TokenTree::Literal(literal) => self.literal(literal),
            }
        }
    }

    fn group(&mut self, group: &Group) {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::None => return self.stream(group.stream()),
        };
        self.push(Kind::Sign, open.to_owned(), group.span_open());
        self.stream(group.stream());
        self.push(Kind::Sign, close.to_owned(), group.span_close());
    }

    fn literal(&mut self, literal: Literal) {
        let span = literal.span();
        let written = literal.to_string();
        match syn::Lit::new(literal) {
            syn::Lit::Str(text) => self.push(Kind::Text, text.value(), span),
            _ => self.push(Kind::Literal, written, span),
        }
    }

    fn push(&mut self, kind: Kind, text: String, span: Span) {
        let place = span.byte_range();
        self.comments_until(place.start);
        let in_test = (self.in_test)(&place);
        self.scanned.tokens.push(Token {
            kind,
            text,
            line: span.start().line,
            in_test,
        });
        self.end = place.end;
        self.line = span.end().line;
    }

    fn is_doc_comment(&self, tree: &TokenTree) -> bool {
        let written = &self.text[tree.span().byte_range()];
        matches!(tree, TokenTree::Punct(_))
            && (written.starts_with("//") || written.starts_with("/*"))
    }

    fn doc_comment(&mut self, span: Span) {
        let place = span.byte_range();
        self.comments_until(place.end);
        self.end = place.end;
        self.line = span.end().line;
    }

    /// Keeps what lies between the last token and `start`, which can only be comments.
    fn comments_until(&mut self, start: usize) {
        let between = self.text.get(self.end..start).unwrap_or("");
        for (index, line) in between.split('\n').enumerate() {
            if !line.trim().is_empty() {
                let comment = Comment {
                    line: self.line + index,
                    text: line.trim().to_owned(),
                };
                self.scanned.comments.push(comment);
            }
        }
    }
}

/// Returns every `a::b::c` of the tokens; a single name is no path.
fn paths(tokens: &[Token]) -> Vec<PathUse> {
    let is_colons = |index: usize| {
        tokens[index..].len() >= 3
            && tokens[index].text == ":"
            && tokens[index + 1].text == ":"
            && tokens[index].kind == Kind::Sign
            && tokens[index + 2].kind == Kind::Word
    };
    let mut found = Vec::new();
    let mut index = 0;
    while index < tokens.len() {
        let first = &tokens[index];
        index += 1;
        if first.kind != Kind::Word {
            continue;
        }
        let mut segments = vec![first.text.clone()];
        while index < tokens.len() && is_colons(index) {
            segments.push(tokens[index + 2].text.clone());
            index += 3;
        }
        if segments.len() > 1 {
            found.push(PathUse {
                segments,
                line: first.line,
                in_test: first.in_test,
            });
        }
    }
    found
}
