//! The maintenance bracket.
use super::playing::Playing;
use super::run::Run;
use mainstay_language::diag::Diagnostic;
use mainstay_language::playbook::Maintenance;
use std::sync::Arc;

pub async fn run(
    _run: &Run,
    _playing: &Arc<Playing>,
    _hosts: &[Arc<str>],
    maintenance: &Maintenance,
) -> Result<(), Diagnostic> {
    Err(Diagnostic::error("maintenance is being built").at(&maintenance.place))
}
