//! Literal values of keywords. A template may become anything and is checked when it is rendered.

use super::keyword::{Keyword, Kind};
use crate::diag::Diagnostic;
use crate::value::{Value, string};
use crate::yaml::{Node, NodeKind};

/// Whether a keyword may hold this literal. `null` is as if the keyword were not written.
///
/// # Errors
/// What was expected, at what does not fit.
pub(super) fn literal(known: &Keyword, node: &Node) -> Result<(), Diagnostic> {
    if node.is_null() && known.name == "tags" {
        return Err(Diagnostic::error("\"tags\" must be text or a list of texts, not nothing"));
    }
    if node.is_null() || is_template(node) {
        return Ok(());
    }
    let is =
        |fits: fn(&Value) -> bool| if scalar(node).is_some_and(fits) { None } else { Some(node) };
    let (misfit, expected) = match known.kind {
        Kind::Own => return Ok(()),
        Kind::Maps if known.name == "vars" => return variables(node),
        Kind::Bool => (is(is_bool), "true or false".to_owned()),
        Kind::Int => (is(is_int), "a whole number".to_owned()),
        Kind::Float => (is(is_number), "a number".to_owned()),
        Kind::Percent => (is(is_percent), "a number, perhaps with a percent sign".to_owned()),
        Kind::Batches => (
            misfit(node, |n| scalar(n).is_some_and(is_batch)),
            "a number, a percentage, or a list of them".to_owned(),
        ),
        Kind::Text => (is(|_| true), "text".to_owned()),
        Kind::Choice(choices) => (
            Some(node).filter(|n| n.as_str().is_none_or(|s| !choices.contains(&s))),
            format!("one of {}", choices.join(", ")),
        ),
        Kind::Texts if known.name == "tags" && !is_list(node) => {
            (Some(node).filter(|n| n.as_str().is_none()), "text or a list of texts".to_owned())
        }
        Kind::Texts if known.name == "listen" => {
            (misfit(node, |n| n.as_str().is_some()), "text or a list of texts".to_owned())
        }
        Kind::Texts => {
            (misfit(node, |n| scalar(n).is_some()), "text or a list of texts".to_owned())
        }
        Kind::Conditions => (
            misfit(node, |n| scalar(n).is_some()),
            "a condition or a list of conditions".to_owned(),
        ),
        Kind::Maps => (misfit(node, is_map), "a map or a list of maps".to_owned()),
    };
    let Some(misfit) = misfit else { return Ok(()) };
    let message = format!("{:?} must be {expected}, not {}", known.name, shape(misfit));
    Err(Diagnostic::error(message).at(&misfit.place))
}

fn variables(node: &Node) -> Result<(), Diagnostic> {
    if is_map(node) {
        return Ok(());
    }
    let wrong = Diagnostic::error(format!("\"vars\" must be a map, not {}", shape(node)));
    Err(match &node.kind {
        NodeKind::List(_) => wrong.hint("write the variables without dashes, one name a line"),
        _ => wrong,
    })
}

/// `a list`, `a map`, or the scalar as written.
pub(super) fn shape(node: &Node) -> String {
    match &node.kind {
        NodeKind::List(_) => "a list".to_owned(),
        NodeKind::Map(_) => "a map".to_owned(),
        NodeKind::Scalar(Value::Null) => "nothing".to_owned(),
        NodeKind::Scalar(Value::Text(text)) => format!("{:?}", text.as_str()),
        NodeKind::Scalar(Value::Bool(b)) => b.to_string(),
        NodeKind::Scalar(value) => string(value),
    }
}

/// A scalar that is not null, and no template.
pub(super) fn scalar(node: &Node) -> Option<&Value> {
    match &node.kind {
        NodeKind::Scalar(Value::Null) => None,
        NodeKind::Scalar(value) => Some(value),
        _ => None,
    }
}

/// Text that holds a template, or an inline vault.
pub(super) fn is_template(node: &Node) -> bool {
    matches!(&node.kind, NodeKind::Scalar(value) if value.needs_rendering())
}

fn is_list(node: &Node) -> bool {
    matches!(node.kind, NodeKind::List(_))
}

fn is_map(node: &Node) -> bool {
    matches!(node.kind, NodeKind::Map(_))
}

/// The node, or the first element of a list, that does not fit and is no template.
fn misfit(node: &Node, fits: impl Fn(&Node) -> bool) -> Option<&Node> {
    match &node.kind {
        NodeKind::List(items) => items.iter().find(|n| !fits(n) && !is_template(n)),
        _ => Some(node).filter(|n| !fits(n)),
    }
}

pub(super) fn is_bool(value: &Value) -> bool {
    const WORDS: [&str; 14] =
        ["yes", "y", "on", "1", "true", "t", "1.0", "no", "n", "off", "0", "false", "f", "0.0"];
    match value {
        Value::Bool(_) | Value::Int(0 | 1) => true,
        Value::Float(f) => [0.0, 1.0].contains(f),
        Value::Text(text) => WORDS.contains(&text.as_str().trim().to_lowercase().as_str()),
        _ => false,
    }
}

fn is_int(value: &Value) -> bool {
    match value {
        Value::Int(_) | Value::Bool(_) => true,
        Value::Float(f) => f.fract() == 0.0,
        Value::Text(text) => text.as_str().trim().parse::<i128>().is_ok(),
        _ => false,
    }
}

fn is_number(value: &Value) -> bool {
    is_int(value)
        || matches!(value, Value::Float(_))
        || value.as_str().is_some_and(|s| s.trim().parse::<f64>().is_ok())
}

fn is_percent(value: &Value) -> bool {
    is_number(value)
        || value
            .as_str()
            .is_some_and(|s| s.trim().trim_end_matches('%').trim().parse::<f64>().is_ok())
}

fn is_batch(value: &Value) -> bool {
    is_int(value)
        || value
            .as_str()
            .and_then(|s| s.trim().strip_suffix('%'))
            .is_some_and(|s| s.trim().parse::<f64>().is_ok())
}
