//! Arguments as Python binds them: by position or by name, every one of them known.

use super::python;
use minijinja::value::{Kwargs, Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use std::collections::VecDeque;

/// What a filter or test does with its bound arguments; the first of them is its input.
pub(in crate::template) type Run = fn(&mut State<'_, '_>, &mut Args) -> Result<Value, Error>;

/// A name and what it runs. `Undefined` input is refused unless the entry says otherwise.
pub(in crate::template) struct Entry {
    pub(in crate::template) name: &'static str,
    pub(in crate::template) run: Run,
    pub(in crate::template) takes_undefined: bool,
}

/// An entry that refuses undefined arguments.
pub(in crate::template) const fn entry(name: &'static str, run: Run) -> Entry {
    Entry { name, run, takes_undefined: false }
}

/// An entry that wants to see undefined arguments.
pub(in crate::template) const fn tolerant(name: &'static str, run: Run) -> Entry {
    Entry { name, run, takes_undefined: true }
}

/// The arguments of one call.
pub(in crate::template) struct Args {
    positional: VecDeque<Value>,
    named: Option<Kwargs>,
}

impl Args {
    /// Arguments of a lookup: keywords only.
    pub(in crate::template) fn keywords(named: Kwargs) -> Self {
        Self { positional: VecDeque::new(), named: Some(named) }
    }

    fn bind(values: Vec<Value>) -> Result<Self, Error> {
        let mut positional: VecDeque<Value> = values.into();
        let named = match positional.back() {
            Some(last) if last.is_kwargs() => {
                let last = positional.pop_back().unwrap_or_default();
                Some(Kwargs::try_from(last)?)
            }
            _ => None,
        };
        Ok(Self { positional, named })
    }

    fn refuse_undefined(&self) -> Result<(), Error> {
        for value in &self.positional {
            python::defined(value)?;
        }
        if let Some(named) = &self.named {
            for name in named.args() {
                python::defined(&named.peek::<Value>(name)?)?;
            }
        }
        Ok(())
    }

    /// The next argument by position, or the one of this name.
    pub(in crate::template) fn option(&mut self, name: &str) -> Result<Option<Value>, Error> {
        if let Some(value) = self.positional.pop_front() {
            return Ok(Some(value));
        }
        self.keyword(name)
    }

    /// An argument that can be given by name only.
    pub(in crate::template) fn keyword(&mut self, name: &str) -> Result<Option<Value>, Error> {
        match &self.named {
            Some(named) if named.has(name) => named.get::<Value>(name).map(Some),
            _ => Ok(None),
        }
    }

    /// As `option`, and it must be there.
    pub(in crate::template) fn value(&mut self, name: &str) -> Result<Value, Error> {
        self.option(name)?.ok_or_else(|| fail(format!("the argument '{name}' is missing")))
    }

    /// As `value`, as text (`str()` of whatever it is).
    pub(in crate::template) fn text(&mut self, name: &str) -> Result<String, Error> {
        python::string(&self.value(name)?)
    }

    /// Text, or nothing if it is absent or none.
    pub(in crate::template) fn text_option(&mut self, name: &str) -> Result<Option<String>, Error> {
        match self.option(name)? {
            Some(value) if !value.is_none() => python::string(&value).map(Some),
            _ => Ok(None),
        }
    }

    /// A truth value with its default.
    pub(in crate::template) fn flag(&mut self, name: &str, default: bool) -> Result<bool, Error> {
        Ok(self.option(name)?.map_or(default, |value| value.is_true()))
    }

    /// A whole number, or nothing if it is absent or none.
    pub(in crate::template) fn int_option(&mut self, name: &str) -> Result<Option<i128>, Error> {
        match self.option(name)? {
            Some(value) if !value.is_none() => python::whole(&value).map(Some).ok_or_else(|| {
                fail(format!("'{name}' must be a whole number, not {}", python::type_name(&value)))
            }),
            _ => Ok(None),
        }
    }

    /// A whole number with its default.
    pub(in crate::template) fn int(&mut self, name: &str, default: i128) -> Result<i128, Error> {
        Ok(self.int_option(name)?.unwrap_or(default))
    }

    /// A count with its default; negative numbers count as zero.
    pub(in crate::template) fn count(
        &mut self,
        name: &str,
        default: usize,
    ) -> Result<usize, Error> {
        Ok(self
            .int_option(name)?
            .map_or(default, |n| usize::try_from(n.max(0)).unwrap_or(usize::MAX)))
    }

    /// All arguments by position that are left.
    pub(in crate::template) fn rest(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.positional).into()
    }

    /// All arguments by name that were not asked for.
    pub(in crate::template) fn named(&mut self) -> Option<Kwargs> {
        self.named.take()
    }

    /// Refuses what no one asked for.
    pub(in crate::template) fn finish(&self) -> Result<(), Error> {
        if !self.positional.is_empty() {
            return Err(fail("there are too many arguments"));
        }
        self.named.as_ref().map_or(Ok(()), Kwargs::assert_all_used)
    }
}

/// An error of a filter, test or lookup.
pub(in crate::template) fn fail(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

/// What an empty sequence has as its first, last, smallest or random item: an undefined value, which `default` replaces.
pub(in crate::template) fn empty() -> Error {
    Error::new(ErrorKind::UndefinedError, "the sequence is empty, so the item is undefined")
}

/// Runs an entry on the arguments of the engine.
pub(in crate::template) fn call(
    entry: &Entry,
    kind: &str,
    state: &mut State<'_, '_>,
    args: Rest<ValueOrKwargs>,
) -> Result<Value, Error> {
    let mut args = Args::bind(args.into_values())?;
    if !entry.takes_undefined {
        args.refuse_undefined()?;
    }
    let result = (entry.run)(state, &mut args).and_then(|value| {
        args.finish()?;
        Ok(value)
    });
    result.map_err(|error| match error.kind() {
        ErrorKind::UndefinedError | ErrorKind::UnknownFilter | ErrorKind::UnknownTest => error,
        _ => {
            let reason = error.detail().map_or_else(|| error.to_string(), str::to_owned);
            fail(format!("the {kind} '{}' failed: {reason}", entry.name)).with_source(error)
        }
    })
}

/// Registers filters under their three names.
pub(in crate::template) fn register_filters(
    env: &mut Environment<'static>,
    entries: &'static [Entry],
) {
    for entry in entries {
        for name in names(entry.name) {
            env.add_filter(name, move |state: &mut State, args: Rest<ValueOrKwargs>| {
                call(entry, "filter", state, args)
            });
        }
    }
}

/// Registers tests under their three names.
pub(in crate::template) fn register_tests(
    env: &mut Environment<'static>,
    entries: &'static [Entry],
) {
    for entry in entries {
        for name in names(entry.name) {
            env.add_test(name, move |state: &mut State, args: Rest<ValueOrKwargs>| {
                call(entry, "test", state, args).map(|answer| answer.is_true())
            });
        }
    }
}

fn names(name: &str) -> [String; 3] {
    [name.to_owned(), format!("ansible.builtin.{name}"), format!("ansible.legacy.{name}")]
}

/// Whether iteration yields text characters, keys or elements.
pub(in crate::template) fn is_mapping(value: &Value) -> bool {
    value.kind() == ValueKind::Map
}

/// Gives filters of the engine that already behave as Jinja's their full names too.
pub(in crate::template) fn qualify_filters(
    env: &mut Environment<'static>,
    kept: &'static [&'static str],
) {
    for name in kept {
        for qualified in names(name).into_iter().skip(1) {
            env.add_filter(qualified, move |state: &mut State, args: Rest<ValueOrKwargs>| {
                state.apply_filter(name, &args.into_values())
            });
        }
    }
}
