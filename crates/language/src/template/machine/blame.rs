//! Names what is undefined, after the fact: the engine only knows that something was.

use super::{Code, Kind, rewrite};
use crate::template::world::World;
use minijinja::machinery;
use minijinja::machinery::ast::{self, CallArg, Expr, Stmt};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Object, ValueKind};
use minijinja::{Error, Value as Jinja};
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// What is undefined.
pub(in crate::template) struct Blame {
    /// `'foo' is undefined`.
    pub(in crate::template) message: String,
    /// A near name.
    pub(in crate::template) hint: Option<String>,
    /// Where in the compiled text, in bytes.
    pub(in crate::template) at: usize,
}

/// Finds the first chain of names within the failing part that leads nowhere.
pub(in crate::template) fn blame(code: &Code, error: &Error, world: &Arc<World>) -> Option<Blame> {
    let mut finder = Finder {
        source: code.source,
        within: error.range(),
        line: error.line(),
        local: HashSet::new(),
        chains: Vec::new(),
        tolerant: Vec::new(),
    };
    match code.kind {
        Kind::Expression { .. } => {
            let tree = machinery::parse_expr(code.source).ok()?;
            finder.expr(&tree);
            finder.judge(world)
        }
        Kind::Template => {
            let tree = machinery::parse(code.source, "<template>", code.syntax.clone()).ok()?;
            finder.stmt(&tree);
            finder.judge(world)
        }
    }
}

/// The text of a template that another one names, with the chains that may be undefined as calls of [`super::CHAIN`]: the
/// engine compiles such a file itself, so its tree cannot be rewritten. A text that cannot be parsed is left to the
/// engine's own error.
pub(in crate::template) fn tolerant_source(source: &str, syntax: &SyntaxConfig) -> String {
    let Ok(tree) = machinery::parse(source, "<template>", syntax.clone()) else {
        return source.to_owned();
    };
    let mut finder = Finder {
        source,
        within: None,
        line: None,
        local: HashSet::new(),
        chains: Vec::new(),
        tolerant: Vec::new(),
    };
    finder.stmt(&tree);
    let mut ranges = finder.tolerant;
    ranges.sort_by_key(|range| range.start);
    let mut out = String::with_capacity(source.len() * 2);
    let mut done = 0;
    for range in ranges {
        let Some(chain) = source.get(range.clone()).filter(|_| range.start >= done) else {
            continue;
        };
        let Some(call) = machinery::parse_expr(chain).ok().and_then(|e| chain_call(&e, chain))
        else {
            continue;
        };
        out.push_str(source.get(done..range.start).unwrap_or_default());
        out.push_str(&call);
        done = range.end;
    }
    out.push_str(source.get(done..).unwrap_or_default());
    out
}

/// A chain as the text of a call.
fn chain_call(expr: &Expr<'_>, source: &str) -> Option<String> {
    let (of, key) = match expr {
        Expr::Var(var) => return Some(format!("{}('{}'", super::CHAIN, var.id)),
        Expr::GetAttr(get) => (&get.expr, format!("'{}'", get.name)),
        Expr::GetItem(get) => {
            let span = get.subscript_expr.span();
            let key = source.get(span.start_offset as usize..span.end_offset as usize)?;
            machinery::parse_expr(key).ok()?;
            (&get.expr, key.to_owned())
        }
        _ => return None,
    };
    let inner = chain_call(of, source)?;
    let open = inner.strip_suffix(')').unwrap_or(&inner);
    Some(format!("{open}, {key})"))
}

/// One name or element after another; the words are for the message.
struct Chain {
    base: String,
    steps: Vec<Step>,
    at: Range<usize>,
}

enum Step {
    Name(String),
    /// An element whose key is not known without running the template.
    Unknown,
    Key(Jinja),
}

struct Finder<'s> {
    source: &'s str,
    within: Option<Range<usize>>,
    line: Option<usize>,
    local: HashSet<String>,
    chains: Vec<Chain>,
    /// Chains that may be undefined, by their ranges.
    tolerant: Vec<Range<usize>>,
}

impl Finder<'_> {
    fn stmts(&mut self, stmts: &[Stmt<'_>]) {
        for stmt in stmts {
            self.stmt(stmt);
        }
    }

    fn target(&mut self, target: &Expr<'_>) {
        match target {
            Expr::Var(var) => {
                self.local.insert(var.id.to_owned());
            }
            Expr::List(list) => list.items.iter().for_each(|item| self.target(item)),
            Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.target(item)),
            _ => {}
        }
    }

    fn stmt(&mut self, stmt: &Stmt<'_>) {
        match stmt {
            Stmt::Template(s) => self.stmts(&s.children),
            Stmt::EmitExpr(s) => self.expr(&s.expr),
            Stmt::ForLoop(s) => {
                self.local.insert("loop".to_owned());
                self.target(&s.target);
                self.expr(&s.iter);
                s.filter_expr.iter().for_each(|e| self.expr(e));
                self.stmts(&s.body);
                self.stmts(&s.else_body);
            }
            Stmt::IfCond(s) => {
                self.expr(&s.expr);
                self.stmts(&s.true_body);
                self.stmts(&s.false_body);
            }
            Stmt::WithBlock(s) => {
                for (target, value) in &s.assignments {
                    self.target(target);
                    self.expr(value);
                }
                self.stmts(&s.body);
            }
            Stmt::Set(s) => {
                self.target(&s.target);
                self.may_be_undefined(&s.expr);
            }
            Stmt::SetBlock(s) => {
                self.target(&s.target);
                self.stmts(&s.body);
            }
            Stmt::FilterBlock(s) => self.stmts(&s.body),
            Stmt::AutoEscape(s) => self.stmts(&s.body),
            Stmt::Block(s) => self.stmts(&s.body),
            Stmt::Macro(s) => self.macro_decl(s),
            Stmt::CallBlock(s) => {
                self.call(&s.call);
                self.macro_decl(&s.macro_decl);
            }
            Stmt::Import(s) => self.target(&s.name),
            Stmt::FromImport(s) => {
                for (name, alias) in &s.names {
                    self.target(alias.as_ref().unwrap_or(name));
                }
            }
            Stmt::Include(s) => self.expr(&s.name),
            Stmt::Do(s) => self.call(&s.call),
            _ => {}
        }
    }

    fn macro_decl(&mut self, s: &ast::Macro<'_>) {
        self.local.insert(s.name.to_owned());
        s.args.iter().for_each(|arg| self.target(arg));
        self.stmts(&s.body);
    }

    fn call(&mut self, call: &ast::Call<'_>) {
        match &call.expr {
            Expr::Var(_) => {}
            Expr::GetAttr(get) => self.expr(&get.expr),
            other => self.expr(other),
        }
        self.args(&call.args);
    }

    fn args(&mut self, args: &[CallArg<'_>]) {
        for arg in args {
            match arg {
                CallArg::Pos(e)
                | CallArg::Kwarg(_, e)
                | CallArg::PosSplat(e)
                | CallArg::KwargSplat(e) => self.expr(e),
            }
        }
    }

    fn expr(&mut self, expr: &Expr<'_>) {
        match expr {
            Expr::Var(_) | Expr::GetAttr(_) | Expr::GetItem(_) => self.chain(expr),
            Expr::Slice(e) => self.expr(&e.expr),
            Expr::UnaryOp(e) => self.expr(&e.expr),
            Expr::BinOp(e) => {
                self.expr(&e.left);
                self.expr(&e.right);
            }
            Expr::Compare(e) => {
                self.expr(&e.expr);
                e.ops.iter().for_each(|op| self.expr(&op.expr));
            }
            Expr::IfExpr(e) => {
                self.expr(&e.test_expr);
                self.expr(&e.true_expr);
                e.false_expr.iter().for_each(|e| self.expr(e));
            }
            Expr::Filter(e) if !rewrite::TOLERANT_FILTERS.contains(&rewrite::short(e.name)) => {
                e.expr.iter().for_each(|e| self.expr(e));
                self.args(&e.args);
            }
            Expr::Test(e) if !rewrite::TOLERANT_TESTS.contains(&rewrite::short(e.name)) => {
                self.expr(&e.expr);
                self.args(&e.args);
            }
            Expr::Call(e) => self.call(e),
            Expr::List(e) => e.items.iter().for_each(|e| self.expr(e)),
            Expr::Tuple(e) => e.items.iter().for_each(|e| self.expr(e)),
            Expr::Map(e) => e.values.iter().for_each(|e| self.expr(e)),
            Expr::Filter(e) => {
                e.expr.iter().for_each(|e| self.may_be_undefined(e));
                for arg in &e.args {
                    if let CallArg::Pos(e) | CallArg::Kwarg(_, e) = arg {
                        self.may_be_undefined(e);
                    }
                }
            }
            Expr::Test(e) => self.may_be_undefined(&e.expr),
            Expr::Const(_) => {}
        }
    }

    fn may_be_undefined(&mut self, expr: &Expr<'_>) {
        match expr {
            Expr::GetAttr(_) | Expr::GetItem(_) => {
                self.tolerant.push(start(expr)..expr.span().end_offset as usize);
            }
            Expr::Var(_) => {}
            other => self.expr(other),
        }
    }

    /// Takes down a chain if it is in the failing part and starts with a name.
    fn chain(&mut self, expr: &Expr<'_>) {
        let mut steps = Vec::new();
        let mut at = expr;
        let base = loop {
            match at {
                Expr::Var(var) => break var.id.to_owned(),
                Expr::GetAttr(get) => {
                    steps.push(Step::Name(get.name.to_owned()));
                    at = &get.expr;
                }
                Expr::GetItem(get) => {
                    self.expr(&get.subscript_expr);
                    steps.push(get.subscript_expr.as_const().map_or(Step::Unknown, Step::Key));
                    at = &get.expr;
                }
                other => return self.expr(other),
            }
        };
        steps.reverse();
        let span = expr.span();
        let range = start(expr)..span.end_offset as usize;
        let failing = span.start_offset as usize;
        let here = match (&self.within, self.line) {
            (Some(within), _) => {
                let within = within.start..within.end.max(within.start + 1);
                within.contains(&range.start) || within.contains(&failing)
            }
            (None, Some(line)) => line == usize::from(span.start_line),
            (None, None) => true,
        };
        if here {
            self.chains.push(Chain { base, steps, at: range });
        }
    }

    fn judge(self, world: &Arc<World>) -> Option<Blame> {
        let (local, known): (Vec<&Chain>, Vec<&Chain>) =
            self.chains.iter().partition(|chain| self.local.contains(&chain.base));
        if let Some(blame) = known.iter().find_map(|chain| follow(chain, world)) {
            return Some(blame);
        }
        let [only] = local.as_slice() else { return None };
        let words = self.source.get(only.at.clone()).unwrap_or(&only.base);
        Some(Blame { message: format!("'{words}' is undefined"), hint: None, at: only.at.start })
    }
}

/// Where a chain begins: the engine's own place of `a.b[0]` is that of its last step.
fn start(expr: &Expr<'_>) -> usize {
    match expr {
        Expr::GetAttr(get) => start(&get.expr),
        Expr::GetItem(get) => start(&get.expr),
        other => other.span().start_offset as usize,
    }
}

/// Follows a chain through the variables to the step that is missing.
fn follow(chain: &Chain, world: &Arc<World>) -> Option<Blame> {
    let blame = |message: String, hint| Some(Blame { message, hint, at: chain.at.start });
    let Some(mut value) = world.get_value_by_str(&chain.base) else {
        if world.engine.env.globals().any(|(name, _)| name == chain.base) {
            return None;
        }
        let hint = near(&chain.base, world.scope().names().iter().map(AsRef::as_ref));
        return blame(format!("'{}' is undefined", chain.base), hint);
    };
    let mut path = chain.base.clone();
    for step in &chain.steps {
        let (key, shown) = match step {
            Step::Unknown => return None,
            Step::Name(name) => (Jinja::from(name.as_str()), format!(".{name}")),
            Step::Key(key) => (key.clone(), format!("[{key:?}]")),
        };
        path.push_str(&shown);
        let next = value.get_item(&key).ok().filter(|next| !next.is_undefined());
        let Some(next) = next else {
            let what = match value.kind() {
                ValueKind::Map => format!("the dictionary has no attribute {key:?}"),
                ValueKind::Seq => format!("the list has no element {key:?}"),
                _ => {
                    let kind = World::lower(&value).map_or("value", |v| v.type_name());
                    format!("a value of type {kind} has no attribute {key:?}")
                }
            };
            return blame(format!("'{path}' is undefined: {what}"), near_key(&value, &key));
        };
        value = next;
    }
    None
}

fn near_key(value: &Jinja, key: &Jinja) -> Option<String> {
    let keys: Vec<Jinja> = match value.kind() {
        ValueKind::Map => value.try_iter().ok()?.collect(),
        _ => return None,
    };
    near(key.as_str()?, keys.iter().filter_map(|k| k.as_str()))
}

/// `did you mean "x"?`, if a name is at most a third of its letters away.
fn near<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let far = name.chars().count() / 3 + 1;
    names
        .map(|other| (distance(name, other), other))
        .filter(|(d, _)| *d <= far.min(3))
        .min()
        .map(|(_, other)| format!("did you mean {other:?}?"))
}

/// How many letters must change, come or go (two swapped neighbours count as two).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(&b) {
            let changed = diagonal + usize::from(x != *y);
            diagonal = *cell;
            left = changed.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
