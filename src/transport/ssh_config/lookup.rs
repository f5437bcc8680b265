//! Which settings apply to a host.

use super::expand::Tokens;
use super::keywords::Use;
use super::load::{Config, Criterion, Item, Setting};
use super::options::Options;
use super::{Arguments, Person, Place};
use crate::transport::known_hosts::matches_list;
use std::collections::HashMap;

/// A host to be looked up.
pub(crate) struct Query<'a> {
    /// As it is written in the inventory.
    pub(crate) host: &'a str,
    pub(crate) arguments: &'a Arguments,
    pub(crate) person: &'a Person,
    /// Runs the command of `Match exec` and says whether it ended with 0.
    pub(crate) exec: &'a dyn Fn(&str) -> bool,
}

/// The values that won, by keyword.
#[derive(Default)]
pub(super) struct Values {
    pub(super) first: HashMap<String, Setting>,
    pub(super) many: Vec<Setting>,
    pub(super) notes: Vec<String>,
}

impl Values {
    pub(super) fn word(&self, keyword: &str) -> Option<&str> {
        self.first.get(keyword)?.words.first().map(String::as_str)
    }

    fn take(&mut self, setting: &Setting) -> Result<(), String> {
        let (keyword, place) = (&setting.keyword, &setting.place);
        match setting.how {
            Use::Nothing => {}
            Use::DoneMany => {
                if !self.many.iter().any(|s| s.keyword == *keyword && s.words == setting.words) {
                    self.many.push(setting.clone());
                }
            }
            Use::Done => {
                // Whichever of the two comes first switches the other off.
                let taken = match keyword.as_str() {
                    "proxyjump" => self.first.contains_key("proxycommand"),
                    "proxycommand" => self.first.contains_key("proxyjump"),
                    _ => false,
                };
                if !taken {
                    self.first.entry(keyword.clone()).or_insert_with(|| setting.clone());
                }
            }
            Use::LeftOut => {
                let off = setting.words.first().is_some_and(|w| w == "no" || w == "none");
                match place {
                    _ if off => {}
                    Place::Argument(_) => {
                        return Err(format!("{place}: `{keyword}` is not supported"));
                    }
                    Place::File(..) => {
                        let note = format!("{place}: `{keyword}` has no effect");
                        if !self.notes.contains(&note) {
                            self.notes.push(note);
                        }
                    }
                }
            }
            Use::NotDone(harmless) => {
                let value = setting.words.first().map_or("", String::as_str).to_lowercase();
                // Adding to the keys that may be used forbids none of ours.
                let adds = keyword.starts_with("pubkeyaccepted") && value.starts_with('+');
                if !adds && !harmless.contains(&value.as_str()) {
                    return Err(format!("{place}: `{keyword} {}` is not supported", setting.raw));
                }
            }
        }
        Ok(())
    }
}

struct Walk<'a> {
    query: &'a Query<'a>,
    /// What `Host` is compared with.
    host: String,
    last_pass: bool,
    wants_last_pass: bool,
    values: Values,
}

impl Config {
    /// The options of a host.
    ///
    /// # Errors
    /// An option that applies has a wrong value or is not supported.
    pub(crate) fn resolve(&self, query: &Query<'_>) -> Result<Options, String> {
        let mut walk = Walk {
            query,
            host: query.host.to_owned(),
            last_pass: false,
            wants_last_pass: false,
            values: Values::default(),
        };
        for setting in &query.arguments.settings {
            walk.values.take(setting)?;
        }
        self.pass(&mut walk)?;
        if walk.wants_last_pass {
            walk.last_pass = true;
            walk.host = walk.host_name()?;
            self.pass(&mut walk)?;
        }
        let host_name = walk.host_name()?;
        Options::new(&walk.values, query, &host_name)
    }

    fn pass(&self, walk: &mut Walk<'_>) -> Result<(), String> {
        self.files.iter().try_for_each(|items| walk.items(items, true))
    }
}

impl Walk<'_> {
    /// `outer`: whether the place of the include applies.
    fn items(&mut self, items: &[Item], outer: bool) -> Result<(), String> {
        let mut active = outer;
        for item in items {
            match item {
                Item::Host(patterns) => {
                    active = outer && matches_list(patterns.iter().map(String::as_str), &self.host);
                }
                Item::Match(criteria, place) => active = outer && self.criteria(criteria, place)?,
                Item::Include(items) => self.items(items, active)?,
                Item::Set(setting) if active => self.values.take(setting)?,
                Item::Set(_) => {}
            }
        }
        Ok(())
    }

    fn criteria(&mut self, criteria: &[Criterion], place: &Place) -> Result<bool, String> {
        for criterion in criteria {
            let patterns = criterion.value.split(',');
            let holds = match criterion.name.as_str() {
                "host" => matches_list(patterns, &self.host_name()?.to_lowercase()),
                "originalhost" => matches_list(patterns, self.query.host),
                "user" => {
                    let user = self.values.word("user").unwrap_or(&self.query.person.user);
                    matches_list(patterns, user)
                }
                "localuser" => matches_list(patterns, &self.query.person.user),
                "canonical" => false,
                "final" => {
                    self.wants_last_pass = true;
                    self.last_pass
                }
                "exec" => {
                    let command = self
                        .tokens(&self.host_name()?)
                        .expand(&criterion.value)
                        .map_err(|error| format!("{place}: {error}"))?;
                    (self.query.exec)(&command)
                }
                _ => true,
            };
            if holds == criterion.negated {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The address so far.
    fn host_name(&self) -> Result<String, String> {
        let Some(setting) = self.values.first.get("hostname") else {
            return Ok(self.query.host.to_lowercase());
        };
        let text = setting.words.first().map_or("", String::as_str);
        // Only %h and %% are tokens of HostName.
        let name = self
            .tokens(self.query.host)
            .expand(text)
            .map_err(|error| format!("{}: {error}", setting.place))?;
        Ok(name.to_lowercase())
    }

    fn tokens<'b>(&'b self, host: &'b str) -> Tokens<'b> {
        Tokens {
            person: self.query.person,
            original: self.query.host,
            host,
            alias: self.values.word("hostkeyalias"),
            port: self.values.word("port").and_then(|port| port.parse().ok()).unwrap_or(22),
            user: self.values.word("user").unwrap_or(&self.query.person.user),
            jump: "",
        }
    }
}
