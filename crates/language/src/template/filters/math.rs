//! Numbers: `round`, `log`, `pow`, `root`, `abs`, `min`, `max`, `sum`, sizes for people.

use super::call::{Args, Entry, empty, entry, fail};
use super::python::{self, Number};
use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};
use std::cmp::Ordering;

pub(super) static ENTRIES: &[Entry] = &[
    entry("round", round),
    entry("log", log),
    entry("pow", pow),
    entry("root", root),
    entry("abs", abs),
    entry("min", |_, args| extreme(args, Ordering::Less)),
    entry("max", |_, args| extreme(args, Ordering::Greater)),
    entry("sum", sum),
    entry("human_readable", human_readable),
    entry("human_to_bytes", human_to_bytes),
    entry("filesizeformat", filesizeformat),
];

fn real(args: &mut Args, name: &str) -> Result<f64, Error> {
    let value = args.value(name)?;
    python::float(&value).ok_or_else(|| {
        fail(format!("a number is needed, not a value of type '{}'", python::type_name(&value)))
    })
}

fn round(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("value")?;
    let precision = args.int("precision", 0)?;
    let method = args.text_option("method")?.unwrap_or_else(|| "common".to_owned());
    let number = python::number(&value).ok_or_else(|| {
        fail(format!("a value of type '{}' cannot be rounded", python::type_name(&value)))
    })?;
    let power = i32::try_from(precision).ok().filter(|power| power.unsigned_abs() <= 1100);
    let power = power.ok_or_else(|| fail("'precision' is too large"))?;
    let scale = 10f64.powi(power);
    match (method.as_str(), number) {
        ("ceil", _) => {
            Ok(Value::from((python::float(&value).unwrap_or(f64::NAN) * scale).ceil() / scale))
        }
        ("floor", _) => {
            Ok(Value::from((python::float(&value).unwrap_or(f64::NAN) * scale).floor() / scale))
        }
        ("common", Number::Int(i)) if power >= 0 => Ok(Value::from(i)),
        ("common", Number::Int(i)) => Ok(Value::from(round_int(i, power.unsigned_abs()))),
        ("common", Number::Float(f)) => Ok(Value::from(round_float(f, power))),
        _ => Err(fail("'method' must be common, ceil or floor")),
    }
}

fn round_int(i: i128, digits: u32) -> i128 {
    let Some(unit) = 10i128.checked_pow(digits) else { return 0 };
    let (low, rest) = (i.div_euclid(unit), i.rem_euclid(unit));
    let up = match rest.cmp(&(unit - rest)) {
        Ordering::Less => 0,
        Ordering::Greater => 1,
        Ordering::Equal => low.rem_euclid(2),
    };
    (low + up).saturating_mul(unit)
}

/// Half to even on the exact binary value, as Python rounds.
fn round_float(f: f64, power: i32) -> f64 {
    if !f.is_finite() {
        return f;
    }
    match usize::try_from(power) {
        Ok(digits) => format!("{f:.digits$}").parse().unwrap_or(f),
        Err(_) => {
            let unit = 10f64.powi(-power);
            (f / unit).round_ties_even() * unit
        }
    }
}

fn log(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let x = real(args, "x")?;
    let base = args.option("base")?;
    let base = match &base {
        Some(base) => Some(python::float(base).ok_or_else(|| fail("'base' must be a number"))?),
        None => None,
    };
    if x <= 0.0 || base.is_some_and(|b| b <= 0.0) {
        return Err(fail("the logarithm of a number that is not positive does not exist"));
    }
    match base {
        None => Ok(Value::from(x.ln())),
        Some(1.0) => Err(fail("there is no logarithm to base 1")),
        Some(10.0) => Ok(Value::from(x.log10())),
        Some(base) => Ok(Value::from(x.ln() / base.ln())),
    }
}

fn pow(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let (x, y) = (real(args, "x")?, real(args, "y")?);
    finite(x.powf(y), x, y)
}

fn root(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let x = real(args, "x")?;
    let base = match args.option("base")? {
        Some(base) => python::float(&base).ok_or_else(|| fail("'base' must be a number"))?,
        None => 2.0,
    };
    if base == 0.0 {
        return Err(fail("there is no root of degree 0"));
    }
    #[expect(clippy::float_cmp, reason = "the default itself, not a result")]
    let found = if base == 2.0 { x.sqrt() } else { x.powf(1.0 / base) };
    finite(found, x, base)
}

fn finite(found: f64, x: f64, y: f64) -> Result<Value, Error> {
    if found.is_finite() || !x.is_finite() || !y.is_finite() {
        return Ok(Value::from(found));
    }
    Err(fail("the result is not a real number"))
}

fn abs(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("value")?;
    match python::number(&value) {
        Some(Number::Int(i)) => Ok(Value::from(i.saturating_abs())),
        Some(Number::Float(f)) => Ok(Value::from(f.abs())),
        None => Err(fail(format!("no absolute value of type '{}'", python::type_name(&value)))),
    }
}

fn extreme(args: &mut Args, wanted: Ordering) -> Result<Value, Error> {
    let items = python::items(&args.value("value")?)?;
    let case_sensitive = args.flag("case_sensitive", false)?;
    let attribute = args.option("attribute")?;
    let mut best: Option<(Value, Value)> = None;
    for item in items {
        let mut key = match &attribute {
            Some(path) => python::attribute(&item, path)?,
            None => item.clone(),
        };
        if !case_sensitive {
            key = python::fold_case(key);
        }
        match &best {
            Some((old, _)) if python::compare(&key, old)? != wanted => {}
            _ => best = Some((key, item)),
        }
    }
    best.map(|(_, item)| item).ok_or_else(empty)
}

fn sum(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let items = python::items(&args.value("iterable")?)?;
    let attribute = args.option("attribute")?.filter(|path| !path.is_none());
    let mut total = args.option("start")?.unwrap_or(Value::from(0));
    for item in items {
        let item = match &attribute {
            Some(path) => python::attribute(&item, path)?,
            None => item,
        };
        total = add(&total, &item)?;
    }
    Ok(total)
}

fn add(a: &Value, b: &Value) -> Result<Value, Error> {
    python::defined(b)?;
    match (python::number(a), python::number(b)) {
        (Some(Number::Int(x)), Some(Number::Int(y))) => {
            return x.checked_add(y).map(Value::from).ok_or_else(|| fail("the sum is too large"));
        }
        (Some(_), Some(_)) => {
            let (x, y) = (python::float(a).unwrap_or(0.0), python::float(b).unwrap_or(0.0));
            return Ok(Value::from(x + y));
        }
        _ => {}
    }
    let sequences = [a, b].iter().all(|v| matches!(v.kind(), ValueKind::Seq | ValueKind::Iterable));
    if sequences && a.is_tuple() == b.is_tuple() {
        let mut items = python::items(a)?;
        items.extend(python::items(b)?);
        return Ok(Value::from(items));
    }
    Err(fail(format!("'{}' and '{}' cannot be added", python::type_name(a), python::type_name(b))))
}

const UNITS: [(char, i32); 9] =
    [('Y', 8), ('Z', 7), ('E', 6), ('P', 5), ('T', 4), ('G', 3), ('M', 2), ('K', 1), ('B', 0)];

fn human_readable(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let size = real(args, "size")?;
    let bits = args.flag("isbits", false)?;
    let unit = args.text_option("unit")?.map(|unit| unit.to_uppercase());
    let (letter, power) = UNITS
        .into_iter()
        .find(|(letter, power)| match &unit {
            Some(unit) => *unit == letter.to_string(),
            None => size >= 1024f64.powi(*power),
        })
        .unwrap_or(('B', 0));
    let amount = size / 1024f64.powi(power);
    let suffix = match (power, bits) {
        (0, true) => "bits".to_owned(),
        (0, false) => "Bytes".to_owned(),
        (_, true) => format!("{letter}b"),
        (_, false) => format!("{letter}B"),
    };
    Ok(Value::from(format!("{amount:.2} {suffix}")))
}

fn human_to_bytes(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let size = args.text("size")?;
    let default_unit = args.text_option("default_unit")?;
    let bits = args.flag("isbits", false)?;
    bytes_of(&size, default_unit.as_deref(), bits).map(Value::from).map_err(fail)
}

/// The number of bytes (or bits) that a text such as `10 MB` means.
///
/// # Errors
/// It is none; the text says what is wrong with it.
pub fn bytes_of(size: &str, default_unit: Option<&str>, bits: bool) -> Result<i128, String> {
    let text = size.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 =
        number.parse().map_err(|_| format!("'{size}' is not a size such as '10 MB'"))?;
    let unit = unit.trim();
    let unit = if unit.is_empty() { default_unit.unwrap_or("B") } else { unit };
    let power = unit_power(unit, bits)
        .ok_or_else(|| format!("'{size}' has no unit that is known (such as K, MB, Gb)"))?;
    let bytes = (number * 1024f64.powi(power)).round_ties_even();
    #[expect(clippy::cast_possible_truncation, reason = "saturates far beyond any size")]
    Ok(bytes as i128)
}

fn unit_power(unit: &str, bits: bool) -> Option<i32> {
    let mut letters = unit.chars();
    let first = letters.next()?.to_ascii_uppercase();
    let rest = letters.as_str();
    let class = if bits { 'b' } else { 'B' };
    let word = if bits { "bit" } else { "byte" };
    let named = |text: &str| text == word || text.strip_suffix('s') == Some(word);
    if named(&unit.to_lowercase()) {
        return Some(0);
    }
    let (_, power) = UNITS.into_iter().find(|(letter, _)| *letter == first)?;
    let fits = rest.is_empty()
        || (power > 0 && (rest == class.to_string() || named(&rest.to_lowercase())));
    fits.then_some(power)
}

fn filesizeformat(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("value")?;
    let binary = args.flag("binary", false)?;
    let text = python::string(&value)?;
    let bytes = super::convert::parse_float(&text).ok_or_else(|| fail("a number is needed"))?;
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    #[expect(clippy::float_cmp, reason = "one byte exactly, as the reference says it")]
    let one = bytes == 1.0;
    if one {
        return Ok(Value::from("1 Byte"));
    }
    if bytes < base {
        return Ok(Value::from(format!("{} Bytes", bytes.trunc())));
    }
    let prefixes = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
    let mut unit = base;
    for (index, prefix) in prefixes.iter().enumerate() {
        unit *= base;
        if bytes < unit || index + 1 == prefixes.len() {
            let name =
                if binary { format!("{}iB", prefix.to_uppercase()) } else { format!("{prefix}B") };
            return Ok(Value::from(format!("{:.1} {name}", base * bytes / unit)));
        }
    }
    Err(fail("the size is too large"))
}
