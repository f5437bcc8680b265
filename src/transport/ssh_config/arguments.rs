//! Options of ssh given as arguments (`ansible_ssh_common_args` and its like).

use super::Place;
use super::lexer::split;
use super::load::Setting;
use std::path::PathBuf;

/// Options in order of precedence; the first value wins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arguments {
    pub(super) settings: Vec<Setting>,
    /// `-F`: the only file to be read.
    pub(crate) file: Option<PathBuf>,
}

impl Arguments {
    /// Adds one option that comes from this setting.
    ///
    /// # Errors
    /// The option is not known.
    pub(crate) fn set(&mut self, keyword: &str, value: &str, setting: &str) -> Result<(), String> {
        let place = Place::Argument(setting.to_owned());
        self.settings.push(Setting::new(keyword.to_lowercase(), value, place)?);
        Ok(())
    }

    /// The same with a value that is one word, whatever it holds.
    ///
    /// # Errors
    /// The option is not known.
    pub(crate) fn set_word(
        &mut self,
        keyword: &str,
        value: &str,
        setting: &str,
    ) -> Result<(), String> {
        self.set(keyword, &quoted(value), setting)
    }

    /// These, and then those.
    pub(crate) fn followed_by(mut self, other: &Self) -> Self {
        self.settings.extend(other.settings.iter().cloned());
        self.file = self.file.or_else(|| other.file.clone());
        self
    }

    /// Adds the arguments of ssh in this text.
    ///
    /// # Errors
    /// An argument is not known, or one that is not done, or is not an option.
    pub(crate) fn parse(&mut self, text: &str, setting: &str) -> Result<(), String> {
        let words = shlex::split(text)
            .ok_or_else(|| format!("{setting}: a quote is not closed in `{text}`"))?;
        let rest = self.parse_words(words, setting)?;
        match rest.first() {
            None => Ok(()),
            Some(word) => Err(format!("{setting}: `{word}` is not an option of ssh")),
        }
    }

    /// Adds options up to the first word that is none; returns that and what follows.
    pub(super) fn parse_words(
        &mut self,
        words: Vec<String>,
        setting: &str,
    ) -> Result<Vec<String>, String> {
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let Some(flags) = word.strip_prefix('-').filter(|flags| !flags.is_empty()) else {
                return Ok(std::iter::once(word).chain(words).collect());
            };
            let mut flags = flags.chars();
            while let Some(flag) = flags.next() {
                if !"oiplJFWb".contains(flag) {
                    self.flag(flag, setting)?;
                    continue;
                }
                let value = match flags.as_str() {
                    "" => {
                        words.next().ok_or_else(|| format!("{setting}: `-{flag}` has no value"))?
                    }
                    value => value.to_owned(),
                };
                self.valued(flag, &value, setting)?;
                break;
            }
        }
        Ok(Vec::new())
    }

    fn flag(&mut self, flag: char, setting: &str) -> Result<(), String> {
        match flag {
            // Compression, quiet, verbose, no terminal, no forwarding: nothing to do.
            'C' | 'q' | 'v' | 'T' | 'a' | 'x' | 'k' | 'n' => Ok(()),
            '4' => self.set("AddressFamily", "inet", setting),
            '6' => self.set("AddressFamily", "inet6", setting),
            't' => Err(format!("{setting}: `-t` (a terminal) is not supported")),
            'A' => Err(format!("{setting}: `-A` (agent forwarding) is not supported")),
            other => Err(format!("{setting}: `-{other}` of ssh is not supported")),
        }
    }

    fn valued(&mut self, flag: char, value: &str, setting: &str) -> Result<(), String> {
        match flag {
            'o' => {
                let (keyword, rest) =
                    split(value).ok_or_else(|| format!("{setting}: `-o` has no option"))?;
                if keyword == "ignoreunknown" {
                    return Err(format!(
                        "{setting}: `IgnoreUnknown` is not supported as an argument"
                    ));
                }
                self.set(&keyword, rest, setting)
            }
            'i' => self.set("IdentityFile", &quoted(value), setting),
            'p' => self.set("Port", value, setting),
            'l' => self.set("User", value, setting),
            'J' => self.set("ProxyJump", value, setting),
            'b' => self.set("BindAddress", value, setting),
            'F' => {
                self.file = Some(PathBuf::from(value));
                Ok(())
            }
            'W' if value == "%h:%p" || value == "[%h]:%p" => Ok(()),
            _ => Err(format!("{setting}: `-{flag} {value}` of ssh is not supported")),
        }
    }
}

/// One word for the lexer.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}
