//! The only part that touches minijinja's unstable machinery: text to code, code to value.
//!
//! minijinja compiles only what it has parsed itself, and none of its modes for undefined values is Ansible's. So the
//! text is parsed here, its tree is rewritten ([`rewrite`]) and the code is made and run here.

mod blame;
mod calls;
mod rewrite;
mod statements;
mod tolerant;
mod vaulted;

pub(super) use blame::{blame, tolerant_source};
pub(super) use tolerant::chain;
pub(super) use vaulted::refused as refused_as_written;

use super::error::into_jinja;
use super::world::World;
use rewrite::Dialect;

/// The function that finds another template; see [`super::files`].
pub(super) const FIND: &str = "\u{0}find";

use super::native::Printed;
/// The function that [`tolerant_source`] puts in place of a chain that may be undefined.
pub(super) const CHAIN: &str = "mainstay__chain";

use minijinja::machinery::{self, CodeGenerator, Instruction, Instructions, ast};
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
    /// Its constants had their backslashes doubled; offsets lead back by [`super::escape::original`].
    pub(super) is_escaped: bool,
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

/// Compiles one expression that stands in a template.
pub(super) fn expression(source: &str, at: usize) -> Result<Code, Error> {
    expression_in(Dialect { mutates: mutates(source), ..Dialect::default() }, source, at)
}

/// Compiles a condition.
pub(super) fn condition(source: &str) -> Result<Code, Error> {
    expression_in(Dialect { embeds: true, ..Dialect::default() }, source, 0)
}

fn expression_in(dialect: Dialect, source: &str, at: usize) -> Result<Code, Error> {
    machinery::parse_expr(source)?;
    let source = keep(source);
    let tree = dialect.strict(&machinery::parse_expr(source)?);
    let mut generator = CodeGenerator::new("<expression>", source);
    generator.compile_expr(&tree);
    let (instructions, blocks) = generator.finish();
    let syntax = SyntaxConfig::default();
    Ok(Code {
        instructions,
        blocks,
        source,
        kind: Kind::Expression { at },
        syntax,
        size_hint: 0,
        is_escaped: false,
    })
}

/// Compiles a text with templates.
pub(super) fn template(source: &str, syntax: &SyntaxConfig) -> Result<Code, Error> {
    machinery::parse(source, "<template>", syntax.clone())?;
    let source = keep(source);
    let encloses = source.contains("macro") || source.contains("call");
    let dialect = Dialect { mutates: mutates(source), encloses, embeds: false };
    let tree = dialect.statement(&machinery::parse(source, "<template>", syntax.clone())?);
    let mut generator = CodeGenerator::new("<template>", source);
    generator.compile_stmt(&tree);
    let size_hint = generator.buffer_size_hint();
    let (instructions, blocks) = generator.finish();
    let syntax = syntax.clone();
    Ok(Code {
        instructions,
        blocks,
        source,
        kind: Kind::Template,
        syntax,
        size_hint,
        is_escaped: false,
    })
}

/// Whether a text calls a method that changes a list or dictionary.
fn mutates(source: &str) -> bool {
    super::mutable::METHODS.iter().any(|method| {
        source.match_indices(method).any(|(at, _)| {
            let before = source.get(..at).unwrap_or_default().trim_end();
            let after = source.get(at + method.len()..).unwrap_or_default().trim_start();
            before.ends_with('.') && after.starts_with('(')
        })
    })
}

/// A template inside a string constant of a condition.
fn embedded(state: &State<'_, '_>, text: &str) -> Result<Jinja, Error> {
    let world = World::of(state)?;
    world.engine.embedded(text, &world).map_err(|e| into_jinja(e, None))
}

fn keep(source: &str) -> &'static str {
    Box::leak(source.to_owned().into_boxed_str())
}

impl Code {
    /// The same, of a text whose backslashes were doubled.
    pub(super) fn escaped(self) -> Self {
        Self { is_escaped: true, ..self }
    }

    /// The names of the filters (true) and tests (false) it uses.
    pub(super) fn filters_and_tests(&self) -> Vec<(&str, bool)> {
        let mut names = Vec::new();
        for instructions in std::iter::once(&self.instructions).chain(self.blocks.values()) {
            let mut at = 0;
            while let Some(instruction) = instructions.get(at) {
                match instruction {
                    Instruction::ApplyFilter(name, _, _) => names.push((*name, true)),
                    Instruction::PerformTest(name, _, _) => names.push((*name, false)),
                    _ => {}
                }
                at += 1;
            }
        }
        names
    }

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
