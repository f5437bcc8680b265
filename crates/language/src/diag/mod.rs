//! Where a text was written, and what is wrong with it.

mod diagnostic;
mod place;
mod render;
mod window;

pub use diagnostic::{Diagnostic, Diagnostics, Nature, Severity};
pub use place::{Place, Source};
