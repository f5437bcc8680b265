//! Values to YAML, byte for byte as `PyYAML`'s `safe_dump` writes them with libyaml (which Ansible uses): the
//! `to_yaml` and `to_nice_yaml` filters.

mod analysis;
mod scalars;
#[cfg(test)]
mod tests;
mod writer;

use crate::value::{Map, Value, repr};
use analysis::Analysis;
use std::borrow::Cow;
use std::cmp::Ordering;
use writer::Writer;

/// What `to_yaml` and `to_nice_yaml` let their users choose. The default is that of `to_yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmitOptions {
    /// Columns of one level, 2 to 9; anything else means 2. `to_nice_yaml` takes 4.
    pub indent: usize,
    /// Texts are folded at the first space after this column (default 80); `None` never folds.
    pub width: Option<usize>,
    /// Keys in order, if they can be compared as Python compares them (default true).
    pub sort_keys: bool,
    /// `Some(true)`: everything in brackets; `Some(false)`: nothing but empty lists and maps (`to_nice_yaml`); `None`:
    /// lists and maps of plain values only.
    pub flow: Option<bool>,
    /// `---` before the document.
    pub explicit_start: bool,
    /// `...` after it.
    pub explicit_end: bool,
    /// How texts are written where it is possible (`default_style`).
    pub style: Option<Style>,
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `'…'`
    Single,
    /// `"…"`
    Double,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

impl Default for EmitOptions {
    fn default() -> Self {
        Self {
            indent: 2,
            width: Some(80),
            sort_keys: true,
            flow: None,
            explicit_start: false,
            explicit_end: false,
            style: None,
        }
    }
}

impl EmitOptions {
    /// The defaults of `to_nice_yaml`.
    #[must_use]
    pub fn nice() -> Self {
        Self { indent: 4, flow: Some(false), ..Self::default() }
    }
}

/// One document with a final newline. Vaults are written as `!vault` with their envelope, a scope as its raw variables,
/// `omit` as null.
#[must_use]
pub fn emit(value: &Value, options: &EmitOptions) -> String {
    let mut emitter = Emitter { writer: Writer::new(options), options };
    emitter.document(value);
    emitter.writer.finish()
}

struct Emitter<'a> {
    writer: Writer,
    options: &'a EmitOptions,
}

/// Where a node stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Root,
    /// An element of a list.
    Element,
    /// A value of a map, or a key after `? `.
    Entry,
    /// A key before `:` on one line.
    SimpleKey,
}

/// A scalar on its way out.
struct Scalar<'a> {
    text: Cow<'a, str>,
    /// Read back as what it is without quotes.
    plain: bool,
    /// Read back as what it is with quotes: it is text.
    quoted: bool,
    style: Option<Style>,
    vault: bool,
}

impl Emitter<'_> {
    fn document(&mut self, value: &Value) {
        if self.options.explicit_start {
            self.writer.indent();
            self.writer.indicator("---", true, false, false);
        }
        self.node(value, Context::Root);
        self.writer.indent();
        if self.options.explicit_end {
            self.writer.indicator("...", true, false, false);
            self.writer.set_open_ended(false);
            self.writer.indent();
        }
    }

    fn node(&mut self, value: &Value, context: Context) {
        match value {
            Value::List(items) => self.list(items, context),
            Value::Map(map) => self.map(map),
            Value::Scope(scope) => {
                let names = scope.names();
                let entry = |name: std::sync::Arc<str>| {
                    let value = scope.get(&name)?;
                    Some((Value::text(name), value))
                };
                self.map(&names.into_iter().filter_map(entry).collect());
            }
            scalar => {
                if let Some(scalar) = self.scalar_of(scalar) {
                    self.scalar(&scalar, context);
                }
            }
        }
    }

    fn list(&mut self, items: &[Value], context: Context) {
        let flow = self.is_flow(items.is_empty(), || items.iter().all(|item| self.is_plain(item)));
        if !flow {
            let indentless = context == Context::Entry && !self.writer.is_indention();
            let outer = self.writer.increase_indent(false, indentless);
            for item in items {
                self.writer.indent();
                self.writer.indicator("-", true, false, true);
                self.node(item, Context::Element);
            }
            self.writer.restore_indent(outer);
            return;
        }
        let outer = self.writer.open_flow("[");
        for (i, item) in items.iter().enumerate() {
            self.writer.next_in_flow(i == 0);
            self.node(item, Context::Element);
        }
        self.writer.close_flow("]", outer);
    }

    fn map(&mut self, map: &Map) {
        let plain = || map.iter().all(|(k, v)| self.is_plain(k) && self.is_plain(v));
        let flow = self.is_flow(map.is_empty(), plain);
        let entries = self.entries(map);
        if !flow {
            let outer = self.writer.increase_indent(false, false);
            for (key, value) in entries {
                self.writer.indent();
                if self.is_simple_key(key) {
                    self.node(key, Context::SimpleKey);
                    self.writer.indicator(":", false, false, false);
                } else {
                    self.writer.indicator("?", true, false, true);
                    self.node(key, Context::Entry);
                    self.writer.indent();
                    self.writer.indicator(":", true, false, true);
                }
                self.node(value, Context::Entry);
            }
            self.writer.restore_indent(outer);
            return;
        }
        let outer = self.writer.open_flow("{");
        for (i, (key, value)) in entries.into_iter().enumerate() {
            self.writer.next_in_flow(i == 0);
            if self.is_simple_key(key) {
                self.node(key, Context::SimpleKey);
                self.writer.indicator(":", false, false, false);
            } else {
                self.writer.indicator("?", true, false, false);
                self.node(key, Context::Entry);
                self.writer.fold_flow();
                self.writer.indicator(":", true, false, false);
            }
            self.node(value, Context::Entry);
        }
        self.writer.close_flow("}", outer);
    }

    fn is_flow(&self, empty: bool, plain: impl Fn() -> bool) -> bool {
        empty || self.writer.in_flow() || self.options.flow.unwrap_or_else(plain)
    }

    /// Whether it is a scalar without a style of its own.
    fn is_plain(&self, value: &Value) -> bool {
        !matches!(value, Value::List(_) | Value::Map(_) | Value::Scope(_) | Value::Encrypted(_))
            && self.options.style.is_none()
    }

    fn entries<'v>(&self, map: &'v Map) -> Vec<(&'v Value, &'v Value)> {
        let mut entries: Vec<_> = map.iter().collect();
        if self.options.sort_keys {
            let comparable = |kind: fn(&Value) -> bool| entries.iter().all(|(key, _)| kind(key));
            if comparable(|key| key.as_str().is_some()) || comparable(is_number) {
                entries.sort_by(|(a, _), (b, _)| order(a, b));
            }
        }
        entries
    }

    /// A key that fits on one line before its colon.
    fn is_simple_key(&self, key: &Value) -> bool {
        match key {
            Value::List(items) => items.is_empty(),
            Value::Map(map) => map.is_empty(),
            Value::Scope(_) => false,
            scalar => self.scalar_of(scalar).is_some_and(|scalar| {
                let tag = if scalar.vault { "!vault".len() } else { 0 };
                scalar.text.len() + tag <= 128 && !analysis::has_breaks(&scalar.text)
            }),
        }
    }

    fn scalar_of<'v>(&self, value: &'v Value) -> Option<Scalar<'v>> {
        let (text, plain, quoted): (Cow<'v, str>, _, _) = match value {
            Value::Null | Value::Omit => ("null".into(), true, false),
            Value::Bool(b) => (if *b { "true" } else { "false" }.into(), true, false),
            Value::Int(n) => (n.to_string().into(), true, false),
            Value::Float(f) => (float(*f).into(), true, false),
            Value::Text(text) => (text.as_str().into(), analysis::is_text(text.as_str()), true),
            Value::Encrypted(vault) => {
                let text = vault.envelope.as_str().into();
                let style = Some(Style::Literal);
                return Some(Scalar { text, plain: false, quoted: false, style, vault: true });
            }
            Value::List(_) | Value::Map(_) | Value::Scope(_) => return None,
        };
        Some(Scalar { text, plain, quoted, style: self.options.style, vault: false })
    }

    fn scalar(&mut self, scalar: &Scalar<'_>, context: Context) {
        let analysis = Analysis::of(&scalar.text);
        let simple_key = context == Context::SimpleKey;
        let style = self.style(scalar, &analysis, simple_key);
        if scalar.vault {
            self.writer.indicator("!vault", true, false, false);
        } else if style.is_some() && !scalar.quoted {
            self.writer.indicator("!", true, false, false);
        }
        let outer = self.writer.increase_indent(true, false);
        scalars::write(&mut self.writer, &scalar.text, style, !simple_key);
        self.writer.restore_indent(outer);
    }

    /// The style that a scalar can have here; `None` is plain.
    fn style(&self, scalar: &Scalar<'_>, analysis: &Analysis, simple_key: bool) -> Option<Style> {
        let flow = self.writer.in_flow();
        let mut style = scalar.style;
        if simple_key && analysis.multiline {
            style = Some(Style::Double);
        }
        let plain = if flow { analysis.flow_plain } else { analysis.block_plain };
        let nothing = scalar.text.is_empty() && (flow || simple_key);
        if style.is_none() && (!plain || nothing || !(scalar.plain || scalar.vault)) {
            style = Some(Style::Single);
        }
        match style {
            Some(Style::Single) if !analysis.single => Some(Style::Double),
            Some(Style::Literal | Style::Folded) if !analysis.block || flow || simple_key => {
                Some(Style::Double)
            }
            other => other,
        }
    }
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Int(_) | Value::Float(_))
}

#[expect(clippy::cast_precision_loss, reason = "only the order of keys")]
fn order(a: &Value, b: &Value) -> Ordering {
    let number = |value: &Value| match value {
        Value::Bool(b) => f64::from(u8::from(*b)),
        Value::Int(n) => *n as f64,
        Value::Float(f) => *f,
        _ => 0.0,
    };
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a.as_str().cmp(b.as_str()),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (a, b) => number(a).partial_cmp(&number(b)).unwrap_or(Ordering::Equal),
    }
}

/// As `PyYAML` writes a float, so that it is read as one again.
fn float(f: f64) -> String {
    if f.is_nan() {
        return ".nan".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = repr(&Value::Float(f));
    if text.contains('.') { text } else { text.replacen('e', ".0e", 1) }
}
