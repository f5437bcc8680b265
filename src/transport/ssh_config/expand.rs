//! `%` tokens, `~` and `${NAME}`.

use super::Person;
use std::path::PathBuf;

/// What tokens stand for.
pub(super) struct Tokens<'a> {
    pub(super) person: &'a Person,
    /// `%n`.
    pub(super) original: &'a str,
    /// `%h`.
    pub(super) host: &'a str,
    /// `%k`.
    pub(super) alias: Option<&'a str>,
    /// `%p`.
    pub(super) port: u16,
    /// `%r`.
    pub(super) user: &'a str,
    /// `%j`.
    pub(super) jump: &'a str,
}

impl Tokens<'_> {
    /// # Errors
    /// A token is not known.
    pub(super) fn expand(&self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            let long = &self.person.host_name;
            match chars.next() {
                Some('%') => out.push('%'),
                Some('h') => out.push_str(self.host),
                Some('n') => out.push_str(self.original),
                Some('p') => out.push_str(&self.port.to_string()),
                Some('r') => out.push_str(self.user),
                Some('u') => out.push_str(&self.person.user),
                Some('d') => out.push_str(&self.person.home.to_string_lossy()),
                Some('i') => out.push_str(&self.person.uid.to_string()),
                Some('l') => out.push_str(long),
                Some('L') => out.push_str(long.split('.').next().unwrap_or_default()),
                Some('k') => out.push_str(self.alias.unwrap_or(self.host)),
                Some('j') => out.push_str(self.jump),
                Some(other) => return Err(format!("the token `%{other}` is not supported")),
                None => return Err("a `%` at the end; a plain one is `%%`".to_owned()),
            }
        }
        Ok(out)
    }

    /// A path: also `~/` and `${NAME}`.
    ///
    /// # Errors
    /// As for `expand`; a variable is not set; `~name`.
    pub(super) fn path(&self, text: &str) -> Result<PathBuf, String> {
        let text = self.environment(&self.expand(text)?)?;
        if let Some(below) = text.strip_prefix("~/") {
            return Ok(self.person.home.join(below));
        }
        if text.starts_with('~') && text != "~" {
            return Err(format!("the home of another person (`{text}`) is not supported"));
        }
        Ok(if text == "~" { self.person.home.clone() } else { PathBuf::from(text) })
    }

    fn environment(&self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) =
                after.split_once('}').ok_or_else(|| "a `${` is not closed".to_owned())?;
            out.push_str(before);
            out.push_str(
                self.person.env(name).ok_or_else(|| format!("the variable `{name}` is not set"))?,
            );
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }
}
