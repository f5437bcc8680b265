//! Templates and expressions: Jinja as Ansible 2.19 means it, on values that know who wrote them.

mod condition;
mod convert;
mod engine;
mod error;
mod extend;
mod file;
mod files;
mod functions;
mod lazy;
mod machine;
mod native;
mod report;
mod templar;
mod world;

pub use engine::DEPTH_MAX;
pub use error::{TemplateError, TemplateErrorKind};
pub use templar::{FileOptions, Site, Templar, TemplarOptions};
pub use world::{Decrypt, NoSecrets, WORLD, World};
