//! Where a host is in a play: pure.
//!
//! A cursor is a stack of frames, one for each list of items that the host is inside of (a section, the parts of a
//! block, an included file, the handlers being flushed). It moves over tasks only: entering and leaving blocks happens
//! while it looks for the next one. The numbers of the frames are the host's *position*; positions compare in play order,
//! which is all that the lockstep strategy needs to keep hosts together.

use mainstay_language::playbook::{Block, BlockKind, Item, Play, Role, Section, Task};
use std::collections::HashSet;
use std::sync::Arc;

/// A stop of a host: what it has to do next.
#[derive(Debug, Clone)]
pub enum Stop {
    /// Run this task.
    Task(Arc<Task>),
    /// Flush the notified handlers (the implicit flush after a section).
    Flush,
    /// Nothing is left.
    End,
}

/// Numbers that order stops as they stand in the play.
pub type Position = Vec<u32>;

/// What a failure led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// A `rescue` of an enclosing block begins.
    Rescue,
    /// An `always` (or a forced flush) runs first; the failure stands.
    Always,
    /// The host is out of the play.
    Out,
}

/// What a frame walks over.
#[derive(Debug, Clone)]
enum List {
    Section(Arc<Play>, Section),
    Body(Arc<Block>),
    Rescue(Arc<Block>),
    Always(Arc<Block>),
    /// All files and roles of one include task, one after another.
    Included(Arc<Vec<Item>>),
    /// Run before a section (fact gathering).
    Prelude(Arc<Vec<Item>>),
    /// Every handler of the play: those that nobody notified are passed over.
    Handlers(Arc<Vec<Item>>),
}

impl List {
    fn items(&self) -> &[Item] {
        match self {
            Self::Section(play, section) => {
                play.sections.get(*section as usize).map_or(&[], Vec::as_slice)
            }
            Self::Body(block) => &block.items,
            Self::Rescue(block) => &block.rescue,
            Self::Always(block) => &block.always,
            Self::Included(items) | Self::Handlers(items) | Self::Prelude(items) => items,
        }
    }

    /// Orders the parts of one block, and the lists that start at the same item.
    fn rank(&self) -> u32 {
        match self {
            Self::Section(..) | Self::Body(_) | Self::Included(_) | Self::Prelude(_) => 0,
            Self::Rescue(_) => 1,
            Self::Always(_) | Self::Handlers(_) => 2,
        }
    }
}

#[derive(Debug, Clone)]
struct Frame {
    list: List,
    index: usize,
    /// The block has failed and its `always` is running: the failure goes on afterwards.
    pending: bool,
}

impl Frame {
    fn new(list: List) -> Self {
        Self { list, index: 0, pending: false }
    }

    /// The role that its items belong to.
    fn role(&self) -> Option<&Arc<Role>> {
        let lineage = match &self.list {
            List::Body(block) | List::Rescue(block) | List::Always(block) => &block.lineage,
            _ => match self.list.items().first()? {
                Item::Task(task) => task.lineage.parent.as_ref()?,
                Item::Block(block) => block.lineage.parent.as_ref()?,
            },
        };
        lineage.role()
    }
}

/// A host's place in a play.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct Cursor {
    play: Arc<Play>,
    /// Sections to walk, each followed by an implicit flush.
    sections: Vec<Section>,
    /// Index into `sections`; `flushing` tells whether its items or its flush are at hand.
    section: usize,
    flushing: bool,
    frames: Vec<Frame>,
    /// `force_handlers`: a section's flush runs after a failure as well.
    force_handlers: bool,
    /// A failure waits for the end of a forced flush.
    pending: bool,
    /// Identities of roles of which a task has run, and of those that have come to their end since.
    ran: HashSet<Arc<str>>,
    completed: HashSet<Arc<str>>,
    out: bool,
}

impl Cursor {
    /// At the start of these sections.
    #[must_use]
    pub fn new(play: &Arc<Play>, sections: &[Section], force_handlers: bool) -> Self {
        let mut cursor = Self {
            play: Arc::clone(play),
            sections: sections.to_vec(),
            section: 0,
            flushing: false,
            frames: Vec::new(),
            force_handlers,
            pending: false,
            ran: HashSet::new(),
            completed: HashSet::new(),
            out: false,
        };
        cursor.open_section();
        cursor
    }

    /// Runs these items before the section at hand begins.
    pub fn prelude(&mut self, items: Vec<Item>) {
        self.frames.push(Frame::new(List::Prelude(Arc::new(items))));
    }

    fn open_section(&mut self) {
        if let Some(section) = self.sections.get(self.section) {
            self.frames.push(Frame::new(List::Section(Arc::clone(&self.play), *section)));
        }
    }

    /// The next stop; does not move past it. Tasks for which `wanted` is false are passed over: its second argument says
    /// whether the task stands among the handlers (where `wanted` means notified) or in the play (where it means tags).
    pub fn settle(&mut self, wanted: &mut dyn FnMut(&Arc<Task>, bool) -> bool) -> Stop {
        loop {
            if self.out || (self.section >= self.sections.len() && self.frames.is_empty()) {
                return Stop::End;
            }
            let handler = self.at_handler();
            let repeats = !self.completed.is_empty() && !self.in_handlers();
            let Some(frame) = self.frames.last_mut() else {
                if self.flushing {
                    return Stop::Flush;
                }
                self.flushing = true;
                continue;
            };
            match frame.list.items().get(frame.index) {
                None => self.leave(),
                Some(Item::Task(task)) if repeats && is_repeated(&self.completed, task) => {
                    frame.index += 1;
                }
                Some(Item::Task(task)) if wanted(task, handler) => {
                    return Stop::Task(Arc::clone(task));
                }
                Some(Item::Task(_)) => frame.index += 1,
                Some(Item::Block(block)) => {
                    let block = Arc::clone(block);
                    self.frames.push(Frame::new(List::Body(block)));
                }
            }
        }
    }

    /// Passes over tasks and flushes until `is` holds for a task; whether it does for any. If not, nothing is left.
    pub fn seek(
        &mut self,
        wanted: &mut dyn FnMut(&Arc<Task>, bool) -> bool,
        is: &mut dyn FnMut(&Arc<Task>) -> bool,
    ) -> bool {
        loop {
            match self.settle(wanted) {
                Stop::End => return false,
                Stop::Task(task) if is(&task) => return true,
                Stop::Task(_) | Stop::Flush => self.advance(),
            }
        }
    }

    /// A frame has come to its end.
    fn leave(&mut self) {
        let Some(frame) = self.frames.pop() else { return };
        match frame.list {
            List::Section(..) => self.flushing = true,
            List::Handlers(_) if self.frames.is_empty() => self.next_section(),
            List::Included(_) | List::Handlers(_) => self.step_over(),
            List::Prelude(_) => {}
            List::Body(block) | List::Rescue(block) => self.finish_block(block),
            List::Always(_) if frame.pending => {
                self.fail();
            }
            List::Always(_) => self.step_over(),
        }
    }

    fn finish_block(&mut self, block: Arc<Block>) {
        if let BlockKind::Role(role) = &block.lineage.kind {
            self.complete(role);
        }
        if block.always.is_empty() {
            self.step_over();
        } else {
            self.frames.push(Frame::new(List::Always(block)));
        }
    }

    /// A task of this role has run (it was neither skipped nor lost with its host).
    pub fn mark_ran(&mut self, role: &Arc<Role>) {
        if !self.ran.contains(&role.identity) {
            self.ran.insert(Arc::clone(&role.identity));
        }
    }

    /// A role has come to its end: unless it allows duplicates, its tasks are passed over from now on.
    fn complete(&mut self, role: &Arc<Role>) {
        if self.ran.contains(&role.identity) {
            self.completed.insert(Arc::clone(&role.identity));
        }
    }

    /// The enclosing list goes on after the item that was just left.
    fn step_over(&mut self) {
        if let Some(parent) = self.frames.last_mut() {
            parent.index += 1;
        }
    }

    /// Past the stop that `settle` gave, which went well (or its failure is ignored).
    pub fn advance(&mut self) {
        match self.frames.last_mut() {
            Some(frame) => frame.index += 1,
            None if self.flushing => self.next_section(),
            None => {}
        }
    }

    fn next_section(&mut self) {
        self.flushing = false;
        if self.pending {
            self.out = true;
            return;
        }
        self.section += 1;
        self.open_section();
    }

    /// The stop is an include: its items are run next, then what follows it.
    pub fn include(&mut self, items: Vec<Item>) {
        self.frames.push(Frame::new(List::Included(Arc::new(items))));
    }

    /// The stop is a flush (implicit or `meta: flush_handlers`): walks these handlers once, in order, then goes on.
    pub fn flush(&mut self, handlers: Arc<Vec<Item>>) {
        self.frames.push(Frame::new(List::Handlers(handlers)));
    }

    /// Whether the task at hand stands among the handlers (not in a file that a handler includes).
    #[must_use]
    pub fn at_handler(&self) -> bool {
        let lists = self.frames.iter().rev().map(|frame| &frame.list);
        lists
            .take_while(|list| !matches!(list, List::Section(..) | List::Included(_)))
            .any(|list| matches!(list, List::Handlers(_)))
    }

    /// Whether the stop is inside handlers.
    #[must_use]
    pub fn in_handlers(&self) -> bool {
        self.frames.iter().any(|frame| matches!(frame.list, List::Handlers(_)))
    }

    /// The task at hand failed (or the block whose `always` has just ended).
    pub fn fail(&mut self) -> Consequence {
        while let Some(frame) = self.frames.pop() {
            match frame.list {
                List::Body(block) if !block.rescue.is_empty() => {
                    self.frames.push(Frame::new(List::Rescue(block)));
                    return Consequence::Rescue;
                }
                List::Body(block) | List::Rescue(block) if !block.always.is_empty() => {
                    let mut frame = Frame::new(List::Always(block));
                    frame.pending = true;
                    self.frames.push(frame);
                    return Consequence::Always;
                }
                _ => {}
            }
        }
        if self.force_handlers && !self.flushing {
            self.flushing = true;
            self.pending = true;
            return Consequence::Always;
        }
        self.out = true;
        Consequence::Out
    }

    /// Whether a failure of the task at hand would be taken by a rescue, at once or after an `always` inside of it.
    #[must_use]
    pub fn has_rescue(&self) -> bool {
        self.frames
            .iter()
            .any(|frame| matches!(&frame.list, List::Body(block) if !block.rescue.is_empty()))
    }

    /// Failures that wait for the end of an `always` or of a forced flush are forgotten.
    pub fn clear_errors(&mut self) {
        self.pending = false;
        for frame in &mut self.frames {
            frame.pending = false;
        }
    }

    /// Whether no task is left (a flush of handlers may be).
    pub fn is_finished(&mut self) -> bool {
        let last = self.section + 1 >= self.sections.len();
        match self.settle(&mut |_, _| true) {
            Stop::End => true,
            Stop::Flush => last,
            Stop::Task(_) => false,
        }
    }

    /// Whether it has left the play.
    #[must_use]
    pub fn is_out(&self) -> bool {
        self.out
    }

    /// Leaves the play at once (`end_host`, unreachable, `end_play`).
    pub fn end(&mut self) {
        self.frames.clear();
        self.out = true;
    }

    /// Leaves the role that the stop is in (`end_role`).
    pub fn end_role(&mut self, role: &Arc<Role>) {
        let inside = |frame: &Frame| frame.role().is_some_and(|r| Arc::ptr_eq(r, role));
        while self.frames.last().is_some_and(inside) {
            self.frames.pop();
        }
        self.complete(role);
        self.step_over();
    }

    /// Where the stop stands.
    #[must_use]
    pub fn position(&self) -> Position {
        let section = u32::try_from(self.section).unwrap_or(u32::MAX);
        let mut position = vec![section, u32::from(self.flushing)];
        for frame in &self.frames {
            position.push(frame.list.rank());
            position.push(u32::try_from(frame.index).unwrap_or(u32::MAX));
        }
        position
    }
}

/// Whether the task belongs to a role that the host has completed and that runs once.
fn is_repeated(completed: &HashSet<Arc<str>>, task: &Arc<Task>) -> bool {
    let role = task.lineage.role();
    role.is_some_and(|role| !role.allow_duplicates && completed.contains(&role.identity))
}
