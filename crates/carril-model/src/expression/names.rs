//! The names that an expression looks at, with their places, and what it must not do.
//!
//! Walks the syntax tree once, at compile time. `entity.a.b` and `entity["a"].b` are one name of three segments; a
//! subscript that is no fixed text ends the name before it.

use super::{ExpressionError, environment, error_at};
use minijinja::machinery::ast::{CallArg, Expr};
use std::ops::Range;

/// One use of a value in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// `["entity", "flag_ubs"]`.
    pub segments: Vec<String>,
    /// Its bytes in the expression's text.
    pub range: Range<usize>,
}

impl Name {
    /// The segments with dots between them.
    #[must_use]
    pub fn dotted(&self) -> String {
        self.segments.join(".")
    }
}

/// All names in the order of the text.
pub(super) fn of(source: &str) -> Result<Vec<Name>, ExpressionError> {
    let tree =
        minijinja::machinery::parse_expr(source).map_err(|error| error_at(&error, source))?;
    let mut walk = Walk {
        names: Vec::new(),
        error: None,
    };
    walk.expression(&tree);
    match walk.error {
        Some(error) => Err(error),
        None => {
            walk.names.sort_by_key(|name| name.range.start);
            Ok(walk.names)
        }
    }
}

struct Walk {
    names: Vec<Name>,
    /// The first mistake found.
    error: Option<ExpressionError>,
}

impl Walk {
    fn expression(&mut self, expression: &Expr<'_>) {
        if let Some(name) = chain(expression) {
            self.names.push(name);
            return;
        }
        match expression {
            Expr::Var(_) | Expr::Const(_) => {}
            Expr::Slice(slice) => {
                self.expression(&slice.expr);
                self.all(
                    [&slice.start, &slice.stop, &slice.step]
                        .into_iter()
                        .flatten(),
                );
            }
            Expr::UnaryOp(operation) => self.expression(&operation.expr),
            Expr::BinOp(operation) => self.all([&operation.left, &operation.right]),
            Expr::Compare(compare) => {
                self.expression(&compare.expr);
                self.all(compare.ops.iter().map(|operation| &operation.expr));
            }
            Expr::IfExpr(choice) => {
                self.all([&choice.test_expr, &choice.true_expr]);
                self.all(&choice.false_expr);
            }
            Expr::Filter(filter) => {
                self.must_exist("filter", filter.name, range(expression));
                self.all(&filter.expr);
                self.arguments(&filter.args);
            }
            Expr::Test(test) => {
                self.must_exist("test", test.name, range(expression));
                self.expression(&test.expr);
                self.arguments(&test.args);
            }
            Expr::GetAttr(attribute) => self.expression(&attribute.expr),
            Expr::GetItem(item) => self.all([&item.expr, &item.subscript_expr]),
            Expr::Call(_) => {
                self.refuse("expressions call no functions; a filter may do it, as in `entity.name | upper`".to_owned(), range(expression));
            }
            Expr::List(list) => self.all(&list.items),
            Expr::Tuple(tuple) => self.all(&tuple.items),
            Expr::Map(map) => {
                self.all(&map.keys);
                self.all(&map.values);
            }
        }
    }

    fn all<'a, 'b: 'a>(&mut self, expressions: impl IntoIterator<Item = &'a Expr<'b>>) {
        for expression in expressions {
            self.expression(expression);
        }
    }

    fn arguments(&mut self, arguments: &[CallArg<'_>]) {
        for argument in arguments {
            match argument {
                CallArg::Pos(value)
                | CallArg::Kwarg(_, value)
                | CallArg::PosSplat(value)
                | CallArg::KwargSplat(value) => {
                    self.expression(value);
                }
            }
        }
    }

    /// Jinja finds out about unknown filters and tests when they run; a pipeline must know before.
    fn must_exist(&mut self, kind: &str, name: &str, range: Range<usize>) {
        let question = if kind == "filter" {
            "name is filter"
        } else {
            "name is test"
        };
        let known = environment()
            .compile_expression(question)
            .and_then(|question| question.eval(minijinja::Value::from_pairs([("name", name)])))
            .is_ok_and(|answer| answer.is_true());
        if !known {
            self.refuse(format!("there is no {kind} `{name}`"), range);
        }
    }

    fn refuse(&mut self, message: String, range: Range<usize>) {
        if self.error.is_none() {
            self.error = Some(ExpressionError { message, range });
        }
    }
}

/// The name that the expression is, if it is nothing but one.
fn chain(expression: &Expr<'_>) -> Option<Name> {
    let (mut name, segment) = match expression {
        Expr::Var(variable) => {
            return Some(Name {
                segments: vec![variable.id.to_owned()],
                range: range(expression),
            });
        }
        Expr::GetAttr(attribute) => (chain(&attribute.expr)?, attribute.name.to_owned()),
        Expr::GetItem(item) => {
            let Expr::Const(constant) = &item.subscript_expr else {
                return None;
            };
            (chain(&item.expr)?, constant.value.as_str()?.to_owned())
        }
        _ => return None,
    };
    name.segments.push(segment);
    name.range.end = range(expression).end;
    Some(name)
}

fn range(expression: &Expr<'_>) -> Range<usize> {
    let span = expression.span();
    span.start_offset as usize..span.end_offset as usize
}
