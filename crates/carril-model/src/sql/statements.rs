//! Where statements end: at semicolons, but not at those inside the body of a trigger, function or procedure.

use super::Statement;
use super::lexer::{Kind, Token};

/// All statements that have a token.
pub(super) fn split(tokens: &[Token]) -> Vec<Statement> {
    let mut statements = Vec::new();
    let mut start = 0;
    let mut body = Body::default();
    for (at, token) in tokens.iter().enumerate() {
        if start == at {
            body = Body::of(&tokens[start..]);
        }
        body.pass(&tokens[start..], at - start);
        if token.is_symbol(';') && body.depth == 0 {
            statements.extend(statement(tokens, start, at));
            start = at + 1;
        }
    }
    statements.extend(statement(tokens, start, tokens.len()));
    statements
}

fn statement(tokens: &[Token], start: usize, end: usize) -> Option<Statement> {
    let own = &tokens[start..end];
    let (first, last) = (own.first()?, own.last()?);
    let first_word = match &first.kind {
        Kind::Word(word) => word.to_ascii_uppercase(),
        _ => String::new(),
    };
    Some(Statement {
        range: first.range.start..last.range.end,
        first_word,
        tokens: start..end,
    })
}

/// How deep inside `BEGIN … END` the statement is. Only statements that create something with a body have one; there
/// `CASE … END` is told from `BEGIN … END`, and columns named `begin` or `end` from the words.
#[derive(Default)]
struct Body {
    possible: bool,
    depth: usize,
    cases: usize,
}

impl Body {
    fn of(statement: &[Token]) -> Self {
        let creates = statement
            .first()
            .is_some_and(|first| first.is_one_of(&["CREATE", "ALTER"]));
        let kind = statement.iter().skip(1).find(|token| {
            !token.is_one_of(&["OR", "REPLACE", "ALTER", "TEMP", "TEMPORARY", "CONSTRAINT"])
        });
        let possible = creates
            && kind
                .is_some_and(|kind| kind.is_one_of(&["TRIGGER", "FUNCTION", "PROCEDURE", "PROC"]));
        Self {
            possible,
            depth: 0,
            cases: 0,
        }
    }

    /// Takes the token at `at` of the statement into account.
    fn pass(&mut self, statement: &[Token], at: usize) {
        if !self.possible {
            return;
        }
        let token = &statement[at];
        let before = at.checked_sub(1).map(|before| &statement[before]);
        let after_semicolon = before.is_some_and(|before| before.is_symbol(';'));
        let opens = self.depth == 0
            || before.is_some_and(|before| {
                before.is_symbol(';') || before.is_one_of(&["BEGIN", "THEN", "ELSE", "DO"])
            });
        if token.is_word("BEGIN") && opens {
            self.depth += 1;
        } else if token.is_word("CASE") && !before.is_some_and(|before| before.is_word("END")) {
            self.cases += 1;
        } else if token.is_word("END") && self.cases > 0 && !after_semicolon {
            self.cases -= 1;
        } else if token.is_word("END") && after_semicolon && !closes_another(statement.get(at + 1))
        {
            self.depth = self.depth.saturating_sub(1);
            self.cases = 0;
        }
    }
}

/// Whether what follows `END` says that no `BEGIN` is closed.
fn closes_another(next: Option<&Token>) -> bool {
    next.is_some_and(|next| next.is_one_of(&["IF", "LOOP", "WHILE", "CASE", "REPEAT", "FOR"]))
}
