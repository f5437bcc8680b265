//! Events to nodes: aliases, merge keys, duplicate keys, limits.

use super::load::MAX_DEPTH;
use super::resolve::{self, Plain};
use super::tags::{self, Known};
use super::{Node, NodeKind};
use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use crate::value::{Encrypted, Text, Value};
use granit_parser::{Event, Marker, ScalarStyle, Span, StructureStyle, Tag};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// How many nodes all aliases (and the anchors kept for them) may make together.
const MAX_COPIES: usize = 250_000;

/// Collects events into documents.
pub(super) struct Builder<'a> {
    source: &'a Arc<Source>,
    text: &'a str,
    warnings: &'a mut Diagnostics,
    /// Texts get their place; false for data.
    written: bool,
    has_aliases: bool,
    copies: usize,
    anchors: HashMap<usize, Anchored>,
    frames: Vec<Frame>,
    documents: Vec<Node>,
}

/// An anchor's node, complete.
struct Anchored {
    node: Node,
    size: usize,
    height: usize,
}

/// A list or map that is not closed yet.
pub(super) struct Frame {
    pub(super) place: Place,
    pub(super) flow: bool,
    /// Byte offset of its first character.
    pub(super) start: usize,
    anchor: usize,
    tag: Option<Known>,
    /// Inside `!unsafe`: texts get no place.
    data: bool,
    size: usize,
    height: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map(Entries),
}

#[derive(Default)]
struct Entries {
    own: Vec<(Node, Node)>,
    merged: Vec<(Node, Node)>,
    key: Option<Key>,
    /// Where each key is in `own`, once there are many.
    index: HashMap<Value, usize>,
}

enum Key {
    Merge,
    Node(Node),
}

/// A node on its way to its parent, with what limits need to know of it.
struct Made {
    node: Node,
    size: usize,
    height: usize,
    /// A plain `<<`.
    merge: bool,
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        source: &'a Arc<Source>,
        text: &'a str,
        warnings: &'a mut Diagnostics,
    ) -> Self {
        Self {
            source,
            text,
            warnings,
            written: true,
            has_aliases: text.contains('*'),
            copies: 0,
            anchors: HashMap::new(),
            frames: Vec::new(),
            documents: Vec::new(),
        }
    }

    /// The same, for text that nobody wrote for us.
    pub(super) fn data(mut self) -> Self {
        self.written = false;
        self
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The lists and maps that are open, outermost first.
    pub(super) fn open(&self) -> &[Frame] {
        &self.frames
    }

    pub(super) fn finish(self) -> Vec<Node> {
        self.documents
    }

    pub(super) fn place(&self, mark: Marker) -> Place {
        Place {
            source: Arc::clone(self.source),
            line: u32::try_from(mark.line()).unwrap_or(u32::MAX),
            column: u32::try_from(mark.col() + 1).unwrap_or(u32::MAX),
        }
    }

    pub(super) fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let made = self.scalar(text, style, tag.as_deref(), &span)?;
                self.add(made, anchor)
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.open_frame(style, anchor, tag.as_deref(), &span, Content::List(Vec::new()))
            }
            Event::MappingStart(style, anchor, tag) => {
                let content = Content::Map(Entries::default());
                self.open_frame(style, anchor, tag.as_deref(), &span, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close_frame(),
            Event::Alias(id) => self.alias(id, &span),
            Event::UnresolvedAlias(name) => {
                Err(Diagnostic::error(format!("there is no anchor `&{name}` before this alias"))
                    .at(&self.place(span.start))
                    .hint("a value that starts with `*` must be quoted unless it is an alias"))
            }
            Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn is_data(&self) -> bool {
        !self.written || self.frames.last().is_some_and(|frame| frame.data)
    }

    fn tag(&self, tag: Option<&Tag>, span: &Span) -> Result<Option<Known>, Diagnostic> {
        let Some(tag) = tag else { return Ok(None) };
        tags::known(tag).map(Some).ok_or_else(|| {
            Diagnostic::error(format!("unknown tag `{}`", tag.original()))
                .at(&self.place(span.tag_start().unwrap_or(span.start)))
                .hint("a value that starts with `!` must be quoted unless it is a tag")
        })
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: &Span,
    ) -> Result<Made, Diagnostic> {
        let tag = self.tag(tag, span)?;
        let place = self.place(span.start);
        let merge = match tag {
            None => style == ScalarStyle::Plain && text == "<<",
            Some(tag) => tag == Known::Merge,
        };
        let value = self.scalar_value(text, style, tag, span).map_err(|m| m.at(&place))?;
        Ok(Made { node: Node { place, kind: NodeKind::Scalar(value) }, size: 1, height: 0, merge })
    }

    fn scalar_value(
        &self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<Known>,
        span: &Span,
    ) -> Result<Value, Diagnostic> {
        let plain = match tag {
            None | Some(Known::Unsafe) if style == ScalarStyle::Plain => resolve::plain(&text),
            None | Some(Known::Unsafe) => Ok(Plain::Text),
            Some(Known::Seq | Known::Map | Known::Set | Known::Pairs) => {
                return Err(Diagnostic::error("this tag is for a list or a map, not for a text"));
            }
            Some(Known::Binary) => {
                return tags::binary(&text).map(Value::text).map_err(Diagnostic::error);
            }
            Some(Known::Vault) => {
                return Ok(Value::Encrypted(Arc::new(Encrypted {
                    envelope: text.into_owned(),
                    place: Some(self.place(span.start)),
                })));
            }
            Some(tag) => tags::scalar(tag, &text),
        }
        .map_err(|message| Diagnostic::error(message).hint("quote it if it is text"))?;
        Ok(match plain {
            Plain::Null => Value::Null,
            Plain::Bool(b) => Value::Bool(b),
            Plain::Int(n) => Value::Int(n),
            Plain::Float(f) => Value::Float(f),
            Plain::Digits(digits) => Value::text(digits),
            Plain::Timestamp(time) => self.text_value(time.into(), style, tag, span),
            Plain::Text => self.text_value(text, style, tag, span),
        })
    }

    fn text_value(
        &self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<Known>,
        span: &Span,
    ) -> Value {
        if self.is_data() || tag == Some(Known::Unsafe) {
            return Value::text(text);
        }
        let place = self.text_place(&text, style, span);
        Value::Text(Text::written(text, place))
    }

    /// Where the first character of the text itself is.
    fn text_place(&self, text: &str, style: ScalarStyle, span: &Span) -> Place {
        let mut place = self.place(span.start);
        match style {
            ScalarStyle::Plain => {}
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => place.column += 1,
            // The span starts at the first line with content; blank lines before it belong to the text.
            ScalarStyle::Literal | ScalarStyle::Folded => {
                let content = text.trim_start_matches('\n');
                if !content.is_empty() {
                    let blank = u32::try_from(text.len() - content.len()).unwrap_or(0);
                    place.line = place.line.saturating_sub(blank).max(1);
                }
            }
        }
        place
    }

    fn open_frame(
        &mut self,
        style: StructureStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: &Span,
        content: Content,
    ) -> Result<(), Diagnostic> {
        let tag = self.tag(tag, span)?;
        let place = self.place(span.start);
        if self.frames.len() >= MAX_DEPTH {
            return Err(too_deep().at(&place));
        }
        check_collection_tag(tag, &content).map_err(|d| d.at(&place))?;
        self.frames.push(Frame {
            place,
            flow: style == StructureStyle::Flow,
            start: span.start.byte_offset().unwrap_or(0),
            anchor,
            tag,
            data: self.is_data() || tag == Some(Known::Unsafe),
            size: 1,
            height: 1,
            content,
        });
        Ok(())
    }

    fn close_frame(&mut self) -> Result<(), Diagnostic> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let kind = match frame.content {
            Content::List(items) if frame.tag == Some(Known::Pairs) => pairs(items)?,
            Content::List(items) => NodeKind::List(items),
            Content::Map(entries) if frame.tag == Some(Known::Set) => {
                NodeKind::List(entries.finish().into_iter().map(|(key, _)| key).collect())
            }
            Content::Map(entries) => NodeKind::Map(entries.finish()),
        };
        let node = Node { place: frame.place, kind };
        let made = Made { node, size: frame.size, height: frame.height, merge: false };
        self.add(made, frame.anchor)
    }

    fn alias(&mut self, id: usize, span: &Span) -> Result<(), Diagnostic> {
        let place = self.place(span.start);
        let Some(anchored) = self.anchors.get(&id) else {
            return Err(Diagnostic::error("this alias is inside the value that it stands for")
                .at(&place)
                .hint("a value cannot contain itself"));
        };
        let (size, height) = (anchored.size, anchored.height);
        self.copies += size;
        if self.copies > MAX_COPIES {
            return Err(too_many_copies().at(&place));
        }
        if self.frames.len() + height > MAX_DEPTH {
            return Err(too_deep().at(&place));
        }
        let node = anchored.node.clone();
        self.add_to_parent(Made { node, size, height, merge: false })
    }

    fn add(&mut self, made: Made, anchor: usize) -> Result<(), Diagnostic> {
        if anchor != 0 && self.has_aliases {
            self.copies += made.size;
            if self.copies > MAX_COPIES {
                return Err(too_many_copies().at(&made.node.place));
            }
            let node = made.node.clone();
            let anchored = Anchored { node, size: made.size, height: made.height };
            self.anchors.insert(anchor, anchored);
        }
        self.add_to_parent(made)
    }

    fn add_to_parent(&mut self, made: Made) -> Result<(), Diagnostic> {
        let Some(frame) = self.frames.last_mut() else {
            self.documents.push(made.node);
            return Ok(());
        };
        frame.size += made.size;
        frame.height = frame.height.max(made.height + 1);
        match &mut frame.content {
            Content::List(items) => {
                items.push(made.node);
                Ok(())
            }
            Content::Map(entries) => match entries.key.take() {
                None => {
                    entries.key = Some(key(made, frame.flow, frame.start, self.text)?);
                    Ok(())
                }
                Some(Key::Merge) => entries.merge(made.node),
                Some(Key::Node(key)) => {
                    if let Some(warning) = entries.insert(key, made.node) {
                        self.warnings.push(warning);
                    }
                    Ok(())
                }
            },
        }
    }
}

fn too_deep() -> Diagnostic {
    Diagnostic::error(format!("lists and maps are nested more than {MAX_DEPTH} levels deep"))
}

fn too_many_copies() -> Diagnostic {
    Diagnostic::error(format!("the aliases of this file make more than {MAX_COPIES} values"))
        .hint("write the repeated values in a variable instead")
}

fn check_collection_tag(tag: Option<Known>, content: &Content) -> Result<(), Diagnostic> {
    let fits = match (tag, content) {
        (None | Some(Known::Plain | Known::Unsafe), _)
        | (Some(Known::Seq | Known::Pairs), Content::List(_))
        | (Some(Known::Map | Known::Set), Content::Map(_)) => true,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    Err(Diagnostic::error(match (tag, content) {
        (Some(Known::Vault), _) => "`!vault` is for an encrypted text, not for a list or a map",
        (_, Content::List(_)) => "this tag cannot stand before a list",
        (_, Content::Map(_)) => "this tag cannot stand before a map",
    }))
}

/// `!!omap` and `!!pairs`: a list of maps with one entry each becomes a list of pairs.
fn pairs(items: Vec<Node>) -> Result<NodeKind, Diagnostic> {
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

fn key(made: Made, flow: bool, start: usize, text: &str) -> Result<Key, Diagnostic> {
    if made.merge {
        return Ok(Key::Merge);
    }
    let what = match made.node.kind {
        NodeKind::Scalar(_) => return Ok(Key::Node(made.node)),
        NodeKind::List(_) => "list",
        NodeKind::Map(_) => "map",
    };
    if flow && text.get(start..).is_some_and(|written| written.starts_with("{{")) {
        let mut place = made.node.place;
        place.column = place.column.saturating_sub(1).max(1);
        return Err(super::syntax::unquoted_template(&place));
    }
    Err(Diagnostic::error(format!("a {what} cannot be the key of a map"))
        .at(&made.node.place)
        .hint("quote the key if it is text"))
}

/// Up to this many keys a map is searched, beyond it hashed.
const SEARCHED: usize = 8;

impl Entries {
    fn find(&self, key: &Value) -> Option<usize> {
        if self.own.len() <= SEARCHED {
            self.own.iter().position(|(own, _)| is_key(own, key))
        } else {
            self.index.get(key).copied()
        }
    }

    /// Adds an entry; an earlier one with the same key is replaced and warned of.
    fn insert(&mut self, key: Node, value: Node) -> Option<Diagnostic> {
        let NodeKind::Scalar(name) = &key.kind else { return None };
        if let Some(at) = self.find(name) {
            let old = self.own.get_mut(at)?;
            old.1 = value;
            let earlier = old.0.place.clone();
            let shown = crate::value::string(name);
            let warning =
                Diagnostic::warning(format!("duplicate key `{shown}`: the last one counts"))
                    .at(&key.place)
                    .via("first written at", &earlier);
            return Some(warning);
        }
        if self.own.len() == SEARCHED {
            self.index = self
                .own
                .iter()
                .enumerate()
                .filter_map(|(i, (k, _))| Some((scalar(k)?, i)))
                .collect();
        }
        if self.own.len() >= SEARCHED {
            self.index.insert(name.clone(), self.own.len());
        }
        self.own.push((key, value));
        None
    }

    /// Takes the entries of a map, or of a list of maps (the first of them wins), under `<<`.
    fn merge(&mut self, value: Node) -> Result<(), Diagnostic> {
        match value.kind {
            NodeKind::Map(entries) => self.merged.extend(entries),
            NodeKind::List(items) => {
                for item in items.into_iter().rev() {
                    match item.kind {
                        NodeKind::Map(entries) => self.merged.extend(entries),
                        _ => return Err(not_mergeable(&item.place)),
                    }
                }
            }
            NodeKind::Scalar(_) => return Err(not_mergeable(&value.place)),
        }
        Ok(())
    }

    /// Merged entries come first, later ones replace earlier ones in their position, own entries replace all.
    fn finish(self) -> Vec<(Node, Node)> {
        if self.merged.is_empty() {
            return self.own;
        }
        let mut all = Entries::default();
        for (key, value) in self.merged.into_iter().chain(self.own) {
            let _ = all.insert(key, value);
        }
        all.own
    }
}

fn not_mergeable(place: &Place) -> Diagnostic {
    Diagnostic::error("`<<` merges a map or a list of maps, and this is neither").at(place)
}

fn scalar(node: &Node) -> Option<Value> {
    match &node.kind {
        NodeKind::Scalar(value) => Some(value.clone()),
        _ => None,
    }
}

fn is_key(node: &Node, key: &Value) -> bool {
    matches!(&node.kind, NodeKind::Scalar(own) if own == key)
}
