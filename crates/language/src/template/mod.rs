//! Templates and expressions: Jinja as Ansible 2.19 means it, on values that know who wrote them.

#[cfg(test)]
mod behaviour;
mod condition;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod controller;
mod convert;
mod engine;
mod error;
mod escape;
mod extend;
mod file;
mod files;
mod filters;
mod functions;
#[cfg(test)]
mod hostile;
mod lazy;
mod lookups;
mod machine;
mod mutable;
mod native;
mod python;
mod report;
mod templar;
mod tests;
mod world;

pub use engine::DEPTH_MAX;
pub use error::{TemplateError, TemplateErrorKind};
pub use filters::{Wanted, add_filters, bytes_of, password_hash};
pub use templar::{FileOptions, Site, Templar, TemplarOptions};
pub use tests::add_tests;
pub use world::{Decrypt, NoSecrets, WORLD, World};
