//! Packages of a node: what is installed, what the lists that were fetched offer, and which changes a request means.
//! Pure; `apt-get` and `dpkg` are its faces.

use super::source::Origin;
use super::version::{compare, matches};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// A version of a package, as a repository or dpkg describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Debian version.
    pub version: String,
    /// `amd64` or `all`.
    pub architecture: String,
    /// Section of the archive.
    pub section: String,
    /// `required`, `important`, `optional`…
    pub priority: String,
    /// Other names, perhaps with a version in parentheses.
    pub provides: String,
    /// One line.
    pub summary: String,
    /// Packages that must be there, with the least version.
    pub depends: Vec<(String, String)>,
    /// Bytes to fetch.
    pub size: u64,
}

/// A package of the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// What it is.
    pub package: Package,
    /// dpkg's selection is `hold`.
    pub held: bool,
    /// It came for another package's sake.
    pub automatic: bool,
}

/// A list that `apt-get update` fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Where from.
    pub origin: Origin,
    /// All that it offers.
    pub packages: Vec<Package>,
}

/// dpkg's database and apt's lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Packages {
    /// By name.
    pub installed: BTreeMap<String, Installed>,
    /// In the order of the sources.
    pub lists: Vec<List>,
}

/// What is asked of apt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `install`
    Install,
    /// `remove` and `purge`
    Remove,
    /// `upgrade`: nothing new, nothing goes.
    Upgrade,
    /// `dist-upgrade`
    DistUpgrade,
    /// `autoremove`
    Autoremove,
}

/// What may be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leave {
    /// `--only-upgrade`
    pub only_upgrade: bool,
    /// `--reinstall`
    pub reinstall: bool,
    /// `--auto-remove`
    pub autoremove: bool,
}

/// What will change; every list in the order of names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transaction {
    /// New ones that were not asked for by name.
    pub additional: Vec<String>,
    /// All new ones.
    pub new: Vec<Package>,
    /// Newer ones.
    pub upgraded: Vec<Package>,
    /// Older ones.
    pub downgraded: Vec<Package>,
    /// The same again.
    pub reinstalled: Vec<Package>,
    /// Names that go.
    pub removed: Vec<String>,
    /// Names that are on hold and change all the same.
    pub held_changed: Vec<String>,
    /// Names that `upgrade` leaves as they are.
    pub kept_back: Vec<String>,
    /// Asked for, and as new as can be: name and version.
    pub newest_already: Vec<(String, String)>,
    /// `install` of one that came for another's sake, or the other way.
    pub now_manual: Vec<String>,
    /// To be removed, and not there.
    pub not_installed: Vec<String>,
    /// `--only-upgrade` of one that is not there.
    pub skipped: Vec<String>,
    /// Could be newer, and stay.
    pub not_upgraded: usize,
}

/// Why nothing can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// No such name.
    Package(String),
    /// The name is known, the version is not.
    Version(String, String),
    /// A dependency cannot be met: who, what, since which version.
    Unmet(String, String, String),
}

impl Packages {
    /// All versions of a package that a list offers, with the list, newest first; equal ones in the order of lists.
    #[must_use]
    pub fn offers(&self, name: &str) -> Vec<(&Package, &List)> {
        let all = self.lists.iter().flat_map(|list| list.packages.iter().map(move |p| (p, list)));
        let mut offers: Vec<_> = all.filter(|(package, _)| package.name == name).collect();
        offers.sort_by(|(a, _), (b, _)| compare(&b.version, &a.version));
        offers
    }

    /// The version that `install` without a version means: the newest, and never an older one than is installed.
    #[must_use]
    pub fn candidate(&self, name: &str) -> Option<&Package> {
        let offered = self.offers(name).first().map(|(package, _)| *package);
        match (self.installed.get(name).map(|i| &i.package), offered) {
            (Some(here), Some(there))
                if compare(&there.version, &here.version) == Ordering::Greater =>
            {
                Some(there)
            }
            (Some(here), _) => Some(here),
            (None, there) => there,
        }
    }

    /// Whether apt has heard of it.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.candidate(name).is_some()
    }

    /// The newest version that fits a pattern such as `1.37.2-*`.
    fn version(&self, name: &str, pattern: &str) -> Option<Package> {
        let here = self.installed.get(name).map(|i| &i.package);
        let all = self.offers(name).into_iter().map(|(package, _)| package).chain(here);
        let mut fitting: Vec<&Package> = all.filter(|p| matches(pattern, &p.version)).collect();
        fitting.sort_by(|a, b| compare(&a.version, &b.version));
        fitting.last().map(|package| (*package).clone())
    }

    /// Names that a word of the command line means: one, or all that fit a pattern.
    fn named(&self, word: &str) -> Vec<String> {
        if !word.contains(['*', '?']) {
            return vec![word.to_owned()];
        }
        let offered = self.lists.iter().flat_map(|list| list.packages.iter().map(|p| &p.name));
        let all: BTreeSet<&String> = self.installed.keys().chain(offered).collect();
        all.into_iter().filter(|name| matches(word, name)).cloned().collect()
    }

    /// What a request means. Words are `name`, `name=version`, each perhaps a pattern, or `name-` to remove.
    ///
    /// # Errors
    /// A word means nothing, or something needs what nobody offers.
    pub fn plan(&self, verb: Verb, words: &[String], leave: Leave) -> Result<Transaction, Unknown> {
        let mut plan =
            Plan { packages: self, transaction: Transaction::default(), wanted: BTreeMap::new() };
        match verb {
            Verb::Install => {
                for word in words {
                    plan.install(word, leave)?;
                }
                plan.dependencies()?;
            }
            Verb::Remove => {
                for word in words {
                    plan.remove(word)?;
                }
            }
            Verb::Upgrade | Verb::DistUpgrade => plan.upgrade(verb == Verb::DistUpgrade)?,
            Verb::Autoremove => {}
        }
        if verb == Verb::Autoremove || leave.autoremove {
            plan.autoremove();
        }
        Ok(plan.finish())
    }

    /// Carries a transaction out.
    pub fn apply(&mut self, transaction: &Transaction) {
        for name in &transaction.removed {
            self.installed.remove(name);
        }
        let changed = [&transaction.upgraded, &transaction.downgraded, &transaction.reinstalled];
        for package in changed.into_iter().flatten() {
            if let Some(installed) = self.installed.get_mut(&package.name) {
                installed.package = package.clone();
            }
            // apt gives up a hold that it was allowed to overrule.
            if transaction.held_changed.contains(&package.name)
                && let Some(installed) = self.installed.get_mut(&package.name)
            {
                installed.held = false;
            }
        }
        for package in &transaction.new {
            let automatic = transaction.additional.contains(&package.name);
            let installed = Installed { package: package.clone(), held: false, automatic };
            self.installed.insert(package.name.clone(), installed);
        }
        for name in &transaction.now_manual {
            if let Some(installed) = self.installed.get_mut(name) {
                installed.automatic = false;
            }
        }
    }
}

/// A transaction in the making.
struct Plan<'a> {
    packages: &'a Packages,
    transaction: Transaction,
    /// By name: the version that will be there, and whether it was asked for by name.
    wanted: BTreeMap<String, (Package, bool)>,
}

impl Plan<'_> {
    fn install(&mut self, word: &str, leave: Leave) -> Result<(), Unknown> {
        let (word, version) = match word.split_once('=') {
            Some((name, version)) => (name, Some(version)),
            None => (word, None),
        };
        let names = self.packages.named(word.split(':').next().unwrap_or(word));
        if names.is_empty() {
            return Err(Unknown::Package(word.to_owned()));
        }
        for name in names {
            let here = self.packages.installed.get(&name);
            let package = match version {
                Some(version) => self.packages.version(&name, version),
                None => self.packages.candidate(&name).cloned(),
            };
            let package = match (package, version) {
                (Some(package), _) => package,
                (None, Some(version)) if self.packages.knows(&name) => {
                    return Err(Unknown::Version(name, version.to_owned()));
                }
                (None, _) => return Err(Unknown::Package(name)),
            };
            match here {
                None if leave.only_upgrade => self.transaction.skipped.push(name),
                Some(installed) if installed.package.version == package.version => {
                    if installed.automatic {
                        self.transaction.now_manual.push(name.clone());
                    }
                    if leave.reinstall {
                        self.transaction.reinstalled.push(package);
                    } else {
                        self.transaction.newest_already.push((name, package.version));
                    }
                }
                _ => {
                    self.wanted.insert(name, (package, true));
                }
            }
        }
        Ok(())
    }

    /// Adds what the wanted ones need, until nothing is missing.
    fn dependencies(&mut self) -> Result<(), Unknown> {
        let mut open: Vec<Package> =
            self.wanted.values().map(|(package, _)| package.clone()).collect();
        while let Some(package) = open.pop() {
            for (name, least) in &package.depends {
                let enough = |p: &Package| compare(&p.version, least) != Ordering::Less;
                let there = match self.wanted.get(name) {
                    Some((wanted, _)) => enough(wanted),
                    None => self.packages.installed.get(name).is_some_and(|i| enough(&i.package)),
                };
                if there {
                    continue;
                }
                match self.packages.candidate(name).filter(|p| enough(p)) {
                    Some(found) if !self.wanted.contains_key(name) => {
                        self.wanted.insert(name.clone(), (found.clone(), false));
                        open.push(found.clone());
                    }
                    _ => return Err(Unknown::Unmet(package.name, name.clone(), least.clone())),
                }
            }
        }
        Ok(())
    }

    fn remove(&mut self, word: &str) -> Result<(), Unknown> {
        let names = self.packages.named(word);
        for name in names {
            if self.packages.installed.contains_key(&name) {
                self.go(&name);
            } else if self.packages.knows(&name) {
                self.transaction.not_installed.push(name);
            } else {
                return Err(Unknown::Package(name));
            }
        }
        Ok(())
    }

    /// It goes, and all that need it.
    fn go(&mut self, name: &str) {
        if self.transaction.removed.iter().any(|gone| gone == name) {
            return;
        }
        self.transaction.removed.push(name.to_owned());
        let need = |i: &Installed| i.package.depends.iter().any(|(needed, _)| needed == name);
        let all = &self.packages.installed;
        let others: Vec<String> =
            all.iter().filter(|(_, i)| need(i)).map(|(n, _)| n.clone()).collect();
        for other in others {
            self.go(&other);
        }
    }

    fn upgrade(&mut self, whole: bool) -> Result<(), Unknown> {
        for (name, installed) in &self.packages.installed {
            let Some(candidate) = self.packages.candidate(name) else { continue };
            if candidate.version == installed.package.version {
                continue;
            }
            let needs_new =
                candidate.depends.iter().any(|(n, _)| !self.packages.installed.contains_key(n));
            if installed.held || (needs_new && !whole) {
                self.transaction.kept_back.push(name.clone());
            } else {
                self.wanted.insert(name.clone(), (candidate.clone(), true));
            }
        }
        self.dependencies()
    }

    /// Packages that came for others' sake, and whom nobody needs now.
    fn autoremove(&mut self) {
        loop {
            let gone = |name: &String| self.transaction.removed.contains(name);
            let stays: Vec<&Installed> = self
                .packages
                .installed
                .iter()
                .filter(|(name, _)| !gone(name))
                .map(|(_, i)| i)
                .collect();
            let needed =
                |name: &str| stays.iter().any(|i| i.package.depends.iter().any(|(n, _)| n == name));
            let Some(name) = stays
                .iter()
                .find(|i| i.automatic && !i.held && !needed(&i.package.name))
                .map(|i| i.package.name.clone())
            else {
                return;
            };
            self.transaction.removed.push(name);
        }
    }

    fn finish(self) -> Transaction {
        let Self { packages, mut transaction, wanted } = self;
        for (name, (package, asked)) in wanted {
            match packages.installed.get(&name) {
                None => {
                    if !asked {
                        transaction.additional.push(name);
                    }
                    transaction.new.push(package);
                }
                Some(installed) => {
                    if installed.held {
                        transaction.held_changed.push(name);
                    }
                    match compare(&package.version, &installed.package.version) {
                        Ordering::Less => transaction.downgraded.push(package),
                        _ => transaction.upgraded.push(package),
                    }
                }
            }
        }
        for name in &transaction.removed {
            if packages.installed.get(name).is_some_and(|i| i.held) {
                transaction.held_changed.push(name.clone());
            }
        }
        transaction.removed.sort();
        transaction.held_changed.sort();
        let touched = |name: &String| {
            transaction.removed.contains(name)
                || [&transaction.upgraded, &transaction.downgraded]
                    .iter()
                    .any(|l| l.iter().any(|p| p.name == *name))
        };
        transaction.not_upgraded = packages
            .installed
            .iter()
            .filter(|(name, i)| {
                !touched(name)
                    && packages.candidate(name).is_some_and(|c| c.version != i.package.version)
            })
            .count();
        transaction
    }
}

impl Transaction {
    /// Packages that are fetched and unpacked, in the order of names.
    #[must_use]
    pub fn unpacked(&self) -> Vec<&Package> {
        let mut all: Vec<&Package> =
            [&self.new, &self.upgraded, &self.downgraded, &self.reinstalled]
                .into_iter()
                .flatten()
                .collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.unpacked().is_empty() && self.removed.is_empty()
    }
}
