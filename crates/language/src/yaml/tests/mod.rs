//! What PyYAML 6.0.3 with Ansible's loader makes of the same texts.

mod errors;
mod limits;
mod properties;
mod scalars;
mod tree;

use super::{Node, load_one};
use crate::diag::{Diagnostic, Diagnostics, Source};
use crate::value::{Value, repr};

/// The one document of a text.
fn node(text: &str) -> Node {
    load_one(&Source::new("t.yml", text), &mut Diagnostics::default()).expect("loads")
}

/// Its value as Python prints it.
fn python(text: &str) -> String {
    repr(&node(text).to_value())
}

fn value(text: &str) -> Value {
    node(text).to_value()
}

fn error(text: &str) -> Diagnostic {
    load_one(&Source::new("t.yml", text), &mut Diagnostics::default()).expect_err("is refused")
}

fn warnings(text: &str) -> Vec<Diagnostic> {
    let mut warnings = Diagnostics::default();
    load_one(&Source::new("t.yml", text), &mut warnings).expect("loads");
    warnings.0
}
