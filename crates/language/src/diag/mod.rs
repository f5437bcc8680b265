//! Where a text was written, and what is wrong with it.

mod diagnostic;
mod place;
mod render;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use place::{Place, Source};
