//! The only part that touches minijinja's unstable machinery: text to code, code to value.
//!
//! minijinja compiles only what it has parsed itself, and none of its modes for undefined values is Ansible's. So the
//! text is parsed here, its tree is rewritten ([`rewrite`]) and the code is made and run here.

mod blame;
mod rewrite;
mod tolerant;

pub(super) use blame::blame;

/// The function that finds another template; see [`super::files`].
pub(super) const FIND: &str = "\u{0}find";

use super::native::Printed;
use minijinja::machinery::{self, CodeGenerator, Instructions, ast};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, State, Value as Jinja};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A compiled expression or template. The text it was made of is kept for ever: only text that a person wrote is ever
/// compiled, so there is no more of it than there are playbooks, and the compiled code borrows it.
pub(super) struct Code {
    instructions: Instructions<'static>,
    blocks: BTreeMap<&'static str, Instructions<'static>>,
    /// The text that was compiled, for errors.
    pub(super) source: &'static str,
    /// How it was compiled.
    pub(super) kind: Kind,
    syntax: SyntaxConfig,
    size_hint: usize,
}

/// What a text is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// One expression; `at` is its offset in the text it stands in.
    Expression {
        /// In bytes.
        at: usize,
    },
    /// Text with templates in it.
    Template,
}

/// Compiles one expression.
pub(super) fn expression(source: &str, at: usize) -> Result<Code, Error> {
    machinery::parse_expr(source)?;
    let source = keep(source);
    let tree = rewrite::result(&machinery::parse_expr(source)?);
    let mut generator = CodeGenerator::new("<expression>", source);
    generator.compile_expr(&tree);
    let (instructions, blocks) = generator.finish();
    Ok(Code {
        instructions,
        blocks,
        source,
        kind: Kind::Expression { at },
        syntax: SyntaxConfig::default(),
        size_hint: 0,
    })
}

/// Compiles a text with templates.
pub(super) fn template(source: &str, syntax: &SyntaxConfig) -> Result<Code, Error> {
    machinery::parse(source, "<template>", syntax.clone())?;
    let source = keep(source);
    let tree = rewrite::statement(&machinery::parse(source, "<template>", syntax.clone())?);
    let mut generator = CodeGenerator::new("<template>", source);
    generator.compile_stmt(&tree);
    let size_hint = generator.buffer_size_hint();
    let (instructions, blocks) = generator.finish();
    Ok(Code {
        instructions,
        blocks,
        source,
        kind: Kind::Template,
        syntax: syntax.clone(),
        size_hint,
    })
}

fn keep(source: &str) -> &'static str {
    Box::leak(source.to_owned().into_boxed_str())
}

impl Code {
    /// Runs an expression.
    pub(super) fn value<'env>(
        &self,
        env: &'env Environment<'env>,
        root: Jinja,
    ) -> Result<Jinja, Error> {
        let mut nothing = String::new();
        let mut out = machinery::make_string_output(&mut nothing);
        let none = BTreeMap::new();
        let (value, _) =
            machinery::eval(env, &self.instructions, root, &none, &mut out, AutoEscape::None)?;
        Ok(value.unwrap_or(Jinja::UNDEFINED))
    }

    /// Runs a template: its text, and what was printed into it.
    pub(super) fn text<'env>(
        &self,
        env: &'env Environment<'env>,
        root: Jinja,
    ) -> Result<(String, Printed), Error> {
        let mut text = String::with_capacity(self.size_hint);
        let mut out = machinery::make_string_output(&mut text);
        let none = AutoEscape::None;
        let (_, mut state) =
            machinery::eval(env, &self.instructions, root, &self.blocks, &mut out, none)?;
        let printed = state.get_extension_mut::<Printed>().map(std::mem::take).unwrap_or_default();
        Ok((text, printed))
    }
}

/// The path of names that an expression is, if it is nothing else: `a.b['c']`.
pub(super) fn path(source: &str) -> Option<Vec<Arc<str>>> {
    fn walk(expr: &ast::Expr<'_>, path: &mut Vec<Arc<str>>) -> Option<()> {
        match expr {
            ast::Expr::Var(var) => path.push(Arc::from(var.id)),
            ast::Expr::GetAttr(get) => {
                walk(&get.expr, path)?;
                path.push(Arc::from(get.name));
            }
            ast::Expr::GetItem(get) => {
                walk(&get.expr, path)?;
                path.push(get.subscript_expr.as_const()?.to_str()?);
            }
            _ => return None,
        }
        Some(())
    }
    let mut names = Vec::new();
    walk(&machinery::parse_expr(source).ok()?, &mut names)?;
    Some(names)
}

/// Calls something that needs a state of the engine, outside of any template.
pub(super) fn with_state<'env, T>(
    env: &'env Environment<'env>,
    root: Jinja,
    call: impl FnOnce(&mut State<'_, 'env>) -> Result<T, Error>,
) -> Result<T, Error> {
    let nothing = Instructions::new("<lookup>", "");
    let (mut text, none) = (String::new(), BTreeMap::new());
    let mut out = machinery::make_string_output(&mut text);
    let (_, mut state) = machinery::eval(env, &nothing, root, &none, &mut out, AutoEscape::None)?;
    call(&mut state)
}
