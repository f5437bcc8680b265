//! Explicit tags.

use super::resolve::{self, Plain};
use super::timestamp;
use base64::Engine as _;
use granit_parser::Tag;

/// The tags that a file may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// `!`: as if there were none, but a quoted scalar is resolved too.
    Plain,
    /// `!!str`
    Str,
    /// `!!int`
    Int,
    /// `!!float`
    Float,
    /// `!!bool`
    Bool,
    /// `!!null`
    Null,
    /// `!!binary`
    Binary,
    /// `!!timestamp`
    Timestamp,
    /// `!!merge`
    Merge,
    /// `!!seq`
    Seq,
    /// `!!map`
    Map,
    /// `!!set`
    Set,
    /// `!!omap` and `!!pairs`
    Pairs,
    /// `!unsafe`
    Unsafe,
    /// `!vault` and `!vault-encrypted`
    Vault,
}

/// Which tag it is; none for one that nobody knows here.
pub(super) fn known(tag: &Tag) -> Option<Known> {
    if let Some(core) = tag.suffix_in_namespace("tag:yaml.org,2002:") {
        return Some(match core.as_ref() {
            "str" => Known::Str,
            "int" => Known::Int,
            "float" => Known::Float,
            "bool" => Known::Bool,
            "null" => Known::Null,
            "binary" => Known::Binary,
            "timestamp" => Known::Timestamp,
            "merge" => Known::Merge,
            "seq" => Known::Seq,
            "map" => Known::Map,
            "set" => Known::Set,
            "omap" | "pairs" => Known::Pairs,
            _ => return None,
        });
    }
    match (tag.handle(), tag.suffix()) {
        ("!", "unsafe") | ("", "!unsafe") => Some(Known::Unsafe),
        ("!", "vault" | "vault-encrypted") | ("", "!vault" | "!vault-encrypted") => {
            Some(Known::Vault)
        }
        ("!", "") | ("", "!") => Some(Known::Plain),
        _ => None,
    }
}

/// What a scalar with a tag of a basic type means.
///
/// # Errors
/// The text is no such thing: a lower-case fragment.
pub(super) fn scalar(tag: Known, text: &str) -> Result<Plain, String> {
    let none = |what: &str| format!("this is not a {what}");
    match tag {
        Known::Int => resolve::int(text).ok_or_else(|| none("whole number")),
        Known::Float => resolve::float(text).map(Plain::Float).ok_or_else(|| none("number")),
        Known::Bool => {
            resolve::explicit_bool(text).map(Plain::Bool).ok_or_else(|| none("truth value"))
        }
        Known::Null => Ok(Plain::Null),
        Known::Timestamp => {
            timestamp::python(text).map(Plain::Timestamp).ok_or_else(|| none("date or time"))
        }
        Known::Plain => resolve::plain(text),
        _ => Ok(Plain::Text),
    }
}

/// The text of a `!!binary`.
///
/// # Errors
/// It is not base64, or its bytes are not text: a lower-case fragment.
pub(super) fn binary(text: &str) -> Result<String, String> {
    let clean: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(clean)
        .map_err(|_| "the value of !!binary is not base64".to_owned())?;
    String::from_utf8(bytes).map_err(|_| "the bytes of !!binary are not UTF-8 text".to_owned())
}
