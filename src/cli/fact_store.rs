//! Where facts are kept from run to run: the settings `fact_caching*`, and a directory with a file a host.

#![expect(clippy::disallowed_methods, reason = "files of the controller that outlive a run")]

use super::exit;
use super::refusal::Refusal;
use crate::engine::{FactCache, FactStore};
use crate::settings::{Origin, Settings};
use mainstay_language::diag::Diagnostic;
use mainstay_language::outside::Outside;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The cache that the settings ask for; none for `memory`, where facts end with the run.
///
/// # Errors
/// Another plugin, or `jsonfile` without a directory.
pub(super) fn cache(
    settings: &Settings,
    outside: &Arc<dyn Outside>,
) -> Result<Option<FactCache>, Refusal> {
    let refuse = |message: String, hint: &str| {
        Refusal::new(exit::BAD_OPTION, Diagnostic::error(message).hint(hint))
    };
    let plugin = settings.get("CACHE_PLUGIN").unwrap_or("memory");
    match plugin.strip_prefix("ansible.builtin.").unwrap_or(plugin) {
        "memory" => return Ok(None),
        "jsonfile" => {}
        _ => {
            let origin = settings.origin("CACHE_PLUGIN");
            let message = format!("the fact cache {plugin:?} is not supported ({origin})");
            return Err(refuse(message, "memory and jsonfile are"));
        }
    }
    let directory = settings.path("CACHE_PLUGIN_CONNECTION").ok_or_else(|| {
        let message = "the fact cache jsonfile needs a directory".to_owned();
        refuse(message, "set fact_caching_connection or ANSIBLE_CACHE_PLUGIN_CONNECTION")
    })?;
    let seconds = settings
        .number("CACHE_PLUGIN_TIMEOUT")
        .map_err(|d| Refusal::new(exit::BAD_OPTION, d))?
        .unwrap_or(0);
    let prefix = match settings.origin("CACHE_PLUGIN_PREFIX") {
        Origin::Default => "", // jsonfile does not take the default that other plugins have
        _ => settings.get("CACHE_PLUGIN_PREFIX").unwrap_or_default(),
    };
    Ok(Some(FactCache::new(Box::new(Directory {
        path: directory,
        prefix: prefix.to_owned(),
        age_max: (seconds > 0).then(|| Duration::from_secs(seconds)),
        outside: Arc::clone(outside),
    }))))
}

/// `PREFIX` and the record's name make a file's name.
struct Directory {
    path: PathBuf,
    prefix: String,
    /// Older records count as absent.
    age_max: Option<Duration>,
    outside: Arc<dyn Outside>,
}

impl Directory {
    fn file(&self, name: &str) -> io::Result<PathBuf> {
        if name.contains('/') {
            return Err(io::Error::new(ErrorKind::InvalidInput, "the name cannot name a file"));
        }
        Ok(self.path.join(format!("{}{name}", self.prefix)))
    }
}

impl FactStore for Directory {
    fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.file(name)?;
        let modified = match std::fs::metadata(&path) {
            Ok(metadata) => jiff::Timestamp::try_from(metadata.modified()?),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let age = modified.map(|then| self.outside.now().duration_since(then)).unwrap_or_default();
        match self.age_max {
            Some(max) if age > max.try_into().unwrap_or(jiff::SignedDuration::MAX) => Ok(None),
            _ => self.outside.read(&path).map(Some),
        }
    }

    /// Facts may be secrets: the owner alone reads them.
    fn save(&self, name: &str, record: &[u8]) -> io::Result<()> {
        self.outside.write(&self.file(name)?, record, 0o600)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match std::fs::remove_file(self.file(name)?) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
