//! Paths as text, POSIX rules; what needs the file system asks the controller.

use super::call::{Args, Entry, entry, fail};
use super::python;
use crate::outside::Outside;
use crate::template::World;
use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};
use std::path::Path;

pub(super) static ENTRIES: &[Entry] = &[
    entry("basename", |_, args| Ok(Value::from(base_name(&path(args)?)))),
    entry("dirname", |_, args| Ok(Value::from(dir_name(&path(args)?)))),
    entry("splitext", |_, args| {
        let path = path(args)?;
        let (root, extension) = split_extension(&path);
        Ok(python::tuple(vec![Value::from(root), Value::from(extension)]))
    }),
    entry("normpath", |_, args| Ok(Value::from(normalised(&path(args)?)))),
    entry("commonpath", common_path),
    entry("path_join", path_join),
    entry("relpath", relative),
    entry("realpath", real),
    entry("expanduser", expand_user),
    entry("expandvars", expand_variables),
    entry("fileglob", file_glob),
];

fn path(args: &mut Args) -> Result<String, Error> {
    text(&args.value("path")?)
}

fn text(value: &Value) -> Result<String, Error> {
    match (value.kind(), value.as_str()) {
        (ValueKind::String, Some(text)) => Ok(text.to_owned()),
        _ => {
            Err(fail(format!("a path is text, not a value of type '{}'", python::type_name(value))))
        }
    }
}

/// What follows the last slash.
pub(in crate::template) fn base_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// What stands before the last slash.
pub(in crate::template) fn dir_name(path: &str) -> &str {
    let head = path.rfind('/').and_then(|at| path.get(..=at)).unwrap_or_default();
    let trimmed = head.trim_end_matches('/');
    if trimmed.is_empty() { head } else { trimmed }
}

fn split_extension(path: &str) -> (&str, &str) {
    let name = base_name(path);
    let dots = name.len() - name.trim_start_matches('.').len();
    match name.get(dots..).and_then(|rest| rest.rfind('.')) {
        Some(at) => path.split_at(path.len() - name.len() + dots + at),
        None => (path, ""),
    }
}

/// `os.path.normpath`.
pub(in crate::template) fn normalised(path: &str) -> String {
    let root = match path.len() - path.trim_start_matches('/').len() {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match (part, parts.last()) {
            ("..", Some(&last)) if last != ".." => {
                parts.pop();
            }
            ("..", None) if !root.is_empty() => {}
            _ => parts.push(part),
        }
    }
    let joined = format!("{root}{}", parts.join("/"));
    if joined.is_empty() { ".".to_owned() } else { joined }
}

fn common_path(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let paths =
        python::list(&args.value("paths")?)?.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = paths.first() else { return Err(fail("there are no paths")) };
    let absolute = first.starts_with('/');
    if paths.iter().any(|path| path.starts_with('/') != absolute) {
        return Err(fail("absolute and relative paths have nothing in common"));
    }
    let parts = |path: &str| -> Vec<String> {
        path.split('/').filter(|p| !p.is_empty() && *p != ".").map(str::to_owned).collect()
    };
    let mut common = parts(first);
    for path in &paths {
        let same = common.iter().zip(parts(path)).take_while(|(a, b)| *a == b).count();
        common.truncate(same);
    }
    let root = if absolute { "/" } else { "" };
    Ok(Value::from(format!("{root}{}", common.join("/"))))
}

fn path_join(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("paths")?;
    let parts = match value.kind() {
        ValueKind::String => vec![text(&value)?],
        _ => python::list(&value)?.iter().map(text).collect::<Result<_, _>>()?,
    };
    let mut joined = String::new();
    for part in parts {
        join(&mut joined, &part);
    }
    Ok(Value::from(joined))
}

/// `os.path.join`: an absolute part starts anew.
pub(in crate::template) fn join(path: &mut String, part: &str) {
    if part.starts_with('/') {
        path.clear();
    } else if !path.is_empty() && !path.ends_with('/') {
        path.push('/');
    }
    path.push_str(part);
}

fn absolute(path: &str, outside: &dyn Outside) -> String {
    let mut full = outside.directory().to_string_lossy().into_owned();
    join(&mut full, path);
    normalised(&full)
}

fn relative(state: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let path = path(args)?;
    let start = args.text_option("start")?.unwrap_or_else(|| ".".to_owned());
    if path.is_empty() {
        return Err(fail("the path is empty"));
    }
    let both_absolute = path.starts_with('/') && start.starts_with('/');
    let (path, start) = if both_absolute {
        (normalised(&path), normalised(&start))
    } else {
        let world = World::of(state)?;
        let outside = world.outside().as_ref();
        (absolute(&path, outside), absolute(&start, outside))
    };
    let parts = |p: &str| -> Vec<String> {
        p.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let (path, start) = (parts(&path), parts(&start));
    let same = path.iter().zip(&start).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..", start.len() - same);
    let steps: Vec<&str> = up.chain(path.iter().skip(same).map(String::as_str)).collect();
    Ok(Value::from(if steps.is_empty() { ".".to_owned() } else { steps.join("/") }))
}

fn real(state: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let path = path(args)?;
    let world = World::of(state)?;
    let full = absolute(&path, world.outside().as_ref());
    resolved(&full, world.outside().as_ref()).map(Value::from)
}

/// Follows links where there are any; asks `readlink -m`, which does not need the path to exist.
pub(in crate::template) fn resolved(path: &str, outside: &dyn Outside) -> Result<String, Error> {
    let mut prefix = String::new();
    let linked = path.split('/').filter(|part| !part.is_empty()).any(|part| {
        prefix.push('/');
        prefix.push_str(part);
        outside.status(Path::new(&prefix)).is_some_and(|status| status.link)
    });
    if !linked {
        return Ok(path.to_owned());
    }
    let ran = outside
        .run(&["readlink", "-m", "--", path], None)
        .map_err(|error| fail(format!("the links of '{path}' cannot be followed: {error}")))?;
    if ran.status != 0 {
        return Err(fail(format!("the links of '{path}' cannot be followed")));
    }
    Ok(String::from_utf8_lossy(&ran.stdout).trim_end_matches('\n').to_owned())
}

fn expand_user(state: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let path = path(args)?;
    let Some(rest) = path.strip_prefix('~') else { return Ok(Value::from(path)) };
    let (user, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let world = World::of(state)?;
    let home = match user {
        "" => world.outside().env("HOME").or_else(|| home_of(world.outside().as_ref(), None)),
        user => home_of(world.outside().as_ref(), Some(user)),
    };
    Ok(Value::from(match home {
        Some(home) => {
            let full = format!("{}{tail}", home.trim_end_matches('/'));
            if full.is_empty() { "/".to_owned() } else { full }
        }
        None => path,
    }))
}

/// The home directory of a user as `/etc/passwd` has it; without a name that of user 0 when HOME is unset.
fn home_of(outside: &dyn Outside, user: Option<&str>) -> Option<String> {
    let table = outside.read(Path::new("/etc/passwd")).ok()?;
    let table = String::from_utf8_lossy(&table);
    let user = user.map(str::to_owned).or_else(|| outside.env("USER"))?;
    let entry = table.lines().find(|line| line.split(':').next() == Some(&user))?;
    entry.split(':').nth(5).map(str::to_owned)
}

fn expand_variables(state: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let path = path(args)?;
    if !path.contains('$') {
        return Ok(Value::from(path));
    }
    let world = World::of(state)?;
    let mut out = String::with_capacity(path.len());
    let mut rest = path.as_str();
    while let Some(at) = rest.find('$') {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let after = tail.get(1..).unwrap_or_default();
        let (name, used) = match after.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            Some((name, _)) => (name, name.len() + 3),
            None => {
                let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
                let name = after.split(word).next().unwrap_or_default();
                (name, name.len() + 1)
            }
        };
        let (whole, following) = tail.split_at(used);
        match world.outside().env(name).filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(&value),
            None => out.push_str(whole),
        }
        rest = following;
    }
    out.push_str(rest);
    Ok(Value::from(out))
}

fn file_glob(state: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let pattern = args.text("pathname")?;
    let world = World::of(state)?;
    let found = crate::template::lookups::glob::files(world.outside().as_ref(), &pattern)?;
    Ok(Value::from(found))
}
