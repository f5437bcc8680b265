//! YAML as `PyYAML` reads and writes it, with the place of every node.
//!
//! The syntax comes from `granit-parser`; everything above its events is here: what a plain scalar means
//! (YAML 1.1 as `PyYAML` understands it), tags, merge keys, aliases, duplicate keys, limits, and errors for the
//! author of a file.
//!
//! Places: a [`Node`] has the place of its first character (the quote, the `[`; of a block scalar the first line with
//! content). The text inside has the place of its own first character (after the quote, the first line of a block even
//! if it is blank), so that a caret inside a template is found by counting lines and columns from there: exact in
//! plain and quoted texts of one line and in `|` blocks, where every line has the column of the first.

mod build;
mod collections;
mod emit;
mod entries;
mod load;
mod node;
mod resolve;
mod syntax;
mod tags;
mod timestamp;

pub use emit::{EmitOptions, Style, emit};
pub use load::{load, load_data, load_one, load_one_text, load_text};
pub use node::{Node, NodeKind};

#[cfg(test)]
mod tests;
