//! `password`: made once, kept in a file of the controller.

use super::call::{Call, words};
use crate::template::filters::call::fail;
use crate::template::filters::hashing;
use crate::template::filters::python;
use minijinja::value::ValueKind;
use minijinja::{Error, Value};
use rand::{Rng, RngExt, SeedableRng};

const OPTIONS: [&str; 5] = ["length", "encrypt", "chars", "seed", "ident"];
const LONGEST: usize = 1_000_000;

struct Wanted {
    length: usize,
    chars: Vec<char>,
    seed: Option<String>,
}

pub(super) fn password(call: &mut Call) -> Result<Vec<Value>, Error> {
    let mut common: Vec<(String, Value)> = Vec::new();
    for name in OPTIONS {
        if let Some(value) = call.options.keyword(name)?.filter(|value| !value.is_none()) {
            common.push((name.to_owned(), value));
        }
    }
    let mut found = Vec::new();
    for term in call.texts()? {
        let words = words(&term, &OPTIONS)?;
        let mut options = common.clone();
        options.extend(words.options.iter().map(|(n, v)| (n.clone(), Value::from(v.as_str()))));
        let wanted = wanted(&options)?;
        found.push(Value::from(kept(call, &words.first, &wanted)?));
    }
    Ok(found)
}

fn wanted(options: &[(String, Value)]) -> Result<Wanted, Error> {
    let mut wanted =
        Wanted { length: 20, chars: characters(&["ascii_letters", "digits", ".,:-_"]), seed: None };
    for (name, value) in options {
        match name.as_str() {
            "length" => {
                let text = python::string(value)?;
                let length = text.parse().ok().filter(|length| *length <= LONGEST);
                wanted.length = length.ok_or_else(|| fail(format!("'{text}' is not a length")))?;
            }
            "chars" => wanted.chars = chars_option(value)?,
            "seed" => wanted.seed = Some(python::string(value)?),
            other => {
                return Err(fail(format!(
                    "the option '{other}' is not supported: passwords are not hashed here"
                )));
            }
        }
    }
    if wanted.chars.is_empty() {
        return Err(fail("there are no characters to choose from"));
    }
    Ok(wanted)
}

/// A list of classes and characters, or the same separated by commas (two commas are a comma).
fn chars_option(value: &Value) -> Result<Vec<char>, Error> {
    if value.kind() != ValueKind::String {
        let parts =
            python::list(value)?.iter().map(python::string).collect::<Result<Vec<_>, _>>()?;
        return Ok(characters(&parts.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    let text = python::string(value)?;
    let comma = text.contains(",,");
    let text = text.replace(",,", ",");
    let mut parts: Vec<&str> = text.split(',').filter(|part| !part.is_empty()).collect();
    if comma {
        parts.push(",");
    }
    Ok(characters(&parts))
}

fn characters(parts: &[&str]) -> Vec<char> {
    let printable = || (0x20u8..0x7f).map(char::from);
    let all = parts.iter().flat_map(|part| -> Vec<char> {
        match *part {
            "ascii_letters" => ('a'..='z').chain('A'..='Z').collect(),
            "ascii_lowercase" => ('a'..='z').collect(),
            "ascii_uppercase" => ('A'..='Z').collect(),
            "digits" => ('0'..='9').collect(),
            "hexdigits" => ('0'..='9').chain('a'..='f').chain('A'..='F').collect(),
            "octdigits" => ('0'..='7').collect(),
            "punctuation" => printable().filter(char::is_ascii_punctuation).collect(),
            "whitespace" => " \t\n\r\u{b}\u{c}".chars().collect(),
            other => other.replace(['"', '\''], "").chars().collect(),
        }
    });
    let mut found = Vec::new();
    for c in all {
        if !found.contains(&c) {
            found.push(c);
        }
    }
    found
}

fn kept(call: &Call, name: &str, wanted: &Wanted) -> Result<String, Error> {
    if name.is_empty() {
        return Err(fail("the name of a file is missing"));
    }
    if name == "/dev/null" {
        return fresh(wanted);
    }
    let path = call.base().join(name);
    let outside = call.world.outside();
    if outside.status(&path).is_some() {
        let text = call.read(&path)?;
        let line = text.trim_end_matches(['\n', '\r']);
        // A salt of a hashed password may follow.
        return Ok(line.split_once(" salt=").map_or(line, |(password, _)| password).to_owned());
    }
    let password = fresh(wanted)?;
    outside
        .write(&path, format!("{password}\n").as_bytes(), 0o600)
        .map_err(|error| fail(format!("cannot write {}: {error}", path.display())))?;
    Ok(password)
}

fn fresh(wanted: &Wanted) -> Result<String, Error> {
    let mut generator: Box<dyn Rng> = match &wanted.seed {
        Some(seed) => {
            let digest = hashing::digest("sha256", seed.as_bytes())?;
            let seed = digest.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok());
            Box::new(rand::rngs::StdRng::seed_from_u64(seed.unwrap_or_default()))
        }
        None => Box::new(crate::template::filters::chance::real()),
    };
    let mut password = String::with_capacity(wanted.length);
    for _ in 0..wanted.length {
        let at = generator.random_range(0..wanted.chars.len());
        password.extend(wanted.chars.get(at));
    }
    Ok(password)
}
