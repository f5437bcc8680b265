//! `vars_files` of a play (level 14): for each host, as their names may depend on it.

use super::playing::Playing;
use super::run::Run;
use super::scope::HostScope;
use crate::event::Event;
use mainstay_language::diag::{Diagnostic, Diagnostics};
use mainstay_language::inventory::vars_file;
use mainstay_language::template::TemplateErrorKind;
use mainstay_language::value::{Map, Scope, Value, string};
use std::sync::Arc;

/// Reads the files of each host of a batch.
///
/// # Errors
/// A file that does not exist or is not a dictionary.
pub fn load(run: &Run, playing: &Arc<Playing>, hosts: &[Arc<str>]) -> Result<(), Diagnostic> {
    let files = match playing.play.only.get("vars_files") {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::List(list)) => list.to_vec(),
        Some(one) => vec![one.clone()],
    };
    for host in hosts {
        playing.set_files(host, Map::new());
        let mut all = Map::new();
        for item in &files {
            if let Some(vars) = first_found(run, playing, host, item)? {
                all.extend_with(&vars);
                playing.set_files(host, all.clone());
            }
        }
    }
    Ok(())
}

/// One entry: a file, or a list of which the first that exists counts.
fn first_found(
    run: &Run,
    playing: &Arc<Playing>,
    host: &Arc<str>,
    item: &Value,
) -> Result<Option<Map>, Diagnostic> {
    let choices = match item {
        Value::List(list) => list.to_vec(),
        one => vec![one.clone()],
    };
    let scope: Arc<dyn Scope> = HostScope::of_play(&run.world, playing, host);
    let mut tried = Vec::new();
    for choice in &choices {
        let name = match run.templar.render(choice, &scope, &playing.site()) {
            Ok(value) => string(&value),
            Err(error) if error.kind == TemplateErrorKind::Undefined => {
                let message = format!(
                    "skipping vars_files item due to an undefined variable: {}",
                    error.diagnostic
                );
                run.events.emit(Event::Warning { message });
                return Ok(None);
            }
            Err(error) => return Err(*error.diagnostic),
        };
        for path in [playing.directory.join("vars").join(&name), playing.directory.join(&name)] {
            if run.outside.status(&path).is_some() {
                return read(run, &path).map(Some).map_err(|d| d.at_opt(choice.place()));
            }
        }
        tried.push(name);
    }
    let place = item.place().or_else(|| choices.first().and_then(Value::place));
    let message = format!("vars_files: there is no file {}", tried.join(" or "));
    Err(Diagnostic::error(message)
        .at_opt(place)
        .hint("it is looked for in vars/ and beside the playbook"))
}

fn read(run: &Run, path: &std::path::Path) -> Result<Map, Diagnostic> {
    let mut warnings = Diagnostics::default();
    let vars = vars_file(path, run.files(), &mut warnings)?;
    for warning in warnings.0 {
        run.events.emit(Event::Warning { message: warning.to_string() });
    }
    Ok(vars)
}
