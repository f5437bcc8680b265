//! Templates that other templates name: `include`, `import`, `extends`, relative to the search path of the site.

use super::machine::{self, CHAIN, FIND};
use super::world::World;
use crate::outside::{FileKind, Outside};
use minijinja::value::Rest;
use minijinja::{Environment, Error, ErrorKind, State, Value as Jinja};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The template files of a run. A file is read once; what changed in between is not seen, as in one run of Ansible.
pub(super) struct Files {
    outside: Arc<dyn Outside>,
    /// By the name the engine knows it by, which is its path and where it searches further.
    known: Mutex<HashMap<String, Known>>,
}

struct Known {
    path: PathBuf,
    search: Arc<[PathBuf]>,
}

impl Files {
    pub(super) fn new(outside: Arc<dyn Outside>) -> Self {
        Self { outside, known: Mutex::default() }
    }

    /// The engine's name of a file, if there is one of that name in these directories (or their `templates`).
    fn find(&self, name: &str, search: &Arc<[PathBuf]>) -> Option<String> {
        let is_file = |p: &Path| self.outside.status(p).is_some_and(|s| s.kind == FileKind::File);
        let path = if Path::new(name).is_absolute() {
            Some(PathBuf::from(name)).filter(|p| is_file(p))
        } else {
            search
                .iter()
                .flat_map(|dir| [dir.join("templates").join(name), dir.join(name)])
                .find(|p| is_file(p))
        }?;
        let mut key = path.display().to_string();
        for dir in search.iter() {
            key.push('\0');
            key.push_str(&dir.display().to_string());
        }
        let known = Known { path, search: Arc::clone(search) };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), known);
        Some(key)
    }

    fn load(&self, key: &str) -> Result<Option<String>, Error> {
        let path = match self.known.lock().unwrap_or_else(PoisonError::into_inner).get(key) {
            Some(known) => known.path.clone(),
            None => return Ok(None),
        };
        let bytes = self.outside.read(&path).map_err(|e| {
            Error::new(ErrorKind::InvalidOperation, format!("cannot read {}: {e}", path.display()))
        })?;
        String::from_utf8(bytes).map(Some).map_err(|_| {
            Error::new(ErrorKind::InvalidOperation, format!("{} is not UTF-8", path.display()))
        })
    }

    /// The engine's name for a file that is named inside the file it knows as `parent`.
    fn join(&self, name: &str, parent: &str) -> Option<String> {
        let search = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.contains_key(name) {
                return None;
            }
            let parent = known.get(parent)?;
            let beside = parent.path.parent().map(Path::to_path_buf);
            beside.into_iter().chain(parent.search.iter().cloned()).collect()
        };
        self.find(name, &search)
    }
}

/// Joins the files to the engine.
pub(super) fn add(env: &mut Environment<'static>, files: &Arc<Files>) {
    let loader = Arc::clone(files);
    let syntax = super::native::syntax();
    env.set_syntax(syntax.clone());
    env.set_loader(move |key| {
        let text = loader.load(key)?;
        // The final newline is no part of a template that another one names.
        let body = |text: String| text.strip_suffix('\n').map(str::to_owned).unwrap_or(text);
        Ok(text.map(|text| machine::tolerant_source(&body(text), &syntax)))
    });
    env.add_function(CHAIN, |state: &State<'_, '_>, name: &str, keys: Rest<Jinja>| {
        machine::chain(state, name, &keys)
    });
    let joiner = Arc::clone(files);
    env.set_path_join_callback(move |name, parent| {
        joiner.join(name, parent).map_or_else(|| name.to_owned().into(), Into::into)
    });
    let finder = Arc::clone(files);
    env.add_function(FIND, move |state: &State<'_, '_>, names: Jinja, missing_ok: bool| {
        let world = World::of(state)?;
        let choices: Vec<Jinja> = match names.as_str() {
            Some(_) => vec![names],
            None => names.try_iter()?.checked().collect::<Result<_, _>>()?,
        };
        for name in choices.iter().filter_map(|name| name.as_str()) {
            if let Some(key) = finder.find(name, &world.site().search) {
                return Ok(Jinja::from(key));
            }
        }
        if missing_ok {
            return Ok(Jinja::from(Vec::<Jinja>::new()));
        }
        let names: Vec<_> = choices.iter().map(ToString::to_string).collect();
        Err(Error::new(
            ErrorKind::TemplateNotFound,
            format!("there is no template {:?} in the search path", names.join(", ")),
        ))
    });
}
