//! What a module accepts. Arguments are checked against it before the module sees them.

use mainstay_language::value::{Map, Value};

/// Type of a parameter, with Ansible's coercions (`"yes"` → true for a bool, `5` → "5" for text, `"a,b"` → list).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Ansible's own types")]
pub enum Kind {
    Text,
    Path,
    Bool,
    Int,
    Float,
    List,
    TextList,
    Dict,
    Raw,
    /// `0644`, `'u=rw,g=r'`: text or a number that YAML has already read as octal.
    Mode,
    Json,
}

/// One parameter.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Canonical name.
    pub name: &'static str,
    /// Other spellings.
    pub aliases: &'static [&'static str],
    /// Type.
    pub kind: Kind,
    /// Must be given.
    pub required: bool,
    /// Used if it is not given, as text that the type's coercion reads.
    pub default: Option<&'static str>,
    /// Allowed texts; empty = any.
    pub choices: &'static [&'static str],
    /// Never shown.
    pub secret: bool,
}

impl Param {
    /// An optional parameter without default; change fields by struct update.
    #[must_use]
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            aliases: &[],
            kind,
            required: false,
            default: None,
            choices: &[],
            secret: false,
        }
    }

    /// Must be given.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Other spellings.
    #[must_use]
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Used if it is not given.
    #[must_use]
    pub const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// Allowed texts.
    #[must_use]
    pub const fn choices(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }

    /// Never shown.
    #[must_use]
    pub const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

/// A module's face.
#[derive(Debug)]
pub struct Spec {
    /// Short name, and other names (`systemd` is also `systemd_service`).
    pub names: &'static [&'static str],
    /// Collections it may be named in: `ansible.builtin` and `ansible.legacy` for most, `kubernetes.core` for k8s_*.
    pub collections: &'static [&'static str],
    /// Whether it takes free-form text (`command: ls -l`), and under which parameter.
    pub free_form: Option<&'static str>,
    /// Parameters. Unknown ones are refused unless `any` is set.
    pub params: &'static [Param],
    /// Takes any other argument as well (`set_fact`, `add_host`, `include_vars` no).
    pub any: bool,
    /// Parameters that the engine hands over as written, not rendered: the module evaluates them itself (`assert: that`,
    /// `debug: var`).
    pub unrendered: &'static [&'static str],
    /// At most one of each set.
    pub exclusive: &'static [&'static [&'static str]],
    /// At least one of each set.
    pub one_of: &'static [&'static [&'static str]],
    /// Runs on the controller without a connection (`debug`, `set_fact`, `add_host`…).
    pub controller: bool,
    /// Works in check mode; one that does not is skipped there by the engine.
    pub check: bool,
}

/// Everything a spec has if nothing else is said.
pub(crate) const BUILTIN: Spec = Spec {
    names: &[],
    collections: &["ansible.builtin", "ansible.legacy"],
    free_form: None,
    params: &[],
    any: false,
    unrendered: &[],
    exclusive: &[],
    one_of: &[],
    controller: false,
    check: true,
};

/// Arguments that fit the spec: canonical names, coerced types, defaults set, parameters that were not given absent.
#[derive(Debug, Clone, Default)]
pub struct Args(pub Map);

impl Args {
    /// The value, if it was given (or has a default) and is not null.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|v| !matches!(v, Value::Null))
    }

    /// Text of a parameter of kind Text, Path, Mode.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// A bool; false if it was not given.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Value::Bool(true)))
    }

    /// A whole number.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            Value::Int(i) => i64::try_from(*i).ok(),
            _ => None,
        }
    }

    /// A number.
    #[must_use]
    pub fn float(&self, name: &str) -> Option<f64> {
        match self.get(name)? {
            #[expect(clippy::cast_precision_loss, reason = "seconds and sizes")]
            Value::Int(i) => Some(*i as f64),
            Value::Float(f) => Some(*f),
            _ => None,
        }
    }

    /// Texts of a parameter of kind [`Kind::TextList`]; empty if it was not given.
    #[must_use]
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.get(name)
            .and_then(Value::as_list)
            .map(|items| items.iter().map(mainstay_language::value::string).collect())
            .unwrap_or_default()
    }
}
