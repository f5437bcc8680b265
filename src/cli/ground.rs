//! What every command stands on: settings, secrets, the inventory, extra variables, `--limit`.

use super::args::Sources;
use super::exit;
use super::real::RealOutside;
use super::refusal::Refusal;
use super::secrets;
use crate::event::Redactor;
use crate::settings::{Origin, Settings};
use mainstay_language::diag::{Diagnostic, Diagnostics, Nature};
use mainstay_language::inventory::{
    self, Constructed, Files, InvalidGroupNames, LoadOptions, Loaded, Pattern, Plugin,
};
use mainstay_language::outside::Outside;
use mainstay_language::template::{Decrypt, Templar, TemplarOptions};
use mainstay_language::value::{Encrypted, Map};
use mainstay_language::vars::{ExtraVars, HashBehaviour};
use mainstay_language::vault::Secrets;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `all` means then surprises people.
const NO_HOSTS: &str = "provided hosts list is empty, only localhost is available. Note that the implicit localhost \
                        does not match 'all'";

/// Read once at the start; connects nowhere.
pub(super) struct Ground {
    /// The controller.
    pub outside: Arc<dyn Outside>,
    /// Environment, file, defaults.
    pub settings: Settings,
    /// Takes secrets out of events.
    pub redactor: Redactor,
    /// Vault passwords.
    pub secrets: Arc<Secrets>,
    /// Templates.
    pub templar: Arc<Templar>,
    /// The inventory.
    pub loaded: Loaded,
    /// What it was read from, to read it again.
    pub sources: Vec<String>,
    /// How it was read.
    pub load: LoadOptions,
    /// `-e`
    pub extra: Map,
    /// `--limit`
    pub limit: Option<Pattern>,
    /// What the reader should know.
    pub warnings: Diagnostics,
}

impl Ground {
    /// Reads settings, secrets, inventory, extra variables; checks that the playbooks are there before anything is asked.
    ///
    /// # Errors
    /// A flag, a setting, the inventory or a secret cannot be used; a playbook is not there.
    pub(super) fn lay(flags: &Sources, playbooks: &[PathBuf]) -> Result<Self, Refusal> {
        let outside: Arc<dyn Outside> = Arc::new(RealOutside);
        let settings = Settings::load(&*outside).map_err(|d| Refusal::new(exit::BAD_OPTION, d))?;
        for path in playbooks {
            check_playbook(&*outside, path)?;
        }
        let redactor = Redactor::default();
        let secrets =
            secrets::load(&flags.vault, &settings, &*outside, &redactor).map_err(general)?;
        let secrets = Arc::new(secrets);
        let files = Files { outside: &*outside, secrets: &secrets };
        let mut warnings = Diagnostics(settings.warnings.iter().map(Diagnostic::warning).collect());
        let extra = ExtraVars::parse(&flags.extra_vars, HashBehaviour::Replace, files)
            .map_err(bad_variables)?;
        warnings.0.extend(extra.warnings.0);
        let options = TemplarOptions {
            secrets: Arc::new(Opened { secrets: Arc::clone(&secrets), redactor: redactor.clone() }),
            broken_conditionals: settings.flag("ALLOW_BROKEN_CONDITIONALS"),
            settings: settings.values(),
        };
        let templar = Arc::new(Templar::with_options(Arc::clone(&outside), options));
        let (sources, load) = (sources(flags, &settings, &*outside), load_options(&settings));
        let loaded = inventory::load(&sources, &load, files, &Constructed(&templar))
            .map_err(|diagnostics| Refusal { code: exit::GENERAL, diagnostics })?;
        warnings.0.extend(loaded.warnings.0.clone());
        if loaded.inventory.hosts().len() == 0 && loaded.warnings.0.is_empty() {
            warnings.push(Diagnostic::warning(NO_HOSTS));
        }
        let limit = match limit(flags, &loaded, files, &mut warnings) {
            Ok(limit) => limit,
            Err(refusal) => return Err(refusal.after(warnings)),
        };
        Ok(Self {
            outside,
            settings,
            redactor,
            secrets: Arc::clone(&secrets),
            templar,
            loaded,
            sources,
            load,
            extra: extra.vars,
            limit,
            warnings,
        })
    }

    /// The controller's files through the vault secrets.
    #[must_use]
    pub(super) fn files(&self) -> Files<'_> {
        Files { outside: &*self.outside, secrets: &self.secrets }
    }

    /// The directory that stands for a playbook's where there is none: `--playbook-dir`, the setting, the working
    /// directory.
    #[must_use]
    pub(super) fn directory(&self, flag: Option<&Path>) -> PathBuf {
        let here = self.outside.directory();
        flag.map(|path| here.join(path))
            .or_else(|| self.settings.path("PLAYBOOK_DIR"))
            .unwrap_or(here)
    }
}

fn general(diagnostic: Diagnostic) -> Refusal {
    Refusal::new(exit::GENERAL, diagnostic)
}

/// Extra variables that cannot be used: text that does not parse, a file that is not there, no variables at all.
fn bad_variables(diagnostic: Diagnostic) -> Refusal {
    let code = match diagnostic.nature {
        Nature::Syntax => exit::UNREACHABLE,
        Nature::Missing => exit::GENERAL,
        Nature::General => exit::BAD_OPTION,
    };
    Refusal::new(code, diagnostic)
}

fn check_playbook(outside: &dyn Outside, path: &Path) -> Result<(), Refusal> {
    use mainstay_language::outside::FileKind;
    let shown = path.display();
    match outside.status(path).map(|status| status.kind) {
        Some(FileKind::File | FileKind::Other) => Ok(()),
        Some(FileKind::Directory) => Err(general(
            Diagnostic::error(format!("the playbook: {shown} does not appear to be a file"))
                .hint("it is a directory; name a file in it"),
        )),
        None => Err(general(
            Diagnostic::error(format!("the playbook: {shown} could not be found"))
                .hint(format!("relative paths start at {}", outside.directory().display())),
        )),
    }
}

/// What `-i` names, else what the settings name: a comma-separated list of paths, each relative to what set it. The
/// default file is used if it is there; nobody asked for it.
fn sources(flags: &Sources, settings: &Settings, outside: &dyn Outside) -> Vec<String> {
    const SETTING: &str = "DEFAULT_HOST_LIST";
    if !flags.inventory.is_empty() {
        return flags.inventory.clone();
    }
    let mut paths = settings.path_list(SETTING);
    if settings.origin(SETTING) == Origin::Default {
        paths.retain(|path| outside.status(path).is_some());
    }
    paths.iter().map(|path| path.display().to_string()).collect()
}

fn load_options(settings: &Settings) -> LoadOptions {
    LoadOptions {
        plugins: settings
            .list("INVENTORY_ENABLED")
            .iter()
            .filter_map(|name| Plugin::by_name(name))
            .collect(),
        ignored_extensions: settings.list("INVENTORY_IGNORE_EXTS"),
        ignored_patterns: settings
            .list("INVENTORY_IGNORE_PATTERNS")
            .iter()
            .filter_map(|p| regex::Regex::new(p).ok())
            .collect(),
        invalid_group_names: match settings.get("TRANSFORM_INVALID_GROUP_CHARS") {
            Some("always") => InvalidGroupNames::Always,
            Some("silently") => InvalidGroupNames::Silently,
            Some("ignore") => InvalidGroupNames::Ignore,
            _ => InvalidGroupNames::Never,
        },
        any_unparsed_is_failed: settings.flag("INVENTORY_ANY_UNPARSED_IS_FAILED"),
        unparsed_is_failed: settings.flag("INVENTORY_UNPARSED_IS_FAILED"),
        unparsed_warning: settings.flag("INVENTORY_UNPARSED_WARNING"),
    }
}

fn limit(
    flags: &Sources,
    loaded: &Loaded,
    files: Files<'_>,
    warnings: &mut Diagnostics,
) -> Result<Option<Pattern>, Refusal> {
    if flags.limit.is_empty() {
        return Ok(None);
    }
    let text = flags.limit.join(",");
    let pattern = Pattern::parse_limit(&text, files, warnings).map_err(general)?;
    let matched = loaded.inventory.matching(&pattern);
    if matched.hosts.is_empty() && loaded.inventory.hosts().len() > 0 {
        return Err(no_hosts(&format!("--limit {text}")));
    }
    Ok(Some(pattern))
}

/// Nothing is left to run on.
#[must_use]
pub(super) fn no_hosts(whose: &str) -> Refusal {
    let message =
        "Specified inventory, host pattern and/or --limit leaves us with no hosts to target.";
    general(Diagnostic::error(message).hint(format!("{whose} matches no host of the inventory")))
}

/// Opens vaulted values, and hides what was in them from every report.
struct Opened {
    secrets: Arc<Secrets>,
    redactor: Redactor,
}

impl Decrypt for Opened {
    fn decrypt(&self, encrypted: &Encrypted) -> Result<String, String> {
        let text = self.secrets.decrypt(encrypted)?;
        self.redactor.hide(&text);
        Ok(text)
    }
}
