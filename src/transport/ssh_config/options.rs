//! The options of one host, with their types.

use super::Place;
use super::expand::Tokens;
use super::jump::{Jump, from_command, parse_jumps, valid_host, valid_user};
use super::load::Setting;
use super::lookup::{Query, Values};
use std::path::PathBuf;
use std::time::Duration;

/// `StrictHostKeyChecking`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Strict {
    /// Only keys on record (`yes`, and `ask`: nobody is there to be asked).
    #[default]
    Yes,
    /// Unknown ones are recorded, changed ones refused.
    AcceptNew,
    /// Unknown ones are recorded; with changed ones no password is sent.
    No,
}

/// How the address is reached.
#[derive(Clone, Debug, Default)]
pub(crate) enum Proxy {
    #[default]
    Direct,
    /// Through these, in order.
    Jumps(Vec<Jump>),
    /// A command whose streams are the connection.
    Command(String),
}

/// Where the agent listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Agent {
    /// `$SSH_AUTH_SOCK`.
    #[default]
    Environment,
    None,
    Socket(PathBuf),
}

/// `AddressFamily`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Family {
    #[default]
    Any,
    Inet,
    Inet6,
}

/// Everything we do for a host.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of ssh")]
pub(crate) struct Options {
    pub(crate) host_name: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    /// In order; not said means the usual ones, and `none` alone means not even these.
    pub(crate) identity_files: Option<Vec<PathBuf>>,
    pub(crate) identities_only: bool,
    pub(crate) certificate_files: Vec<PathBuf>,
    pub(crate) agent: Agent,
    pub(crate) proxy: Proxy,
    /// The person's files come first; first contacts are added to the first of them.
    pub(crate) user_known_hosts: Vec<PathBuf>,
    pub(crate) global_known_hosts: Vec<PathBuf>,
    pub(crate) host_key_alias: Option<String>,
    pub(crate) strict: Strict,
    /// As written, with `+`, `-`, `^`.
    pub(crate) host_key_algorithms: Option<String>,
    pub(crate) kex_algorithms: Option<String>,
    pub(crate) ciphers: Option<String>,
    pub(crate) macs: Option<String>,
    pub(crate) connect_timeout: Option<Duration>,
    /// Zero: no keepalives. `None`: our default.
    pub(crate) alive_interval: Option<Duration>,
    pub(crate) alive_count: Option<usize>,
    pub(crate) family: Family,
    pub(crate) bind_address: Option<String>,
    /// Allowed methods in order, if said.
    pub(crate) authentications: Option<Vec<String>>,
    pub(crate) pubkey: bool,
    pub(crate) password: bool,
    pub(crate) keyboard: bool,
    pub(crate) password_prompts: usize,
    /// `HashKnownHosts`.
    pub(crate) hash_known_hosts: bool,
    /// `ConnectionAttempts`: at least one.
    pub(crate) attempts: u64,
    /// What was left out.
    pub(crate) notes: Vec<String>,
}

impl Options {
    pub(super) fn new(values: &Values, query: &Query<'_>, host_name: &str) -> Result<Self, String> {
        let read = Reader { values };
        let port = read.number("port", 1, 65_535)?.unwrap_or(22);
        let user = values.word("user").unwrap_or(&query.person.user).to_owned();
        if !valid_host(host_name) {
            return Err(format!("`{}` cannot be the name of a host", host_name.escape_debug()));
        }
        if !valid_user(&user) {
            return Err(format!("`{}` cannot be the name of a user", user.escape_debug()));
        }
        let tokens = Tokens {
            person: query.person,
            original: query.host,
            host: host_name,
            alias: values.word("hostkeyalias"),
            port,
            user: &user,
            jump: values.word("proxyjump").unwrap_or_default(),
        };
        let keyboard = match read.flag("kbdinteractiveauthentication")? {
            Some(flag) => flag,
            None => read.flag("challengeresponseauthentication")?.unwrap_or(true),
        };
        let home = query.person.home.join(".ssh");
        Ok(Self {
            host_name: host_name.to_owned(),
            port,
            identity_files: read.paths("identityfile", &tokens)?,
            identities_only: read.flag("identitiesonly")?.unwrap_or(false),
            certificate_files: read.paths("certificatefile", &tokens)?.unwrap_or_default(),
            agent: read.agent(&tokens)?,
            proxy: read.proxy(&tokens)?,
            user_known_hosts: read
                .files("userknownhostsfile", &tokens)?
                .unwrap_or_else(|| vec![home.join("known_hosts"), home.join("known_hosts2")]),
            global_known_hosts: read.files("globalknownhostsfile", &tokens)?.unwrap_or_else(|| {
                vec!["/etc/ssh/ssh_known_hosts".into(), "/etc/ssh/ssh_known_hosts2".into()]
            }),
            host_key_alias: values
                .word("hostkeyalias")
                .map(|alias| tokens.expand(alias))
                .transpose()?,
            strict: read.strict()?,
            host_key_algorithms: read.text("hostkeyalgorithms"),
            kex_algorithms: read.text("kexalgorithms"),
            ciphers: read.text("ciphers"),
            macs: read.text("macs"),
            connect_timeout: read.seconds("connecttimeout")?.filter(|time| !time.is_zero()),
            alive_interval: read.seconds("serveraliveinterval")?,
            alive_count: read.number("serveralivecountmax", 0, 1 << 20)?,
            family: read.family()?,
            bind_address: read.text("bindaddress"),
            authentications: values
                .word("preferredauthentications")
                .map(|list| list.split(',').map(|name| name.trim().to_owned()).collect()),
            pubkey: !matches!(values.word("pubkeyauthentication"), Some("no" | "false")),
            password: read.flag("passwordauthentication")?.unwrap_or(true),
            keyboard,
            password_prompts: read.number("numberofpasswordprompts", 0, 1 << 10)?.unwrap_or(3),
            hash_known_hosts: read.flag("hashknownhosts")?.unwrap_or(false),
            attempts: read.number("connectionattempts", 1, 1 << 10)?.unwrap_or(1),
            notes: values.notes.clone(),
            user,
        })
    }
}

struct Reader<'a> {
    values: &'a Values,
}

impl Reader<'_> {
    fn wrong(&self, keyword: &str) -> String {
        match self.values.first.get(keyword) {
            Some(setting) => {
                format!("{}: `{}` is not a value of `{keyword}`", setting.place, setting.raw)
            }
            None => format!("`{keyword}` has a wrong value"),
        }
    }

    fn text(&self, keyword: &str) -> Option<String> {
        self.values.word(keyword).map(str::to_owned)
    }

    fn number<N>(&self, keyword: &str, least: N, most: N) -> Result<Option<N>, String>
    where
        N: std::str::FromStr + PartialOrd,
    {
        let Some(text) = self.values.word(keyword) else { return Ok(None) };
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => Ok(Some(number)),
            _ => Err(self.wrong(keyword)),
        }
    }

    fn flag(&self, keyword: &str) -> Result<Option<bool>, String> {
        match self.values.word(keyword).map(str::to_lowercase).as_deref() {
            None => Ok(None),
            Some("yes" | "true") => Ok(Some(true)),
            Some("no" | "false") => Ok(Some(false)),
            Some(_) => Err(self.wrong(keyword)),
        }
    }

    /// Seconds, or a time such as `1m30s`; `none` is zero.
    fn seconds(&self, keyword: &str) -> Result<Option<Duration>, String> {
        let Some(text) = self.values.word(keyword) else { return Ok(None) };
        if text == "none" {
            return Ok(Some(Duration::ZERO));
        }
        let (mut total, mut digits) = (0u64, String::new());
        for c in text.chars() {
            if c.is_ascii_digit() {
                digits.push(c);
                continue;
            }
            let unit = match c.to_ascii_lowercase() {
                's' => 1,
                'm' => 60,
                'h' => 3600,
                'd' => 86_400,
                'w' => 604_800,
                _ => return Err(self.wrong(keyword)),
            };
            let count: u64 = digits.parse().map_err(|_| self.wrong(keyword))?;
            total = total.saturating_add(count.saturating_mul(unit));
            digits.clear();
        }
        if !digits.is_empty() {
            let rest: u64 = digits.parse().map_err(|_| self.wrong(keyword))?;
            total = total.saturating_add(rest);
        }
        Ok(Some(Duration::from_secs(total)))
    }

    /// Of a keyword that may be said often; `None` if it is never said.
    fn paths(&self, keyword: &str, tokens: &Tokens<'_>) -> Result<Option<Vec<PathBuf>>, String> {
        let settings = self.values.many.iter().filter(|setting| setting.keyword == keyword);
        let said: Vec<_> =
            settings.filter_map(|setting| Some((setting, setting.words.first()?))).collect();
        if said.is_empty() {
            return Ok(None);
        }
        let paths = said.into_iter().filter(|(_, word)| !word.eq_ignore_ascii_case("none")).map(
            |(setting, word)| {
                tokens.path(word).map_err(|error| format!("{}: {error}", setting.place))
            },
        );
        paths.collect::<Result<_, _>>().map(Some)
    }

    fn files(&self, keyword: &str, tokens: &Tokens<'_>) -> Result<Option<Vec<PathBuf>>, String> {
        let Some(setting) = self.values.first.get(keyword) else { return Ok(None) };
        let paths =
            setting.words.iter().filter(|word| *word != "none").map(|word| {
                tokens.path(word).map_err(|error| format!("{}: {error}", setting.place))
            });
        Ok(Some(paths.collect::<Result<_, _>>()?))
    }

    fn agent(&self, tokens: &Tokens<'_>) -> Result<Agent, String> {
        let Some(setting) = self.values.first.get("identityagent") else {
            return Ok(Agent::Environment);
        };
        let text = setting.words.first().map_or("", String::as_str);
        if text == "none" {
            return Ok(Agent::None);
        }
        if text == "SSH_AUTH_SOCK" {
            return Ok(Agent::Environment);
        }
        if let Some(name) = text.strip_prefix('$').filter(|name| !name.starts_with('{')) {
            return Ok(match tokens.person.env(name) {
                Some(path) => Agent::Socket(path.into()),
                None => Agent::None,
            });
        }
        tokens.path(text).map(Agent::Socket).map_err(|error| format!("{}: {error}", setting.place))
    }

    fn strict(&self) -> Result<Strict, String> {
        match self.values.word("stricthostkeychecking").map(str::to_lowercase).as_deref() {
            None | Some("yes" | "true" | "ask") => Ok(Strict::Yes),
            Some("accept-new") => Ok(Strict::AcceptNew),
            Some("no" | "off" | "false") => Ok(Strict::No),
            Some(_) => Err(self.wrong("stricthostkeychecking")),
        }
    }

    fn family(&self) -> Result<Family, String> {
        match self.values.word("addressfamily").map(str::to_lowercase).as_deref() {
            None | Some("any") => Ok(Family::Any),
            Some("inet") => Ok(Family::Inet),
            Some("inet6") => Ok(Family::Inet6),
            Some(_) => Err(self.wrong("addressfamily")),
        }
    }

    fn proxy(&self, tokens: &Tokens<'_>) -> Result<Proxy, String> {
        let first = &self.values.first;
        let at = |setting: &Setting, error: String| format!("{}: {error}", setting.place);
        if let Some(setting) = first.get("proxyjump") {
            if setting.raw.eq_ignore_ascii_case("none") {
                return Ok(Proxy::Direct);
            }
            let text = setting.words.concat();
            return parse_jumps(&text).map(Proxy::Jumps).map_err(|error| at(setting, error));
        }
        let Some(setting) = first.get("proxycommand") else { return Ok(Proxy::Direct) };
        let raw = unquoted(&setting.raw);
        if raw.eq_ignore_ascii_case("none") {
            return Ok(Proxy::Direct);
        }
        if let Some(jump) = from_command(raw) {
            return Ok(Proxy::Jumps(vec![jump]));
        }
        match &setting.place {
            Place::Argument(_) => Err(at(
                setting,
                "a ProxyCommand other than `ssh -W %h:%p HOST` is run only from your own ssh_config".to_owned(),
            )),
            Place::File(..) => {
                tokens.expand(raw).map(Proxy::Command).map_err(|error| at(setting, error))
            }
        }
    }
}

/// Without quotes around the whole, as they remain from `-o ProxyCommand="…"`.
fn unquoted(text: &str) -> &str {
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inner.filter(|inner| !inner.contains('"')).unwrap_or(text)
}
