//! Values of the language, with Python's equality, and the place where text was written.
//!
//! Text made by a loader or the command line carries its [`Place`]; text that was computed, or came from a host, the API
//! or a file's content, carries none. Only text with a place is ever rendered or evaluated, and nothing gives a place to
//! text that had none.

mod convert;
mod json;
mod map;
mod python;
mod text;

pub use map::Map;
pub use python::{repr, string};
pub use text::Text;

use crate::diag::Place;
use std::fmt;
use std::sync::Arc;

/// A value.
#[derive(Clone)]
pub enum Value {
    /// `null`, Python's None.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A floating-point number.
    Float(f64),
    /// Text, perhaps a template.
    Text(Text),
    /// A sequence.
    List(Arc<Vec<Value>>),
    /// A dictionary in the order of writing.
    Map(Map),
    /// Variables that are rendered in a scope of their own when they are read (`hostvars[h]`).
    Scope(Arc<dyn Scope>),
    /// Inline `!vault`, decrypted when it is read.
    Encrypted(Arc<Encrypted>),
    /// `omit`: removes the argument or element that holds it.
    Omit,
}

/// An inline `!vault` value: the envelope as written.
#[derive(Debug, PartialEq, Eq)]
pub struct Encrypted {
    /// The text from `$ANSIBLE_VAULT;` on.
    pub envelope: String,
    /// Where it is written.
    pub place: Option<Place>,
}

/// Named variables, unrendered: what a template can see.
pub trait Scope: Send + Sync {
    /// The raw value; text with a place is rendered by whoever reads it, in this scope.
    fn get(&self, name: &str) -> Option<Value>;
    /// Every name, for `vars`, `varnames` and for printing a whole scope.
    fn names(&self) -> Vec<Arc<str>>;
}

impl Value {
    /// Computed text: never rendered.
    #[must_use]
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(Text::computed(text))
    }

    /// A list.
    #[must_use]
    pub fn list(items: Vec<Value>) -> Self {
        Self::List(Arc::new(items))
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// The list, if it is one.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The dictionary, if it is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The value under a text key of a dictionary.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// Where it was written, as far as the value itself knows (text only).
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Text(text) => text.place(),
            Self::Encrypted(vault) => vault.place.as_ref(),
            _ => None,
        }
    }

    /// Python's name of its type, as `type_debug` and error messages print it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) | Self::Encrypted(_) => "str",
            Self::List(_) => "list",
            Self::Map(_) | Self::Scope(_) => "dict",
            Self::Omit => "omit",
        }
    }

    /// Python's truth: empty text, list and dictionary, zero and None are false.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Self::Null | Self::Omit => false,
            Self::Bool(b) => *b,
            Self::Int(i) => *i != 0,
            Self::Float(f) => *f != 0.0,
            Self::Text(text) => !text.as_str().is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Scope(_) | Self::Encrypted(_) => true,
        }
    }

    /// Whether rendering could change it: it holds a template, a vault or a scope somewhere inside.
    #[must_use]
    pub fn needs_rendering(&self) -> bool {
        match self {
            Self::Text(text) => text.is_template(),
            Self::List(list) => list.iter().any(Self::needs_rendering),
            Self::Map(map) => map.iter().any(|(k, v)| k.needs_rendering() || v.needs_rendering()),
            Self::Scope(_) | Self::Encrypted(_) => true,
            _ => false,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&repr(self))
    }
}
