//! Columns, indentation and brackets.

use super::EmitOptions;
use super::analysis::is_break;

/// The text so far and where it stands.
pub(super) struct Writer {
    out: String,
    column: usize,
    step: usize,
    width: usize,
    /// The column of the current level; none outside all levels.
    level: Option<usize>,
    flow_level: usize,
    /// The last character was a space or nothing.
    whitespace: bool,
    /// Only spaces and `- ? :` stand on this line.
    indention: bool,
    /// The last text ends in empty lines that belong to it.
    open_ended: bool,
}

impl Writer {
    pub(super) fn new(options: &EmitOptions) -> Self {
        let step = if (2..=9).contains(&options.indent) { options.indent } else { 2 };
        let width = options.width.map_or(usize::MAX, |w| if w <= step * 2 { 80 } else { w });
        Self {
            out: String::new(),
            column: 0,
            step,
            width,
            level: None,
            flow_level: 0,
            whitespace: true,
            indention: true,
            open_ended: false,
        }
    }

    pub(super) fn finish(mut self) -> String {
        if self.open_ended {
            self.indicator("...", true, false, false);
            self.indent();
        }
        self.out
    }

    pub(super) fn in_flow(&self) -> bool {
        self.flow_level > 0
    }

    pub(super) fn is_indention(&self) -> bool {
        self.indention
    }

    pub(super) fn is_past_width(&self) -> bool {
        self.column > self.width
    }

    pub(super) fn step(&self) -> usize {
        self.step
    }

    pub(super) fn set_open_ended(&mut self, open: bool) {
        self.open_ended = open;
    }

    /// One level deeper; returns the outer level for [`Self::restore_indent`].
    pub(super) fn increase_indent(&mut self, flow: bool, indentless: bool) -> Option<usize> {
        let outer = self.level;
        self.level = Some(match outer {
            None if flow => self.step,
            None => 0,
            Some(level) if indentless => level,
            Some(level) => level + self.step,
        });
        outer
    }

    pub(super) fn restore_indent(&mut self, outer: Option<usize>) {
        self.level = outer;
    }

    /// Goes to the column of the current level, on a new line if this one is in use.
    pub(super) fn indent(&mut self) {
        let level = self.level.unwrap_or(0);
        let used = self.column > level || (self.column == level && !self.whitespace);
        if !self.indention || used {
            self.line_break();
        }
        while self.column < level {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    pub(super) fn indicator(
        &mut self,
        text: &str,
        needs_space: bool,
        whitespace: bool,
        indention: bool,
    ) {
        if needs_space {
            self.space();
        }
        text.chars().for_each(|c| self.put(c));
        self.whitespace = whitespace;
        self.indention = self.indention && indention;
    }

    /// A space unless there is one.
    pub(super) fn space(&mut self) {
        if !self.whitespace {
            self.put(' ');
        }
    }

    pub(super) fn open_flow(&mut self, bracket: &str) -> Option<usize> {
        self.indicator(bracket, true, true, false);
        let outer = self.increase_indent(true, false);
        self.flow_level += 1;
        outer
    }

    pub(super) fn next_in_flow(&mut self, first: bool) {
        if !first {
            self.indicator(",", false, false, false);
        }
        self.fold_flow();
    }

    pub(super) fn fold_flow(&mut self) {
        if self.is_past_width() {
            self.indent();
        }
    }

    pub(super) fn close_flow(&mut self, bracket: &str, outer: Option<usize>) {
        self.flow_level -= 1;
        self.restore_indent(outer);
        self.indicator(bracket, false, false, false);
    }

    pub(super) fn put(&mut self, c: char) {
        self.out.push(c);
        self.column = if is_break(c) { 0 } else { self.column + 1 };
    }

    pub(super) fn line_break(&mut self) {
        self.put('\n');
    }

    /// A scalar has ended, or a line inside it.
    pub(super) fn set_state(&mut self, whitespace: bool, indention: bool) {
        self.whitespace = whitespace;
        self.indention = indention;
    }

    pub(super) fn set_indention(&mut self, indention: bool) {
        self.indention = indention;
    }
}
