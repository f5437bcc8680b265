//! The tree of a template with Ansible's rules for undefined values written into it.
//!
//! The engine runs in its strict mode: an undefined value is an error where it is used, but also where an attribute of
//! it is asked for. Where Ansible lets an undefined value be (under `default`, `is defined`, in an assignment) the chain
//! is replaced by calls of [`tolerant`](super::tolerant) functions ([`lenient`]); where the engine would let one pass (the
//! input of a filter, an operand of `+`) it is wrapped in a guard ([`used`]).

use super::tolerant;
use minijinja::machinery::Span;
use minijinja::machinery::ast::{self, CallArg, Expr, Spanned, Stmt};
use minijinja::value::Rest;
use minijinja::{Error, ErrorKind, State, Value as Jinja};
use std::sync::LazyLock;

/// Filters whose input and arguments may be undefined.
pub(super) const TOLERANT_FILTERS: &[&str] = &["default", "d", "mandatory", "type_debug"];
/// Tests whose operand may be undefined.
pub(super) const TOLERANT_TESTS: &[&str] = &["defined", "undefined"];
/// Functions whose arguments may be undefined.
pub(super) const TOLERANT_FUNCTIONS: &[&str] = &["dict", "namespace", "caller", "super", "loop"];

static VARIABLE: LazyLock<Jinja> = LazyLock::new(|| {
    Jinja::from_function(|state: &State<'_, '_>, name: &str| tolerant::variable(state, name))
});
static ELEMENT: LazyLock<Jinja> =
    LazyLock::new(|| Jinja::from_function(|of: Jinja, key: Jinja| tolerant::element(&of, &key)));
static FILTER: LazyLock<Jinja> = LazyLock::new(|| {
    Jinja::from_function(|state: &mut State<'_, '_>, name: &str, args: Rest<Jinja>| {
        tolerant::filter(state, name, &args)
    })
});
static METHOD: LazyLock<Jinja> = LazyLock::new(|| {
    Jinja::from_function(|state: &mut State<'_, '_>, name: &str, args: Rest<Jinja>| {
        tolerant::method(state, name, &args)
    })
});
static GUARD: LazyLock<Jinja> = LazyLock::new(|| {
    Jinja::from_function(|value: Jinja| {
        if value.is_undefined() {
            return Err(Error::from(ErrorKind::UndefinedError));
        }
        Ok(value)
    })
});

/// The expression whose value is the result: an undefined one is noticed by whoever asked.
pub(super) fn result<'a>(expr: &Expr<'a>) -> Expr<'a> {
    strict(expr)
}

/// A statement and everything in it.
pub(super) fn statement<'a>(stmt: &Stmt<'a>) -> Stmt<'a> {
    match stmt {
        Stmt::Template(s) => Stmt::Template(at(s, ast::Template { children: body(&s.children) })),
        Stmt::EmitExpr(s) => Stmt::EmitExpr(at(s, ast::EmitExpr { expr: strict(&s.expr) })),
        Stmt::EmitRaw(s) => Stmt::EmitRaw(at(s, ast::EmitRaw { raw: s.raw })),
        Stmt::ForLoop(s) => Stmt::ForLoop(at(s, for_loop(s))),
        Stmt::IfCond(s) => Stmt::IfCond(at(
            s,
            ast::IfCond {
                expr: strict(&s.expr),
                true_body: body(&s.true_body),
                false_body: body(&s.false_body),
            },
        )),
        Stmt::WithBlock(s) => Stmt::WithBlock(at(
            s,
            ast::WithBlock {
                assignments: s.assignments.iter().map(|(t, e)| (strict(t), lenient(e))).collect(),
                body: body(&s.body),
            },
        )),
        Stmt::Set(s) => {
            Stmt::Set(at(s, ast::Set { target: strict(&s.target), expr: lenient(&s.expr) }))
        }
        Stmt::SetBlock(s) => Stmt::SetBlock(at(
            s,
            ast::SetBlock {
                target: strict(&s.target),
                filter: s.filter.as_ref().map(captured),
                body: body(&s.body),
            },
        )),
        Stmt::AutoEscape(s) => Stmt::AutoEscape(at(
            s,
            ast::AutoEscape { enabled: strict(&s.enabled), body: body(&s.body) },
        )),
        Stmt::FilterBlock(s) => Stmt::FilterBlock(at(
            s,
            ast::FilterBlock { filter: captured(&s.filter), body: body(&s.body) },
        )),
        other => statement_of_files(other),
    }
}

/// Statements that name other templates or make functions.
fn statement_of_files<'a>(stmt: &Stmt<'a>) -> Stmt<'a> {
    match stmt {
        Stmt::Block(s) => Stmt::Block(at(
            s,
            ast::Block { name: s.name, required: s.required, body: body(&s.body) },
        )),
        Stmt::Import(s) => {
            Stmt::Import(at(s, ast::Import { expr: file(&s.expr, false), name: strict(&s.name) }))
        }
        Stmt::FromImport(s) => Stmt::FromImport(at(
            s,
            ast::FromImport {
                expr: file(&s.expr, false),
                names: s
                    .names
                    .iter()
                    .map(|(name, alias)| (strict(name), alias.as_ref().map(strict)))
                    .collect(),
            },
        )),
        Stmt::Extends(s) => Stmt::Extends(at(s, ast::Extends { name: file(&s.name, false) })),
        Stmt::Include(s) => Stmt::Include(at(
            s,
            ast::Include {
                name: file(&s.name, s.ignore_missing),
                ignore_missing: s.ignore_missing,
            },
        )),
        Stmt::Macro(s) => Stmt::Macro(at(s, macro_decl(s))),
        Stmt::CallBlock(s) => Stmt::CallBlock(at(
            s,
            ast::CallBlock {
                call: at(&s.call, call(&s.call)),
                macro_decl: at(&s.macro_decl, macro_decl(&s.macro_decl)),
            },
        )),
        Stmt::Continue(s) => Stmt::Continue(at(s, ast::Continue)),
        Stmt::Break(s) => Stmt::Break(at(s, ast::Break)),
        Stmt::Do(s) => Stmt::Do(at(s, ast::Do { call: at(&s.call, call(&s.call)) })),
        other => statement(other),
    }
}

fn for_loop<'a>(s: &ast::ForLoop<'a>) -> ast::ForLoop<'a> {
    ast::ForLoop {
        target: strict(&s.target),
        iter: strict(&s.iter),
        filter_expr: s.filter_expr.as_ref().map(strict),
        recursive: s.recursive,
        body: body(&s.body),
        else_body: body(&s.else_body),
    }
}

fn macro_decl<'a>(s: &ast::Macro<'a>) -> ast::Macro<'a> {
    ast::Macro {
        name: s.name,
        args: s.args.iter().map(strict).collect(),
        defaults: s.defaults.iter().map(lenient).collect(),
        body: body(&s.body),
    }
}

fn body<'a>(stmts: &[Stmt<'a>]) -> Vec<Stmt<'a>> {
    stmts.iter().map(statement).collect()
}

/// A chain of filters on a captured block: its innermost input is what was captured.
fn captured<'a>(expr: &Expr<'a>) -> Expr<'a> {
    match expr {
        Expr::Filter(f) => Expr::Filter(at(
            f,
            ast::Filter {
                name: f.name,
                expr: f.expr.as_ref().map(captured),
                args: args(&f.args, used),
            },
        )),
        other => strict(other),
    }
}

/// The name of another template, to be found in the search path by [`super::super::files`].
fn file<'a>(name: &Expr<'a>, missing_ok: bool) -> Expr<'a> {
    let span = name.span();
    let missing_ok = constant(Jinja::from(missing_ok), span);
    let find = Expr::Var(Spanned::new(ast::Var { id: super::FIND }, span));
    Expr::Call(Spanned::new(
        ast::Call { expr: find, args: vec![CallArg::Pos(strict(name)), CallArg::Pos(missing_ok)] },
        span,
    ))
}

/// An expression whose chains must exist up to their last element.
fn strict<'a>(expr: &Expr<'a>) -> Expr<'a> {
    match expr {
        Expr::Var(e) => Expr::Var(at(e, ast::Var { id: e.id })),
        Expr::Const(e) => Expr::Const(at(e, ast::Const { value: e.value.clone() })),
        Expr::Slice(e) => Expr::Slice(at(
            e,
            ast::Slice {
                expr: used(&e.expr),
                start: e.start.as_ref().map(used),
                stop: e.stop.as_ref().map(used),
                step: e.step.as_ref().map(used),
            },
        )),
        Expr::UnaryOp(e) => Expr::UnaryOp(at(e, unary(e))),
        Expr::BinOp(e) => Expr::BinOp(at(e, binary(e))),
        Expr::Compare(e) => Expr::Compare(at(
            e,
            ast::Compare {
                expr: strict(&e.expr),
                ops: e
                    .ops
                    .iter()
                    .map(|op| ast::CompareOp { op: op.op, expr: strict(&op.expr) })
                    .collect(),
            },
        )),
        Expr::IfExpr(e) => Expr::IfExpr(at(
            e,
            ast::IfExpr {
                test_expr: strict(&e.test_expr),
                true_expr: strict(&e.true_expr),
                false_expr: e.false_expr.as_ref().map(strict),
            },
        )),
        Expr::Filter(e) => Expr::Filter(at(e, filter(e))),
        Expr::Test(e) => Expr::Test(at(e, test(e))),
        Expr::GetAttr(e) => {
            Expr::GetAttr(at(e, ast::GetAttr { expr: strict(&e.expr), name: e.name }))
        }
        Expr::GetItem(e) => Expr::GetItem(at(
            e,
            ast::GetItem { expr: strict(&e.expr), subscript_expr: used(&e.subscript_expr) },
        )),
        Expr::Call(e) => Expr::Call(at(e, call(e))),
        Expr::List(e) => Expr::List(at(e, ast::List { items: all(&e.items) })),
        Expr::Tuple(e) => Expr::Tuple(at(e, ast::Tuple { items: all(&e.items) })),
        Expr::Map(e) => Expr::Map(at(e, ast::Map { keys: all(&e.keys), values: all(&e.values) })),
    }
}

fn all<'a>(items: &[Expr<'a>]) -> Vec<Expr<'a>> {
    items.iter().map(strict).collect()
}

fn unary<'a>(e: &ast::UnaryOp<'a>) -> ast::UnaryOp<'a> {
    match e.op {
        ast::UnaryOpKind::Not => ast::UnaryOp { op: ast::UnaryOpKind::Not, expr: strict(&e.expr) },
        ast::UnaryOpKind::Neg => ast::UnaryOp { op: ast::UnaryOpKind::Neg, expr: used(&e.expr) },
    }
}

fn binary<'a>(e: &ast::BinOp<'a>) -> ast::BinOp<'a> {
    use ast::BinOpKind::{Add, Div, FloorDiv, Mul, Pow, Rem, Sub};
    let operand = match e.op {
        Add | Sub | Mul | Div | FloorDiv | Rem | Pow => used,
        _ => strict,
    };
    ast::BinOp { op: e.op, left: operand(&e.left), right: operand(&e.right) }
}

fn filter<'a>(e: &ast::Filter<'a>) -> ast::Filter<'a> {
    let how = if TOLERANT_FILTERS.contains(&e.name) { lenient } else { used };
    ast::Filter { name: e.name, expr: e.expr.as_ref().map(how), args: args(&e.args, how) }
}

fn test<'a>(e: &ast::Test<'a>) -> ast::Test<'a> {
    let how = if TOLERANT_TESTS.contains(&e.name) { lenient } else { used };
    ast::Test { name: e.name, expr: how(&e.expr), args: args(&e.args, used) }
}

fn call<'a>(e: &ast::Call<'a>) -> ast::Call<'a> {
    let how = match &e.expr {
        Expr::Var(var) if TOLERANT_FUNCTIONS.contains(&var.id) => lenient,
        Expr::Var(_) => strict,
        _ => used,
    };
    ast::Call { expr: strict(&e.expr), args: args(&e.args, how) }
}

fn args<'a>(args: &[CallArg<'a>], how: fn(&Expr<'a>) -> Expr<'a>) -> Vec<CallArg<'a>> {
    args.iter()
        .map(|arg| match arg {
            CallArg::Pos(e) => CallArg::Pos(how(e)),
            CallArg::Kwarg(name, e) => CallArg::Kwarg(name, how(e)),
            CallArg::PosSplat(e) => CallArg::PosSplat(strict(e)),
            CallArg::KwargSplat(e) => CallArg::KwargSplat(strict(e)),
        })
        .collect()
}

/// An expression that must not be undefined here, where the engine would not mind.
fn used<'a>(expr: &Expr<'a>) -> Expr<'a> {
    match expr {
        Expr::Var(_)
        | Expr::GetAttr(_)
        | Expr::GetItem(_)
        | Expr::Filter(_)
        | Expr::Call(_)
        | Expr::IfExpr(_) => calling(&GUARD, expr.span(), vec![CallArg::Pos(strict(expr))]),
        Expr::BinOp(e) if matches!(e.op, ast::BinOpKind::ScAnd | ast::BinOpKind::ScOr) => {
            calling(&GUARD, expr.span(), vec![CallArg::Pos(strict(expr))])
        }
        _ => strict(expr),
    }
}

/// An expression that may be undefined, with everything in its chain.
fn lenient<'a>(expr: &Expr<'a>) -> Expr<'a> {
    let span = expr.span();
    match expr {
        Expr::Var(e) => calling(&VARIABLE, span, vec![text(e.id, span)]),
        Expr::GetAttr(e) => {
            calling(&ELEMENT, span, vec![CallArg::Pos(lenient(&e.expr)), text(e.name, span)])
        }
        Expr::GetItem(e) => calling(
            &ELEMENT,
            span,
            vec![CallArg::Pos(lenient(&e.expr)), CallArg::Pos(lenient(&e.subscript_expr))],
        ),
        Expr::Filter(e) if !TOLERANT_FILTERS.contains(&e.name) => {
            let mut given = vec![text(e.name, span)];
            given.extend(e.expr.as_ref().map(|input| CallArg::Pos(lenient(input))));
            given.extend(args(&e.args, lenient));
            calling(&FILTER, span, given)
        }
        Expr::Call(e) => match &e.expr {
            Expr::GetAttr(get) if !matches!(&get.expr, Expr::Var(v) if v.id == "self") => {
                let mut given = vec![text(get.name, span), CallArg::Pos(lenient(&get.expr))];
                given.extend(args(&e.args, lenient));
                calling(&METHOD, span, given)
            }
            _ => strict(expr),
        },
        Expr::IfExpr(e) => Expr::IfExpr(at(
            e,
            ast::IfExpr {
                test_expr: strict(&e.test_expr),
                true_expr: lenient(&e.true_expr),
                false_expr: e.false_expr.as_ref().map(lenient),
            },
        )),
        Expr::BinOp(e) if matches!(e.op, ast::BinOpKind::ScAnd | ast::BinOpKind::ScOr) => {
            let (left, right) = (strict(&e.left), lenient(&e.right));
            Expr::BinOp(at(e, ast::BinOp { op: e.op, left, right }))
        }
        _ => strict(expr),
    }
}

fn calling<'a>(function: &Jinja, span: Span, args: Vec<CallArg<'a>>) -> Expr<'a> {
    let expr = constant(function.clone(), span);
    Expr::Call(Spanned::new(ast::Call { expr, args }, span))
}

fn text<'a>(text: &str, span: Span) -> CallArg<'a> {
    CallArg::Pos(constant(Jinja::from(text), span))
}

fn constant<'a>(value: Jinja, span: Span) -> Expr<'a> {
    Expr::Const(Spanned::new(ast::Const { value }, span))
}

fn at<T, U>(old: &Spanned<T>, new: U) -> Spanned<U> {
    Spanned::new(new, old.span())
}
