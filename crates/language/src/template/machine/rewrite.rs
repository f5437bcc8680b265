//! The tree of a template with Ansible's rules for undefined values written into it.
//!
//! The engine runs in its strict mode: an undefined value is an error where it is used, but also where an attribute of
//! it is asked for. Where Ansible lets an undefined value be (under `default`, `is defined`, in an assignment) the chain
//! is replaced by calls of functions that give "undefined" ([`Dialect::lenient`]); where the engine would let one pass
//! (the input of a filter, an operand of `+`) it is wrapped in a guard ([`Dialect::used`]).

use super::{calls, vaulted};
use minijinja::Value as Jinja;
use minijinja::machinery::Span;
use minijinja::machinery::ast::{self, CallArg, Expr, Spanned};

/// Filters whose input and arguments may be undefined.
pub(super) const TOLERANT_FILTERS: &[&str] = &["default", "d", "mandatory", "type_debug"];
/// Tests whose operand may be undefined.
pub(super) const TOLERANT_TESTS: &[&str] = &["defined", "undefined"];
/// Filters that do not touch the elements of a list, or drop undefined ones: `[a, b] | select('defined') | first`.
const SIEVES: &[&str] = &["select", "reject", "length", "count", "list"];
/// Functions whose arguments may be undefined.
const TOLERANT_FUNCTIONS: &[&str] = &["dict", "namespace", "caller", "super", "loop"];
/// Functions whose own undefined result may be replaced by `default`.
const FORGIVEN_FUNCTIONS: &[&str] = &["lookup", "query", "q", "undef"];

/// What is special about the text that is compiled.
#[derive(Clone, Copy, Default)]
pub(super) struct Dialect {
    /// It calls methods that change lists or dictionaries, so the ones it makes must be changeable.
    pub(super) mutates: bool,
    /// It has macros. They see the variables around them that their text names, so a name must stay a name in the tree.
    pub(super) encloses: bool,
    /// It is a condition: a template inside a string constant is rendered, as in Ansible up to 2.22.
    pub(super) embeds: bool,
}

/// How an expression is compiled.
#[derive(Clone, Copy)]
pub(super) enum How {
    Strict,
    Used,
    Lenient,
}

impl Dialect {
    fn how<'a>(self, expr: &Expr<'a>, how: How) -> Expr<'a> {
        match how {
            How::Strict => self.strict(expr),
            How::Used => self.used(expr),
            How::Lenient => self.lenient(expr),
        }
    }

    /// An expression whose chains must exist up to their last element.
    pub(super) fn strict<'a>(self, expr: &Expr<'a>) -> Expr<'a> {
        match expr {
            Expr::Var(e) => Expr::Var(at(e, ast::Var { id: e.id })),
            Expr::Const(e) => match e.value.as_str() {
                Some(constant) if self.embeds && constant.contains("{{") => {
                    calling(&calls::EMBEDDED, e.span(), vec![text(constant, e.span())])
                }
                _ => constant(e.value.clone(), e.span()),
            },
            Expr::Slice(e) => Expr::Slice(at(
                e,
                ast::Slice {
                    expr: self.used(&e.expr),
                    start: e.start.as_ref().map(|e| self.used(e)),
                    stop: e.stop.as_ref().map(|e| self.used(e)),
                    step: e.step.as_ref().map(|e| self.used(e)),
                },
            )),
            Expr::UnaryOp(e) => Expr::UnaryOp(at(e, self.unary(e))),
            Expr::BinOp(e) => self.binary(e),
            Expr::Compare(e) => self.compare(e),
            Expr::IfExpr(e) => Expr::IfExpr(at(
                e,
                ast::IfExpr {
                    test_expr: self.strict(&e.test_expr),
                    true_expr: self.strict(&e.true_expr),
                    false_expr: e.false_expr.as_ref().map(|e| self.strict(e)),
                },
            )),
            Expr::Filter(e) => Expr::Filter(at(e, self.filter(e))),
            Expr::Test(e) => match vaulted::chain(&e.expr, e.span()) {
                Some(args) if short(e.name) == "vault_encrypted" => {
                    calling(&calls::VAULTED, e.span(), args)
                }
                Some(args) if e.name == vaulted::TAGGED => {
                    let mut all = self.args(&e.args, How::Used);
                    all.extend(args);
                    calling(&calls::TAGGED, e.span(), all)
                }
                _ => Expr::Test(at(e, self.test(e))),
            },
            Expr::GetAttr(e) => {
                Expr::GetAttr(at(e, ast::GetAttr { expr: self.strict(&e.expr), name: e.name }))
            }
            Expr::GetItem(e) => Expr::GetItem(at(
                e,
                ast::GetItem {
                    expr: self.strict(&e.expr),
                    subscript_expr: self.used(&e.subscript_expr),
                },
            )),
            Expr::Call(e) => Expr::Call(at(e, self.call(e))),
            Expr::List(e) => {
                let items = e.items.iter().map(|e| self.used(e)).collect();
                self.changeable(Expr::List(at(e, ast::List { items })))
            }
            Expr::Tuple(e) => {
                let items = e.items.iter().map(|e| self.used(e)).collect();
                Expr::Tuple(at(e, ast::Tuple { items }))
            }
            Expr::Map(e) => {
                let (keys, values) = (self.all(&e.keys), self.all(&e.values));
                self.changeable(Expr::Map(at(e, ast::Map { keys, values })))
            }
        }
    }

    fn all<'a>(self, items: &[Expr<'a>]) -> Vec<Expr<'a>> {
        items.iter().map(|e| self.strict(e)).collect()
    }

    fn unary<'a>(self, e: &ast::UnaryOp<'a>) -> ast::UnaryOp<'a> {
        match e.op {
            ast::UnaryOpKind::Not => {
                ast::UnaryOp { op: ast::UnaryOpKind::Not, expr: self.strict(&e.expr) }
            }
            ast::UnaryOpKind::Neg => {
                ast::UnaryOp { op: ast::UnaryOpKind::Neg, expr: self.used(&e.expr) }
            }
        }
    }

    fn binary<'a>(self, e: &Spanned<ast::BinOp<'a>>) -> Expr<'a> {
        use ast::BinOpKind::{Add, Div, FloorDiv, Gt, Gte, In, Lt, Lte, Mul, Pow, Rem, Sub};
        let how = match e.op {
            Add | Sub | Mul | Div | FloorDiv | Rem | Pow | Lt | Lte | Gt | Gte | In => How::Used,
            _ => How::Strict,
        };
        let (left, right) = (self.how(&e.left, how), self.how(&e.right, how));
        if matches!(e.op, In) {
            let args = vec![CallArg::Pos(left), CallArg::Pos(right)];
            return calling(&calls::CONTAINS, e.span(), args);
        }
        let order = match e.op {
            Lt => Some(ast::CompareOpKind::Lt),
            Lte => Some(ast::CompareOpKind::Lte),
            Gt => Some(ast::CompareOpKind::Gt),
            Gte => Some(ast::CompareOpKind::Gte),
            _ => None,
        };
        if let Some(word) = order.and_then(ordering) {
            let args = vec![CallArg::Pos(left), text(word, e.span()), CallArg::Pos(right)];
            return calling(&calls::ORDER, e.span(), args);
        }
        let own = match e.op {
            Rem => Some(&calls::REMAINDER),
            Sub => Some(&calls::DIFFERENCE),
            _ => None,
        };
        if let Some(function) = own {
            return calling(function, e.span(), vec![CallArg::Pos(left), CallArg::Pos(right)]);
        }
        Expr::BinOp(at(e, ast::BinOp { op: e.op, left, right }))
    }

    /// Python refuses to order values of different types; the engine would not. A chain is compared link by link.
    fn compare<'a>(self, e: &Spanned<ast::Compare<'a>>) -> Expr<'a> {
        if e.ops.iter().all(|op| is_equality(op.op)) {
            let ops =
                e.ops.iter().map(|op| ast::CompareOp { op: op.op, expr: self.strict(&op.expr) });
            return Expr::Compare(at(
                e,
                ast::Compare { expr: self.strict(&e.expr), ops: ops.collect() },
            ));
        }
        let mut left = &e.expr;
        let mut chain: Option<Expr<'a>> = None;
        for op in &e.ops {
            let link = self.link(e.span(), left, op);
            chain = Some(match chain {
                None => link,
                Some(before) => Expr::BinOp(at(
                    e,
                    ast::BinOp { op: ast::BinOpKind::ScAnd, left: before, right: link },
                )),
            });
            left = &op.expr;
        }
        chain.unwrap_or_else(|| self.strict(&e.expr))
    }

    fn link<'a>(self, span: Span, left: &Expr<'a>, op: &ast::CompareOp<'a>) -> Expr<'a> {
        let (a, b) = (CallArg::Pos(self.used(left)), CallArg::Pos(self.used(&op.expr)));
        if let Some(word) = ordering(op.op) {
            return calling(&calls::ORDER, span, vec![a, text(word, span), b]);
        }
        let found = match op.op {
            ast::CompareOpKind::In | ast::CompareOpKind::NotIn => {
                calling(&calls::CONTAINS, span, vec![a, b])
            }
            equality => {
                let ops = vec![ast::CompareOp { op: equality, expr: self.strict(&op.expr) }];
                let compare = ast::Compare { expr: self.strict(left), ops };
                return Expr::Compare(Spanned::new(compare, span));
            }
        };
        if matches!(op.op, ast::CompareOpKind::NotIn) {
            let not = ast::UnaryOp { op: ast::UnaryOpKind::Not, expr: found };
            return Expr::UnaryOp(Spanned::new(not, span));
        }
        found
    }

    /// A list or dictionary that methods may change, if the text has such methods.
    pub(super) fn changeable(self, expr: Expr<'_>) -> Expr<'_> {
        if !self.mutates {
            return expr;
        }
        let span = expr.span();
        calling(&calls::MUTABLE, span, vec![CallArg::Pos(expr)])
    }

    fn filter<'a>(self, e: &ast::Filter<'a>) -> ast::Filter<'a> {
        let tolerant = TOLERANT_FILTERS.contains(&short(e.name));
        let holds = matches!(&e.expr, Some(Expr::List(_) | Expr::Tuple(_)));
        let sieve = holds && SIEVES.contains(&short(e.name));
        let input = if tolerant || sieve { How::Lenient } else { How::Used };
        let args = if tolerant || short(e.name) == "ternary" { How::Lenient } else { How::Used };
        ast::Filter {
            name: e.name,
            expr: e.expr.as_ref().map(|e| self.how(e, input)),
            args: self.args(&e.args, args),
        }
    }

    fn test<'a>(self, e: &ast::Test<'a>) -> ast::Test<'a> {
        let how = if TOLERANT_TESTS.contains(&short(e.name)) { How::Lenient } else { How::Used };
        ast::Test {
            name: e.name,
            expr: self.how(&e.expr, how),
            args: self.args(&e.args, How::Used),
        }
    }

    pub(super) fn call<'a>(self, e: &ast::Call<'a>) -> ast::Call<'a> {
        let how = match &e.expr {
            Expr::Var(var) if TOLERANT_FUNCTIONS.contains(&var.id) => How::Lenient,
            Expr::Var(_) => How::Strict,
            _ => How::Used,
        };
        let expr = match &e.expr {
            Expr::GetAttr(get) if !matches!(&get.expr, Expr::Var(v) if v.id == "self") => {
                Expr::GetAttr(at(get, ast::GetAttr { expr: self.used(&get.expr), name: get.name }))
            }
            other => self.strict(other),
        };
        ast::Call { expr, args: self.args(&e.args, how) }
    }

    pub(super) fn args<'a>(self, args: &[CallArg<'a>], how: How) -> Vec<CallArg<'a>> {
        args.iter()
            .map(|arg| match arg {
                CallArg::Pos(e) => CallArg::Pos(self.how(e, how)),
                CallArg::Kwarg(name, e) => CallArg::Kwarg(name, self.how(e, how)),
                CallArg::PosSplat(e) => CallArg::PosSplat(self.strict(e)),
                CallArg::KwargSplat(e) => CallArg::KwargSplat(self.strict(e)),
            })
            .collect()
    }

    /// An expression that is printed: a missing `else` prints nothing.
    pub(super) fn printed<'a>(self, expr: &Expr<'a>) -> Expr<'a> {
        let Expr::IfExpr(e) = expr else { return self.strict(expr) };
        let nothing = || constant(Jinja::from(()), e.span());
        Expr::IfExpr(at(
            e,
            ast::IfExpr {
                test_expr: self.strict(&e.test_expr),
                true_expr: self.printed(&e.true_expr),
                false_expr: Some(e.false_expr.as_ref().map_or_else(nothing, |e| self.printed(e))),
            },
        ))
    }

    /// An expression that must not be undefined here, where the engine would not mind.
    pub(super) fn used<'a>(self, expr: &Expr<'a>) -> Expr<'a> {
        match expr {
            Expr::Var(_)
            | Expr::GetAttr(_)
            | Expr::GetItem(_)
            | Expr::Filter(_)
            | Expr::Call(_)
            | Expr::IfExpr(_) => {
                calling(&calls::GUARD, expr.span(), vec![CallArg::Pos(self.strict(expr))])
            }
            Expr::BinOp(e) if matches!(e.op, ast::BinOpKind::ScAnd | ast::BinOpKind::ScOr) => {
                calling(&calls::GUARD, expr.span(), vec![CallArg::Pos(self.strict(expr))])
            }
            _ => self.strict(expr),
        }
    }

    /// An expression that may be undefined, with everything in its chain.
    pub(super) fn lenient<'a>(self, expr: &Expr<'a>) -> Expr<'a> {
        let span = expr.span();
        match expr {
            Expr::Var(e) => {
                let call = calling(&calls::VARIABLE, span, vec![text(e.id, span)]);
                if !self.encloses {
                    return call;
                }
                let always = ast::IfExpr {
                    test_expr: constant(Jinja::from(true), span),
                    true_expr: call,
                    false_expr: Some(self.strict(expr)),
                };
                Expr::IfExpr(Spanned::new(always, span))
            }
            Expr::GetAttr(e) => calling(
                &calls::ELEMENT,
                span,
                vec![CallArg::Pos(self.lenient(&e.expr)), text(e.name, span)],
            ),
            Expr::GetItem(e) => calling(
                &calls::ELEMENT,
                span,
                vec![
                    CallArg::Pos(self.lenient(&e.expr)),
                    CallArg::Pos(self.used(&e.subscript_expr)),
                ],
            ),
            Expr::Filter(e) if !TOLERANT_FILTERS.contains(&short(e.name)) => {
                let mut given = vec![text(e.name, span)];
                given.extend(e.expr.as_ref().map(|input| CallArg::Pos(self.lenient(input))));
                given.extend(self.args(&e.args, How::Lenient));
                calling(&calls::FILTER, span, given)
            }
            Expr::Call(e) => match &e.expr {
                Expr::GetAttr(get) if !matches!(&get.expr, Expr::Var(v) if v.id == "self") => {
                    let mut given =
                        vec![text(get.name, span), CallArg::Pos(self.lenient(&get.expr))];
                    given.extend(self.args(&e.args, How::Lenient));
                    calling(&calls::METHOD, span, given)
                }
                Expr::Var(var) if FORGIVEN_FUNCTIONS.contains(&var.id) => {
                    let mut given = vec![text(var.id, span)];
                    given.extend(self.args(&e.args, How::Used));
                    calling(&calls::FUNCTION, span, given)
                }
                _ => self.strict(expr),
            },
            Expr::List(e) => {
                let items = e.items.iter().map(|e| self.lenient(e)).collect();
                self.changeable(Expr::List(at(e, ast::List { items })))
            }
            Expr::Tuple(e) => {
                let items = e.items.iter().map(|e| self.lenient(e)).collect();
                Expr::Tuple(at(e, ast::Tuple { items }))
            }
            Expr::IfExpr(e) => Expr::IfExpr(at(
                e,
                ast::IfExpr {
                    test_expr: self.strict(&e.test_expr),
                    true_expr: self.lenient(&e.true_expr),
                    false_expr: e.false_expr.as_ref().map(|e| self.lenient(e)),
                },
            )),
            Expr::BinOp(e) if matches!(e.op, ast::BinOpKind::ScAnd | ast::BinOpKind::ScOr) => {
                let (left, right) = (self.strict(&e.left), self.lenient(&e.right));
                Expr::BinOp(at(e, ast::BinOp { op: e.op, left, right }))
            }
            _ => self.strict(expr),
        }
    }
}

pub(super) fn calling<'a>(function: &Jinja, span: Span, args: Vec<CallArg<'a>>) -> Expr<'a> {
    let expr = constant(function.clone(), span);
    Expr::Call(Spanned::new(ast::Call { expr, args }, span))
}

pub(super) fn text<'a>(text: &str, span: Span) -> CallArg<'a> {
    CallArg::Pos(constant(Jinja::from(text), span))
}

pub(super) fn constant<'a>(value: Jinja, span: Span) -> Expr<'a> {
    Expr::Const(Spanned::new(ast::Const { value }, span))
}

pub(super) fn at<T, U>(old: &Spanned<T>, new: U) -> Spanned<U> {
    Spanned::new(new, old.span())
}

/// The name of a filter or test without its collection.
pub(super) fn short(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.")
        .or_else(|| name.strip_prefix("ansible.legacy."))
        .unwrap_or(name)
}

fn is_equality(op: ast::CompareOpKind) -> bool {
    matches!(op, ast::CompareOpKind::Eq | ast::CompareOpKind::Ne)
}

fn ordering(op: ast::CompareOpKind) -> Option<&'static str> {
    match op {
        ast::CompareOpKind::Lt => Some("<"),
        ast::CompareOpKind::Lte => Some("<="),
        ast::CompareOpKind::Gt => Some(">"),
        ast::CompareOpKind::Gte => Some(">="),
        _ => None,
    }
}
