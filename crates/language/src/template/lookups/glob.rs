//! Shell patterns on the controller's files.

use crate::outside::{FileKind, Outside};
use crate::template::filters::call::fail;
use globset::GlobBuilder;
use minijinja::{Error, Value};
use std::path::{Path, PathBuf};

/// The regular files a pattern matches, sorted by name.
pub(in crate::template) fn files(
    outside: &dyn Outside,
    pattern: &str,
) -> Result<Vec<Value>, Error> {
    let mut found =
        if pattern.starts_with('/') { vec![PathBuf::from("/")] } else { vec![PathBuf::new()] };
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        found = step(outside, &found, part)?;
    }
    let is_file =
        |path: &PathBuf| outside.status(path).is_some_and(|status| status.kind == FileKind::File);
    let texts = found.into_iter().filter(is_file);
    Ok(texts.map(|path| Value::from(path.to_string_lossy().into_owned())).collect())
}

fn step(outside: &dyn Outside, directories: &[PathBuf], part: &str) -> Result<Vec<PathBuf>, Error> {
    if !part.contains(['*', '?', '[']) {
        let paths = directories.iter().map(|directory| directory.join(part));
        return Ok(paths.filter(|path| outside.status(path).is_some()).collect());
    }
    // Braces are themselves in Python's patterns.
    let escaped = part.replace('{', "[{]").replace('}', "[}]");
    let glob = GlobBuilder::new(&escaped)
        .literal_separator(true)
        .backslash_escape(false)
        .build()
        .map_err(|error| fail(format!("'{part}' is not a pattern of files: {error}")))?
        .compile_matcher();
    let mut found = Vec::new();
    for directory in directories {
        let place = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        // What cannot be listed holds no matches, as for a shell.
        for entry in outside.list(place).unwrap_or_default() {
            let Some(name) = entry.file_name().map(|name| name.to_string_lossy().into_owned())
            else {
                continue;
            };
            let hidden = name.starts_with('.') && !part.starts_with('.');
            if !hidden && glob.is_match(&name) {
                found.push(directory.join(name));
            }
        }
    }
    Ok(found)
}
