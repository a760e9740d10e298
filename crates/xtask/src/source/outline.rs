//! The outline of a Rust text, from its syntax tree: functions, modules, `use` lines, and which items are tests.
//!
//! Code inside macro calls is not in the tree; whoever looks for calls looks at the tokens instead.

use std::ops::Range;

use anyhow::{Result, anyhow};
use proc_macro2::Span;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::{Declared, Function, PathUse};

/// What the tree tells of a text.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) functions: Vec<Function>,
    pub(super) modules: Vec<Declared>,
    pub(super) uses: Vec<PathUse>,
    /// The byte ranges of items that only tests compile.
    pub(super) tests: Vec<Range<usize>>,
    pub(super) test_lines: usize,
    pub(super) inline_tests: Vec<(String, usize)>,
}

/// Reads the outline of `text`.
pub(super) fn read(text: &str) -> Result<Outline> {
    let file = syn::parse_file(text)
        .map_err(|error| anyhow!("line {}: {error}", error.span().start().line))?;
    let mut reader = Reader {
        outline: Outline::default(),
        around: Vec::new(),
        in_test: false,
    };
    reader.visit_file(&file);
    Ok(reader.outline)
}

struct Reader {
    outline: Outline,
    /// The inline modules around the place that is read.
    around: Vec<String>,
    in_test: bool,
}

impl Reader {
    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let line = signature.fn_token.span.start().line;
        let last = block.brace_token.span.close().end().line;
        let name = signature.ident.to_string();
        self.outline.functions.push(Function {
            name,
            line,
            lines: last + 1 - line,
            in_test: self.in_test,
        });
    }

    /// Reads inside an item, which is test code when its attributes say so.
    fn within(&mut self, attributes: &[syn::Attribute], span: Span, read: impl FnOnce(&mut Self)) {
        let before = self.in_test;
        if !before && attributes.iter().any(is_for_tests) {
            self.in_test = true;
            self.outline.tests.push(span.byte_range());
            self.outline.test_lines += span.end().line + 1 - span.start().line;
        }
        read(self);
        self.in_test = before;
    }

    fn module(&mut self, module: &syn::ItemMod) {
        let name = module.ident.to_string();
        let line = module.mod_token.span.start().line;
        self.around.push(name.clone());
        if module.content.is_none() {
            let path = module.attrs.iter().find_map(path_of);
            self.outline.modules.push(Declared {
                names: self.around.clone(),
                path,
                line,
            });
        } else if module.attrs.iter().any(is_for_tests) {
            self.outline.inline_tests.push((name, line));
        }
        visit::visit_item_mod(self, module);
        self.around.pop();
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.within(&item.attrs, item.span(), |reader| {
            reader.function(&item.sig, &item.block);
            visit::visit_item_fn(reader, item);
        });
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.within(&item.attrs, item.span(), |reader| {
            reader.function(&item.sig, &item.block);
            visit::visit_impl_item_fn(reader, item);
        });
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.within(&item.attrs, item.span(), |reader| {
            visit::visit_item_impl(reader, item);
        });
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.within(&item.attrs, item.span(), |reader| reader.module(item));
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.within(&item.attrs, item.span(), |reader| {
            let line = item.use_token.span.start().line;
            let in_test = reader.in_test;
            for segments in flat(&item.tree) {
                reader.outline.uses.push(PathUse {
                    segments,
                    line,
                    in_test,
                });
            }
        });
    }
}

/// Returns the full path of every name that a `use` brings in; a renamed one under its true name.
fn flat(tree: &syn::UseTree) -> Vec<Vec<String>> {
    match tree {
        syn::UseTree::Path(path) => {
            let mut paths = flat(&path.tree);
            for segments in &mut paths {
                segments.insert(0, path.ident.to_string());
            }
            paths
        }
        syn::UseTree::Name(name) => vec![vec![name.ident.to_string()]],
        syn::UseTree::Rename(rename) => vec![vec![rename.ident.to_string()]],
        syn::UseTree::Glob(_) => vec![vec!["*".to_owned()]],
        syn::UseTree::Group(group) => group.items.iter().flat_map(flat).collect(),
    }
}

/// Tells whether an attribute makes an item test code: `cfg(test)`, `cfg(all(test, …))`, or `test` of any kind.
fn is_for_tests(attribute: &syn::Attribute) -> bool {
    if attribute
        .path()
        .segments
        .last()
        .is_some_and(|segment| segment.ident == "test")
    {
        return true;
    }
    if !attribute.path().is_ident("cfg") {
        return false;
    }
    let Ok(list) = attribute.meta.require_list() else {
        return false;
    };
    let written: String = list.tokens.to_string().split_whitespace().collect();
    written == "test" || written.starts_with("all(test,") || written == "all(test)"
}

/// Returns the file that `#[path = "…"]` names.
fn path_of(attribute: &syn::Attribute) -> Option<String> {
    let pair = attribute.meta.require_name_value().ok()?;
    match &pair.value {
        syn::Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Str(text),
            ..
        }) if pair.path.is_ident("path") => Some(text.value()),
        _ => None,
    }
}
