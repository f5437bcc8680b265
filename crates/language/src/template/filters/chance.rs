//! `random` and `shuffle`. With a seed they repeat themselves from run to run; their choices are not those of Python's
//! generator.

use super::call::{Args, Entry, empty, entry, fail};
use super::hashing;
use super::python;
use minijinja::{Error, State, Value};
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt, SeedableRng};

pub(super) static ENTRIES: &[Entry] = &[entry("random", random), entry("shuffle", shuffle)];

/// Chance of the operating system. The only place where the language asks for it: templates, salts and passwords want
/// nothing that could be repeated.
#[expect(clippy::disallowed_methods, reason = "the one place where chance enters")]
pub(in crate::template) fn real() -> rand::rngs::ThreadRng {
    rand::rng()
}

/// A generator: of this seed, or of the operating system.
fn generator(args: &mut Args) -> Result<Box<dyn Rng>, Error> {
    match args.keyword("seed")?.filter(|seed| !seed.is_none()) {
        Some(seed) => {
            let digest = hashing::digest("sha256", python::string(&seed)?.as_bytes())?;
            let seed = digest.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok());
            Ok(Box::new(rand::rngs::StdRng::seed_from_u64(seed.unwrap_or_default())))
        }
        None => Ok(Box::new(real())),
    }
}

fn random(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let end = args.value("end")?;
    let start = args.int_option("start")?;
    let step = args.int_option("step")?;
    let mut generator = generator(args)?;
    if let Some(end) = python::whole(&end) {
        let (start, step) = (start.unwrap_or(0), step.unwrap_or(1));
        if step == 0 {
            return Err(fail("'step' must not be 0"));
        }
        let span = if step > 0 { end.saturating_sub(start) } else { start.saturating_sub(end) };
        let width = step.saturating_abs();
        let count = span.saturating_add(width - 1).div_euclid(width);
        if count <= 0 {
            return Err(fail("the range is empty"));
        }
        return Ok(Value::from(start + step * generator.random_range(0..count)));
    }
    if start.is_some() || step.is_some() {
        return Err(fail("'start' and 'step' go with a whole number only"));
    }
    let items = python::items(&end)?;
    items.choose(&mut generator).cloned().ok_or_else(empty)
}

fn shuffle(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let value = args.value("mylist")?;
    let mut generator = generator(args)?;
    let mut items = python::items(&value)?;
    items.shuffle(&mut generator);
    Ok(Value::from(items))
}
