//! `sequence`: numbers as texts.

use super::call::{Call, split_quoted};
use crate::template::filters::call::fail;
use crate::template::filters::convert;
use minijinja::value::{Rest, ValueOrKwargs};
use minijinja::{Error, Value};

const MOST: i128 = 10_000_000;

#[derive(Clone, Default)]
struct Range {
    start: Option<i128>,
    end: Option<i128>,
    count: Option<i128>,
    stride: Option<i128>,
    format: Option<String>,
}

pub(super) fn sequence(call: &mut Call) -> Result<Vec<Value>, Error> {
    let mut base = Range::default();
    for name in ["start", "end", "count", "stride", "format"] {
        if let Some(value) = call.options.text_option(name)? {
            base.set(name, &value)?;
        }
    }
    if call.terms.is_empty() {
        return base.numbers();
    }
    let mut found = Vec::new();
    for term in call.texts()? {
        let mut range = base.clone();
        if !range.shortcut(&term)? {
            for word in split_quoted(&term)? {
                let (name, value) = word
                    .split_once('=')
                    .ok_or_else(|| fail(format!("'{word}' is no option such as 'start=1'")))?;
                range.set(name, value)?;
            }
        }
        found.extend(range.numbers()?);
    }
    Ok(found)
}

fn number(text: &str) -> Result<i128, Error> {
    let text = text.trim();
    // A leading zero is octal here, as in C.
    let octal = text.len() > 1 && text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    convert::parse_int(text, if octal { 8 } else { 0 })
        .ok_or_else(|| fail(format!("'{text}' is not a whole number")))
}

impl Range {
    fn set(&mut self, name: &str, value: &str) -> Result<(), Error> {
        match name {
            "start" => self.start = Some(number(value)?),
            "end" => self.end = Some(number(value)?),
            "count" => self.count = Some(number(value)?),
            "stride" => self.stride = Some(number(value)?),
            "format" => self.format = Some(value.to_owned()),
            other => return Err(fail(format!("there is no option '{other}'"))),
        }
        Ok(())
    }

    /// `[start-]end[/stride][:format]`.
    fn shortcut(&mut self, term: &str) -> Result<bool, Error> {
        if term.contains('=') {
            return Ok(false);
        }
        let (numbers, format) = term.split_once(':').map_or((term, None), |(n, f)| (n, Some(f)));
        let (numbers, stride) =
            numbers.split_once('/').map_or((numbers, None), |(n, s)| (n, Some(s)));
        let (start, end) =
            numbers.split_once('-').map_or((None, numbers), |(start, end)| (Some(start), end));
        if let Some(start) = start {
            self.start = Some(number(start)?);
        }
        self.end = Some(number(end)?);
        if let Some(stride) = stride {
            self.stride = Some(number(stride)?);
        }
        if let Some(format) = format {
            self.format = Some(format.to_owned());
        }
        Ok(true)
    }

    fn numbers(&self) -> Result<Vec<Value>, Error> {
        let start = self.start.unwrap_or(1);
        let mut stride = self.stride.unwrap_or(1);
        let end = match (self.count, self.end) {
            (Some(_), Some(_)) => return Err(fail("'count' and 'end' exclude each other")),
            (None, None) => return Err(fail("'count' or 'end' is needed")),
            (None, Some(end)) => end,
            (Some(0), None) => {
                stride = 0;
                start
            }
            (Some(count), None) => {
                start.saturating_add(count.saturating_sub(1).saturating_mul(stride))
            }
        };
        if stride > 0 && end < start {
            return Err(fail("to count backwards the stride must be negative"));
        }
        if stride < 0 && end > start {
            return Err(fail("to count forward the stride must not be negative"));
        }
        if stride == 0 {
            return Ok(Vec::new());
        }
        let count = end.saturating_sub(start).checked_div(stride).unwrap_or(MOST).saturating_add(1);
        if count > MOST {
            return Err(fail(format!("there are more than {MOST} numbers")));
        }
        let numbers = (0..count).map(|index| start + index * stride);
        numbers.map(|n| self.printed(n)).collect()
    }

    fn printed(&self, n: i128) -> Result<Value, Error> {
        let Some(format) = &self.format else { return Ok(Value::from(n.to_string())) };
        if !format.contains('%') {
            return Err(fail(format!("the format '{format}' has no place for the number")));
        }
        let args = Rest(vec![ValueOrKwargs::from(Value::from(n))]);
        let env = minijinja::Environment::empty();
        minijinja::filters::format(&mut env.empty_state(), &Value::from(format.as_str()), args)
    }
}
