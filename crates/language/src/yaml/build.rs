//! Events to nodes: aliases, merge keys, duplicate keys, limits.

use super::entries::{self, Entries, Key};
use super::load::MAX_DEPTH;
use super::resolve::{self, Plain};
use super::tags::{self, Known};
use super::{Node, NodeKind, collections, syntax};
use crate::diag::{Diagnostic, Diagnostics, Place, Source};
use crate::value::{Encrypted, Text, Value};
use granit_parser::{Event, Marker, ScalarStyle, Span, StructureStyle, Tag};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// How many nodes all aliases (and the anchors kept for them) may make together.
const MAX_COPIES: usize = 250_000;

/// Collects events into documents.
#[expect(clippy::struct_excessive_bools, reason = "independent facts about the text")]
pub(super) struct Builder<'a> {
    source: &'a Arc<Source>,
    text: &'a str,
    warnings: &'a mut Diagnostics,
    /// Texts get their place; false for data.
    written: bool,
    /// The whole text is JSON, where `1e3` is a number.
    json: bool,
    has_aliases: bool,
    has_tabs: bool,
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
            json: is_json(text),
            has_aliases: text.contains('*'),
            has_tabs: text.contains('\t'),
            copies: 0,
            anchors: HashMap::new(),
            frames: Vec::new(),
            documents: Vec::new(),
        }
    }

    /// The same, for text that nobody wrote for us.
    pub(super) fn data(mut self) -> Self {
        self.written = false;
        self.json = false;
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

    /// Refuses a tab between the start of a line, or a `- ` or `? `, and a node: the node's column would be unclear.
    /// The parser lets some of them pass.
    fn check_tab(&self, span: &Span) -> Result<(), Diagnostic> {
        let flow = self.frames.last().is_some_and(|frame| frame.flow);
        if !self.has_tabs || flow {
            return Ok(());
        }
        let start = span.start.byte_offset().unwrap_or(0);
        let before = self.text.get(..start).unwrap_or_default();
        let outer = before.trim_end_matches([' ', '\t']);
        let blanks = before.get(outer.len()..).unwrap_or_default();
        let decides = outer.is_empty() || outer.ends_with(['\n', '-', '?']);
        match blanks.find('\t') {
            Some(at) if decides && !outer.ends_with("---") => {
                let mut place = self.place(span.start);
                let back = u32::try_from(blanks.len() - at).unwrap_or(0);
                place.column = place.column.saturating_sub(back).max(1);
                Err(syntax::tab_indentation().at(&place))
            }
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: &Span,
    ) -> Result<Made, Diagnostic> {
        let tag = self.tag(tag, span)?;
        if span.start.index() != span.end.index() {
            self.check_tab(span)?;
        }
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
            None if self.json && style == ScalarStyle::Plain => resolve::json(&text),
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
                    place: (!self.is_data()).then(|| self.place(span.start)),
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
        self.check_tab(span)?;
        let place = self.place(span.start);
        if self.frames.len() >= MAX_DEPTH {
            return Err(too_deep().at(&place));
        }
        collections::check(tag, matches!(content, Content::List(_))).map_err(|d| d.at(&place))?;
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
            Content::List(items) if frame.tag == Some(Known::Pairs) => collections::pairs(items)?,
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
                    let written = if frame.flow { self.text.get(frame.start..) } else { None };
                    let merge = made.merge.then_some(Key::Merge);
                    entries.key = Some(merge.map_or_else(|| entries::key(made.node, written), Ok)?);
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

/// Ansible tries JSON before YAML.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn too_deep() -> Diagnostic {
    Diagnostic::error(format!("lists and maps are nested more than {MAX_DEPTH} levels deep"))
}

fn too_many_copies() -> Diagnostic {
    Diagnostic::error(format!("the aliases of this file make more than {MAX_COPIES} values"))
        .hint("write the repeated values in a variable instead")
}
