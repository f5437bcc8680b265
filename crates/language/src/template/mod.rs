//! Templates and expressions: Jinja as Ansible 2.19 means it, on values that know who wrote them.

mod error;
mod filters;
mod templar;

pub use filters::add_filters;

pub use error::{TemplateError, TemplateErrorKind};
pub use templar::{FileOptions, Site, Templar};
