//! `first_found`: the first file of many that exists.

use super::call::Call;
use crate::template::filters::call::{fail, is_mapping};
use crate::template::filters::python;
use minijinja::value::ValueKind;
use minijinja::{Error, Value};

/// What one term, or all of them, look for.
#[derive(Default)]
struct Wanted {
    names: Vec<String>,
    skip: bool,
}

pub(super) fn first_found(call: &mut Call) -> Result<Vec<Value>, Error> {
    let files = call.options.keyword("files")?;
    let paths = call.options.keyword("paths")?;
    let skip = call.options.keyword("skip")?.is_some_and(|v| v.is_true());
    let mut wanted = Wanted { skip, ..Wanted::default() };
    let terms = call.terms.clone();
    if terms.is_empty() || files.is_some() {
        wanted.names.extend(combined(files.as_ref(), paths.as_ref())?);
    }
    for term in &terms {
        gather(term, paths.as_ref(), &mut wanted)?;
    }
    // A relative file is beside the tasks, or where files and templates are kept.
    for name in &wanted.names {
        for under in ["files", "templates", "vars"] {
            if let Some(path) = call.find(name, under) {
                return Ok(vec![Value::from(path.to_string_lossy().into_owned())]);
            }
        }
    }
    if wanted.skip {
        return Ok(Vec::new());
    }
    Err(fail(format!("none of these files was found: {}", wanted.names.join(", "))))
}

fn gather(term: &Value, paths: Option<&Value>, wanted: &mut Wanted) -> Result<(), Error> {
    if is_mapping(term) {
        let get = |name: &str| -> Result<Option<Value>, Error> {
            Ok(Some(python::get(term, &Value::from(name))?).filter(|v| !v.is_undefined()))
        };
        for (key, _) in python::pairs(term)? {
            if !matches!(key.as_str(), Some("files" | "paths" | "skip")) {
                return Err(fail(format!("there is no option '{key}'")));
            }
        }
        wanted.names.extend(combined(get("files")?.as_ref(), get("paths")?.as_ref())?);
        if let Some(skip) = get("skip")? {
            wanted.skip = skip.is_true();
        }
        return Ok(());
    }
    if matches!(term.kind(), ValueKind::Seq | ValueKind::Iterable) {
        for inner in python::items(term)? {
            gather(&inner, paths, wanted)?;
        }
        return Ok(());
    }
    if term.kind() != ValueKind::String {
        let kind = python::type_name(term);
        return Err(fail(format!("a file name or dictionary is needed, not '{kind}'")));
    }
    wanted.names.extend(combined(Some(term), paths)?);
    Ok(())
}

/// Every file under every path; without paths the files themselves.
fn combined(files: Option<&Value>, paths: Option<&Value>) -> Result<Vec<String>, Error> {
    let files = parts(files, &[',', ';'])?;
    let paths = parts(paths, &[',', ':', ';'])?;
    if paths.is_empty() {
        return Ok(files);
    }
    if files.is_empty() {
        return Ok(paths);
    }
    let join = |path: &String| {
        files
            .iter()
            .map(|file| format!("{}/{file}", path.trim_end_matches('/')))
            .collect::<Vec<_>>()
    };
    Ok(paths.iter().flat_map(join).collect())
}

fn parts(value: Option<&Value>, separators: &[char]) -> Result<Vec<String>, Error> {
    let Some(value) = value.filter(|value| !value.is_none()) else { return Ok(Vec::new()) };
    let texts = match value.kind() {
        ValueKind::String => vec![python::string(value)?],
        _ => python::list(value)?.iter().map(python::string).collect::<Result<_, _>>()?,
    };
    let split = texts.iter().flat_map(|text| text.split(|c| separators.contains(&c)));
    Ok(split.filter(|part| !part.is_empty()).map(str::to_owned).collect())
}
