//! Templates and expressions: Jinja as Ansible 2.19 means it, on values that know who wrote them.

mod condition;
#[cfg(test)]
mod controller;
mod convert;
mod engine;
mod error;
mod extend;
mod file;
mod files;
mod filters;
mod functions;
mod lazy;
mod lookups;
mod machine;
mod native;
mod report;
mod templar;
mod tests;
mod world;

pub use engine::DEPTH_MAX;
pub use error::{TemplateError, TemplateErrorKind};
pub use filters::add_filters;
pub use templar::{FileOptions, Site, Templar, TemplarOptions};
pub use tests::add_tests;
pub use world::{Decrypt, NoSecrets, WORLD, World};
