//! Many host names as one short text: `w[1-3,7],db1`.

use std::collections::BTreeSet;

/// Longer runs of digits are no numbers.
const DIGITS_MAX: usize = 18;

/// A name taken apart: texts, and between them numbers. There is one text more than there are numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    texts: Vec<String>,
    slots: Vec<BTreeSet<Number>>,
}

/// A number as it is written; ordered by its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Number {
    value: u64,
    text: String,
}

/// The names in natural order, without repetitions, numbers that follow each other folded: `w[1-3]`, `rack[1-2]-n[01-16]`.
/// Sets are parted by commas. Empty for no names.
#[must_use]
pub fn host_set(names: &[&str]) -> String {
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    let mut shapes: Vec<Shape> = unique.into_iter().map(take_apart).collect();
    let slots_max = shapes.iter().map(|shape| shape.slots.len()).max().unwrap_or(0);
    for slot in (0..slots_max).rev() {
        shapes.sort_by_key(|shape| key_without(shape, slot));
        shapes = merged(shapes, slot);
    }
    shapes.sort();
    shapes.iter().map(Shape::write).collect::<Vec<_>>().join(",")
}

/// Orders names as people do: `w2` before `w10`.
#[must_use]
pub(super) fn natural(name: &str) -> impl Ord + use<> {
    let Shape { texts, slots } = take_apart(name);
    (texts, slots)
}

fn take_apart(name: &str) -> Shape {
    let (mut texts, mut slots) = (vec![String::new()], Vec::new());
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (run, tail) = if digits > 0 {
            rest.split_at(digits)
        } else {
            rest.split_at(rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len()))
        };
        rest = tail;
        match run.parse() {
            Ok(value) if digits > 0 && digits <= DIGITS_MAX => {
                slots.push(BTreeSet::from([Number { value, text: run.to_owned() }]));
                texts.push(String::new());
            }
            _ => {
                if let Some(text) = texts.last_mut() {
                    text.push_str(run);
                }
            }
        }
    }
    Shape { texts, slots }
}

/// Everything but one slot: names that agree in it can be folded there.
fn key_without(shape: &Shape, slot: usize) -> Shape {
    let mut key = shape.clone();
    if let Some(numbers) = key.slots.get_mut(slot) {
        numbers.clear();
    }
    key
}

fn merged(shapes: Vec<Shape>, slot: usize) -> Vec<Shape> {
    let mut out: Vec<Shape> = Vec::new();
    for shape in shapes {
        let fits = |last: &Shape| key_without(last, slot) == key_without(&shape, slot);
        let last = out.last_mut().filter(|last| fits(last));
        match (last.and_then(|last| last.slots.get_mut(slot)), shape.slots.get(slot)) {
            (Some(into), Some(from)) => into.extend(from.iter().cloned()),
            _ => out.push(shape),
        }
    }
    out
}

impl Shape {
    fn write(&self) -> String {
        let mut out = String::new();
        for (nth, text) in self.texts.iter().enumerate() {
            out.push_str(text);
            if let Some(numbers) = self.slots.get(nth) {
                out.push_str(&ranges(numbers));
            }
        }
        out
    }
}

/// `7` for one number, `[1-3,7]` for more.
fn ranges(numbers: &BTreeSet<Number>) -> String {
    let mut found: Vec<(&Number, &Number)> = Vec::new();
    for number in numbers {
        match found.last_mut() {
            Some((first, last)) if follows(first, last, number) => *last = number,
            _ => found.push((number, number)),
        }
    }
    let texts: Vec<String> = found
        .iter()
        .map(|(first, last)| {
            if first == last { first.text.clone() } else { format!("{}-{}", first.text, last.text) }
        })
        .collect();
    if numbers.len() == 1 { texts.concat() } else { format!("[{}]", texts.join(",")) }
}

/// Whether a range that begins with `first` and is at `last` goes on with `next`, leading zeros included.
fn follows(first: &Number, last: &Number, next: &Number) -> bool {
    let width = if first.text.starts_with('0') { first.text.len() } else { 0 };
    next.value == last.value + 1 && next.text == format!("{:0width$}", next.value)
}

#[cfg(test)]
mod tests {
    use super::host_set;

    #[test]
    fn folds_what_follows_each_other() {
        for (names, set) in [
            (&[][..], ""),
            (&["w1"], "w1"),
            (&["w1", "w2", "w3"], "w[1-3]"),
            (&["w3", "w1", "w2", "w2"], "w[1-3]"),
            (&["w10", "w9", "w2"], "w[2,9-10]"),
            (&["w1", "w2", "w4", "db1", "web"], "db1,w[1-2,4],web"),
            (&["n08", "n09", "n10", "n11"], "n[08-11]"),
            (&["n8", "n9", "n10"], "n[8-10]"),
            (&["n1", "n01"], "n[01,1]"),
            (&["n099", "n100"], "n[099-100]"),
            (&["n1.dc2.example.org", "n2.dc2.example.org"], "n[1-2].dc2.example.org"),
            (&["n1.dc1", "n2.dc1", "n1.dc2", "n2.dc2"], "n[1-2].dc[1-2]"),
            (&["n1.dc1", "n2.dc1", "n1.dc2"], "n1.dc[1-2],n2.dc1"),
            (&["10.0.0.9", "10.0.0.10", "10.0.1.9"], "10.0.0.[9-10],10.0.1.9"),
            (&["localhost", "a-b"], "a-b,localhost"),
            (&["1", "2", "x"], "[1-2],x"),
            (
                &["x12345678901234567890", "x12345678901234567891"],
                "x12345678901234567890,x12345678901234567891",
            ),
        ] {
            assert_eq!(host_set(names), set, "{names:?}");
        }
    }

    proptest::proptest! {
        /// Unfolding gives back exactly the names that were folded.
        #[test]
        fn nothing_is_lost(names in proptest::collection::btree_set("[ab]{1,2}[0-9]{1,2}(-[0-9])?", 0..12)) {
            let refs: Vec<&str> = names.iter().map(String::as_str).collect();
            let unfolded: std::collections::BTreeSet<String> = unfold(&host_set(&refs)).into_iter().collect();
            proptest::prop_assert_eq!(unfolded, names);
        }
    }

    fn unfold(set: &str) -> Vec<String> {
        let (mut names, mut name, mut depth) = (Vec::new(), String::new(), 0);
        for c in set.chars() {
            match c {
                ',' if depth == 0 => names.extend(expand(&std::mem::take(&mut name))),
                '[' => {
                    depth += 1;
                    name.push(c);
                }
                ']' => {
                    depth -= 1;
                    name.push(c);
                }
                _ => name.push(c),
            }
        }
        if !name.is_empty() {
            names.extend(expand(&name));
        }
        names
    }

    fn expand(pattern: &str) -> Vec<String> {
        let Some((before, rest)) = pattern.split_once('[') else { return vec![pattern.to_owned()] };
        let (inside, after) = rest.split_once(']').unwrap();
        let mut out = Vec::new();
        for part in inside.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let width = if first.starts_with('0') { first.len() } else { 0 };
            for value in first.parse::<u64>().unwrap()..=last.parse().unwrap() {
                out.extend(expand(&format!("{before}{value:0width$}{after}")));
            }
        }
        out
    }
}
