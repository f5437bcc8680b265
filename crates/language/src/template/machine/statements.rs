//! Statements of a template, rewritten: what is assigned may be undefined, and other templates are found by the site.

use super::FIND;
use super::rewrite::{Dialect, How, at, constant};
use minijinja::Value as Jinja;
use minijinja::machinery::ast::{self, CallArg, Expr, Spanned, Stmt};

impl Dialect {
    /// A statement and everything in it.
    pub(super) fn statement<'a>(self, stmt: &Stmt<'a>) -> Stmt<'a> {
        match stmt {
            Stmt::Template(s) => {
                Stmt::Template(at(s, ast::Template { children: self.body(&s.children) }))
            }
            Stmt::EmitExpr(s) => {
                Stmt::EmitExpr(at(s, ast::EmitExpr { expr: self.printed(&s.expr) }))
            }
            Stmt::EmitRaw(s) => Stmt::EmitRaw(at(s, ast::EmitRaw { raw: s.raw })),
            Stmt::ForLoop(s) => Stmt::ForLoop(at(s, self.for_loop(s))),
            Stmt::IfCond(s) => Stmt::IfCond(at(
                s,
                ast::IfCond {
                    expr: self.strict(&s.expr),
                    true_body: self.body(&s.true_body),
                    false_body: self.body(&s.false_body),
                },
            )),
            Stmt::WithBlock(s) => Stmt::WithBlock(at(
                s,
                ast::WithBlock {
                    assignments: s
                        .assignments
                        .iter()
                        .map(|(t, e)| (self.target(t), self.lenient(e)))
                        .collect(),
                    body: self.body(&s.body),
                },
            )),
            Stmt::Set(s) => Stmt::Set(at(
                s,
                ast::Set {
                    target: self.target(&s.target),
                    expr: self.changeable(self.lenient(&s.expr)),
                },
            )),
            Stmt::SetBlock(s) => Stmt::SetBlock(at(
                s,
                ast::SetBlock {
                    target: self.target(&s.target),
                    filter: s.filter.as_ref().map(|e| self.captured(e)),
                    body: self.body(&s.body),
                },
            )),
            Stmt::AutoEscape(s) => Stmt::AutoEscape(at(
                s,
                ast::AutoEscape { enabled: self.strict(&s.enabled), body: self.body(&s.body) },
            )),
            Stmt::FilterBlock(s) => Stmt::FilterBlock(at(
                s,
                ast::FilterBlock { filter: self.captured(&s.filter), body: self.body(&s.body) },
            )),
            other => self.statement_of_files(other),
        }
    }

    /// Statements that name other templates or make functions.
    pub(super) fn statement_of_files<'a>(self, stmt: &Stmt<'a>) -> Stmt<'a> {
        match stmt {
            Stmt::Block(s) => Stmt::Block(at(
                s,
                ast::Block { name: s.name, required: s.required, body: self.body(&s.body) },
            )),
            Stmt::Import(s) => Stmt::Import(at(
                s,
                ast::Import { expr: self.file(&s.expr, false), name: self.target(&s.name) },
            )),
            Stmt::FromImport(s) => Stmt::FromImport(at(
                s,
                ast::FromImport {
                    expr: self.file(&s.expr, false),
                    names: s
                        .names
                        .iter()
                        .map(|(name, alias)| {
                            (self.target(name), alias.as_ref().map(|e| self.target(e)))
                        })
                        .collect(),
                },
            )),
            Stmt::Extends(s) => {
                Stmt::Extends(at(s, ast::Extends { name: self.file(&s.name, false) }))
            }
            Stmt::Include(s) => Stmt::Include(at(
                s,
                ast::Include {
                    name: self.file(&s.name, s.ignore_missing),
                    ignore_missing: s.ignore_missing,
                },
            )),
            Stmt::Macro(s) => Stmt::Macro(at(s, self.macro_decl(s))),
            Stmt::CallBlock(s) => Stmt::CallBlock(at(
                s,
                ast::CallBlock {
                    call: at(&s.call, self.call(&s.call)),
                    macro_decl: at(&s.macro_decl, self.macro_decl(&s.macro_decl)),
                },
            )),
            Stmt::Continue(s) => Stmt::Continue(at(s, ast::Continue)),
            Stmt::Break(s) => Stmt::Break(at(s, ast::Break)),
            Stmt::Do(s) => Stmt::Do(at(s, ast::Do { call: at(&s.call, self.call(&s.call)) })),
            other => self.statement(other),
        }
    }

    pub(super) fn for_loop<'a>(self, s: &ast::ForLoop<'a>) -> ast::ForLoop<'a> {
        ast::ForLoop {
            target: self.target(&s.target),
            iter: self.strict(&s.iter),
            filter_expr: s.filter_expr.as_ref().map(|e| self.strict(e)),
            recursive: s.recursive,
            body: self.body(&s.body),
            else_body: self.body(&s.else_body),
        }
    }

    pub(super) fn macro_decl<'a>(self, s: &ast::Macro<'a>) -> ast::Macro<'a> {
        ast::Macro {
            name: s.name,
            args: s.args.iter().map(|e| self.target(e)).collect(),
            defaults: s.defaults.iter().map(|e| self.lenient(e)).collect(),
            body: self.body(&s.body),
        }
    }

    pub(super) fn body<'a>(self, stmts: &[Stmt<'a>]) -> Vec<Stmt<'a>> {
        stmts.iter().map(|e| self.statement(e)).collect()
    }

    /// A chain of filters on a captured block: its innermost input is what was captured.
    pub(super) fn captured<'a>(self, expr: &Expr<'a>) -> Expr<'a> {
        match expr {
            Expr::Filter(f) => Expr::Filter(at(
                f,
                ast::Filter {
                    name: f.name,
                    expr: f.expr.as_ref().map(|e| self.captured(e)),
                    args: self.args(&f.args, How::Used),
                },
            )),
            other => self.strict(other),
        }
    }

    /// What is assigned to: it is not read.
    fn target<'a>(self, expr: &Expr<'a>) -> Expr<'a> {
        let each = |items: &[Expr<'a>]| items.iter().map(|e| self.target(e)).collect();
        match expr {
            Expr::List(e) => Expr::List(at(e, ast::List { items: each(&e.items) })),
            Expr::Tuple(e) => Expr::Tuple(at(e, ast::Tuple { items: each(&e.items) })),
            other => self.strict(other),
        }
    }

    /// The name of another template, to be found in the search path by [`super::super::files`].
    pub(super) fn file<'a>(self, name: &Expr<'a>, missing_ok: bool) -> Expr<'a> {
        let span = name.span();
        let missing_ok = constant(Jinja::from(missing_ok), span);
        let find = Expr::Var(Spanned::new(ast::Var { id: FIND }, span));
        let args = vec![CallArg::Pos(self.strict(name)), CallArg::Pos(missing_ok)];
        Expr::Call(Spanned::new(ast::Call { expr: find, args }, span))
    }
}
