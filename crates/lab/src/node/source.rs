//! Where packages come from: the node's sources.list files, and what each repository that exists in the lab offers.

use super::files::Files;
use super::package::{Installed, Package};
use super::release::Releases;
use std::collections::BTreeMap;
use std::io;

/// One `deb` line (or one pair of URI and suite of a deb822 file).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Without its last slash, such as `https://pkgs.k8s.io/core:/stable:/v1.37/deb`.
    pub uri: String,
    /// `/`, `./` or the name of a suite.
    pub suite: String,
    /// None in a flat repository.
    pub components: Vec<String>,
    /// `signed-by=` or `trusted=yes` is there.
    pub keyed: bool,
}

/// A source that cannot be read: the text of apt's own error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed(pub String);

impl Origin {
    /// How apt names it: URI, suite and, unless flat, the component.
    #[must_use]
    pub fn label(&self) -> String {
        let suite = if self.suite == "/" { "" } else { &self.suite };
        match self.components.first() {
            Some(component) => format!("{} {suite}/{component}", self.uri),
            None => format!("{} {suite}", self.uri),
        }
    }

    /// The file of its list in /var/lib/apt/lists.
    #[must_use]
    pub fn file(&self) -> String {
        let place = self
            .uri
            .split_once("://")
            .map_or(self.uri.trim_start_matches("file:"), |(_, rest)| rest);
        let suite = match self.components.first() {
            Some(component) => format!(
                "_dists_{}_{component}_binary-amd64",
                self.suite.trim_end_matches('/').replace('/', "_")
            ),
            None if self.suite == "/" => String::new(),
            None => format!("_{}", self.suite.trim_end_matches('/').replace('/', "_")),
        };
        format!("{}{suite}_Packages", place.replace('/', "_"))
    }

    /// The minor version that a community repository (`…/v1.N/deb`) is for.
    #[must_use]
    pub fn minor(&self) -> Option<u64> {
        let rest = self.uri.strip_suffix("/deb")?;
        rest.rsplit_once("/v1.")?.1.parse().ok()
    }

    /// All that it offers; nothing if it does not exist.
    #[must_use]
    pub fn fetch(&self, releases: &Releases) -> Option<Vec<Package>> {
        if let Some(minor) = self.minor() {
            let packages = kubernetes(minor, releases);
            return (!packages.is_empty()).then_some(packages);
        }
        let is_debian = self.uri.contains("debian");
        let suite = self.suite.split(['-', '/']).next().unwrap_or_default();
        (is_debian && ["bookworm", "stable"].contains(&suite)).then(|| {
            // Updates and security fixes are in the versions of the release already.
            if self.suite == suite { debian() } else { Vec::new() }
        })
    }
}

/// The sources of these files: `*.list` and deb822 `*.sources`.
///
/// # Errors
/// A file cannot be read, or a line says nothing.
pub fn sources(
    files: &Files,
    list: &str,
    parts: Option<&str>,
) -> io::Result<Result<Vec<Origin>, Malformed>> {
    let mut all = Vec::new();
    let mut names = vec![list.to_owned()];
    if let Some(parts) = parts {
        names.extend(
            files
                .list(parts)?
                .into_iter()
                .map(|name| format!("{}/{name}", parts.trim_end_matches('/'))),
        );
    }
    for name in names {
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let text = match files.text(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            other => other?,
        };
        let found = match extension {
            "list" => one_line(&name, &text),
            "sources" => Ok(deb822(&text)),
            _ => continue,
        };
        match found {
            Ok(found) => all.extend(found),
            Err(malformed) => return Ok(Err(malformed)),
        }
    }
    Ok(Ok(all))
}

fn one_line(file: &str, text: &str) -> Result<Vec<Origin>, Malformed> {
    let mut all = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let mut rest = match line.split_once(char::is_whitespace) {
            _ if line.is_empty() => continue,
            Some(("deb", rest)) => rest.trim(),
            Some(("deb-src", _)) => continue,
            _ => {
                let what = line.split_whitespace().next().unwrap_or_default();
                return Err(Malformed(format!(
                    "Type '{what}' is not known on line {} in source list {file}",
                    index + 1
                )));
            }
        };
        let malformed = |why: &str| {
            Malformed(format!("Malformed entry {} in list file {file} ({why})", index + 1))
        };
        let mut keyed = false;
        if let Some(options) = rest.strip_prefix('[') {
            let (options, after) =
                options.split_once(']').ok_or_else(|| malformed("[option] unterminated"))?;
            keyed = options.contains("signed-by=") || options.contains("trusted=yes");
            rest = after.trim();
        }
        let mut words = rest.split_whitespace();
        let uri = words.next().ok_or_else(|| malformed("URI"))?;
        let suite = words.next().ok_or_else(|| malformed("Suite"))?;
        let components: Vec<String> = words.map(str::to_owned).collect();
        if components.is_empty() && !suite.ends_with('/') {
            return Err(malformed("Component"));
        }
        all.push(origin(uri, suite, components, keyed));
    }
    Ok(all)
}

/// apt writes a file's place without slashes before its path.
fn origin(uri: &str, suite: &str, components: Vec<String>, keyed: bool) -> Origin {
    let uri = uri.replacen("file://", "file:", 1);
    Origin { uri: uri.trim_end_matches('/').to_owned(), suite: suite.to_owned(), components, keyed }
}

fn deb822(text: &str) -> Vec<Origin> {
    let mut all = Vec::new();
    for stanza in text.split("\n\n") {
        let field = |name: &str| {
            stanza.lines().find_map(|line| {
                let (key, value) = line.split_once(':')?;
                key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
            })
        };
        let words = |name: &str| -> Vec<String> {
            field(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
        };
        if !words("Types").iter().any(|kind| kind == "deb")
            || field("Enabled").as_deref() == Some("no")
        {
            continue;
        }
        for uri in words("URIs") {
            for suite in words("Suites") {
                let keyed =
                    field("Signed-By").is_some() || field("Trusted").as_deref() == Some("yes");
                all.push(origin(&uri, &suite, words("Components"), keyed));
            }
        }
    }
    all
}

/// The community's repository of one minor: every patch, as pkgs.k8s.io lays it out.
fn kubernetes(minor: u64, releases: &Releases) -> Vec<Package> {
    let mut all = Vec::new();
    for release in releases.of_minor(minor) {
        for (name, summary, size, depends) in KUBERNETES {
            all.push(Package {
                name: name.to_owned(),
                version: format!("{}-1.1", release.version),
                architecture: "amd64".to_owned(),
                section: "admin".to_owned(),
                priority: "optional".to_owned(),
                provides: String::new(),
                summary: summary.to_owned(),
                depends: depends.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
                size,
            });
        }
    }
    if !all.is_empty() {
        all.push(extra(
            "cri-tools",
            &format!("1.{minor}.0-1.1"),
            "Container Runtime Interface tools",
            16_300_000,
        ));
        all.push(extra("kubernetes-cni", "1.8.0-1.1", "Kubernetes CNI plugins", 40_500_000));
    }
    all
}

type Named = (&'static str, &'static str, u64, &'static [(&'static str, &'static str)]);

const KUBERNETES: [Named; 3] = [
    (
        "kubeadm",
        "Command-line utility for administering a Kubernetes cluster",
        12_500_000,
        &[("cri-tools", "1.30.0")],
    ),
    ("kubectl", "Command-line utility for interacting with a Kubernetes cluster", 11_700_000, &[]),
    ("kubelet", "Node agent for Kubernetes clusters", 13_000_000, &[("kubernetes-cni", "1.2.0")]),
];

fn extra(name: &str, version: &str, summary: &str, size: u64) -> Package {
    Package {
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: "amd64".to_owned(),
        section: "admin".to_owned(),
        priority: "optional".to_owned(),
        provides: String::new(),
        summary: summary.to_owned(),
        depends: Vec::new(),
        size,
    }
}

/// Name, version, architecture, section, priority, provides, summary of what a small Debian 12 has:
/// `dpkg-query -W` on a node of real machines.
const DEBIAN: &str = include_str!("debian12.tsv");

fn debian() -> Vec<Package> {
    let read = |line: &str| {
        let mut fields = line.split('\t').map(str::to_owned);
        let mut next = || fields.next().unwrap_or_default();
        Package {
            name: next(),
            version: next(),
            architecture: next(),
            section: next(),
            priority: next(),
            provides: next(),
            summary: next(),
            depends: Vec::new(),
            size: 250_000,
        }
    };
    DEBIAN.lines().map(read).collect()
}

/// Version of the container runtime.
pub const CONTAINERD: &str = "2.3.7";

/// Debian packages that the archive has and a new node has not.
const NOT_INSTALLED: [&str; 4] = ["cowsay", "htop", "jq", "tree"];

/// What a new node has: Debian, and Kubernetes of one version on hold.
#[must_use]
pub(super) fn initial(
    version: &semver::Version,
    releases: &Releases,
) -> BTreeMap<String, Installed> {
    let mut all = BTreeMap::new();
    let mut add = |package: Package, held: bool, automatic: bool| {
        all.insert(package.name.clone(), Installed { package, held, automatic });
    };
    for package in debian() {
        if !NOT_INSTALLED.contains(&package.name.as_str()) {
            add(package, false, false);
        }
    }
    let exact = format!("{version}-1.1");
    for package in kubernetes(version.minor, releases) {
        match package.name.as_str() {
            "kubeadm" | "kubelet" | "kubectl" if package.version == exact => {
                add(package, true, false);
            }
            "cri-tools" | "kubernetes-cni" => add(package, false, true),
            _ => {}
        }
    }
    let runtime = format!("{CONTAINERD}-1~debian.12~bookworm");
    add(
        extra("containerd.io", &runtime, "An open and reliable container runtime", 25_000_000),
        false,
        false,
    );
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_apt_reads_them() {
        let text = "# comment\ndeb [trusted=yes] file:///repo/core:/stable:/v1.36/deb ./\n\
                    deb http://deb.debian.org/debian bookworm main contrib # end\ndeb-src http://x y z\n";
        let all = one_line("/etc/apt/sources.list", text).unwrap();
        let [flat, debian] = all.as_slice() else { panic!("{all:?}") };
        // Labels and names of files as apt 2.6.1 has them.
        assert_eq!(flat.label(), "file:/repo/core:/stable:/v1.36/deb ./");
        assert_eq!(flat.file(), "_repo_core:_stable:_v1.36_deb_._Packages");
        assert_eq!((flat.minor(), flat.keyed), (Some(36), true));
        assert_eq!(
            (debian.label(), debian.minor()),
            ("http://deb.debian.org/debian bookworm/main".to_owned(), None)
        );
    }

    #[test]
    fn a_line_that_says_nothing_is_apts_error() {
        let malformed =
            one_line("/etc/apt/sources.list.d/kubernetes.list", "deb nonsense\n").unwrap_err();
        assert_eq!(
            malformed.0,
            "Malformed entry 1 in list file /etc/apt/sources.list.d/kubernetes.list (Suite)"
        );
    }

    #[test]
    fn a_minor_that_does_not_exist_offers_nothing() {
        let releases = Releases::default();
        let of = |minor: u64| {
            origin(&format!("https://pkgs.k8s.io/core:/stable:/v1.{minor}/deb/"), "/", vec![], true)
        };
        let newest = of(37).fetch(&releases).unwrap();
        assert!(newest.iter().any(|p| p.name == "kubelet" && p.version == "1.37.2-1.1"));
        assert_eq!(of(99).fetch(&releases), None);
        let debian = deb822(
            "Types: deb\nURIs: http://deb.debian.org/debian\nSuites: bookworm bookworm-updates\nComponents: main\n",
        );
        assert_eq!(
            debian.iter().map(|o| o.fetch(&releases).unwrap().is_empty()).collect::<Vec<_>>(),
            [false, true]
        );
    }
}
