//! Tags of lists and maps.

use super::tags::Known;
use super::{Node, NodeKind};
use crate::diag::Diagnostic;

/// Refuses a tag that cannot stand before a list (or a map).
pub(super) fn check(tag: Option<Known>, list: bool) -> Result<(), Diagnostic> {
    let fits = matches!(
        (tag, list),
        (None | Some(Known::Plain | Known::Unsafe), _)
            | (Some(Known::Seq | Known::Pairs), true)
            | (Some(Known::Map | Known::Set), false)
    );
    if fits {
        return Ok(());
    }
    Err(Diagnostic::error(match (tag, list) {
        (Some(Known::Vault), _) => "`!vault` is for an encrypted text, not for a list or a map",
        (_, true) => "this tag cannot stand before a list",
        (_, false) => "this tag cannot stand before a map",
    }))
}

/// `!!omap` and `!!pairs`: a list of maps with one entry each becomes a list of pairs.
pub(super) fn pairs(items: Vec<Node>) -> Result<NodeKind, Diagnostic> {
    let pair = |item: Node| {
        let place = item.place.clone();
        let mut entries = match item.kind {
            NodeKind::Map(entries) if entries.len() == 1 => entries,
            _ => {
                return Err(Diagnostic::error("expected a map with exactly one entry").at(&place));
            }
        };
        let items = entries.drain(..).flat_map(|(key, value)| [key, value]).collect();
        Ok(Node { place, kind: NodeKind::List(items) })
    };
    items.into_iter().map(pair).collect::<Result<_, _>>().map(NodeKind::List)
}
