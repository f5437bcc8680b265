//! Versions of Debian packages: how they are ordered, and which of them a pattern means.

use std::cmp::Ordering;

/// Which of two versions is newer, by the rules of deb-version(7): epoch, upstream version, revision.
#[must_use]
pub fn compare(left: &str, right: &str) -> Ordering {
    let (left_epoch, left) = epoch(left);
    let (right_epoch, right) = epoch(right);
    let (left, left_revision) = left.rsplit_once('-').unwrap_or((left, ""));
    let (right, right_revision) = right.rsplit_once('-').unwrap_or((right, ""));
    left_epoch
        .cmp(&right_epoch)
        .then_with(|| part(left, right))
        .then_with(|| part(left_revision, right_revision))
}

fn epoch(version: &str) -> (u64, &str) {
    match version.split_once(':') {
        Some((epoch, rest)) => (epoch.parse().unwrap_or(0), rest),
        None => (0, version),
    }
}

/// Runs of other characters and of digits in turn; `~` sorts before everything, even the end.
fn part(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left, right);
    while !left.is_empty() || !right.is_empty() {
        let (left_word, left_rest) = split(left, |c| !c.is_ascii_digit());
        let (right_word, right_rest) = split(right, |c| !c.is_ascii_digit());
        let words = weights(left_word).cmp(weights(right_word));
        if words != Ordering::Equal {
            return words;
        }
        let (left_number, left_rest) = split(left_rest, |c| c.is_ascii_digit());
        let (right_number, right_rest) = split(right_rest, |c| c.is_ascii_digit());
        let numbers = number(left_number).cmp(&number(right_number));
        if numbers != Ordering::Equal {
            return numbers;
        }
        (left, right) = (left_rest, right_rest);
    }
    Ordering::Equal
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

/// Letters before other signs; the end of the word counts as 0.
fn weights(word: &str) -> impl Iterator<Item = i32> {
    let weight = |c: char| match c {
        '~' => -1,
        c if c.is_ascii_alphabetic() => i32::from(u8::try_from(c).unwrap_or(u8::MAX)),
        c => i32::from(u8::try_from(c).unwrap_or(u8::MAX)) + 256,
    };
    word.chars().map(weight).chain(std::iter::once(0))
}

/// Of any length, without leading zeros.
fn number(digits: &str) -> (usize, &str) {
    let digits = digits.trim_start_matches('0');
    (digits.len(), digits)
}

/// Whether a pattern of apt or dpkg (`*`, `?`) means this text.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = pattern.get(1..).unwrap_or_default();
            text.char_indices().any(|(at, _)| matches(rest, text.get(at..).unwrap_or_default()))
                || matches(rest, "")
        }
        Some(first) => {
            let mut chars = text.chars();
            chars.next().is_some_and(|c| first == '?' || c == first)
                && matches(pattern.get(first.len_utf8()..).unwrap_or_default(), chars.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `dpkg --compare-versions LEFT lt RIGHT` (dpkg 1.21.23) says yes to each.
    #[test]
    fn versions_are_ordered_as_dpkg_does() {
        for (older, newer) in [
            ("1.36.3-1.1", "1.37.2-1.1"),
            ("1.9.0-1.1", "1.10.0-1.1"),
            ("1.36.3-1.1", "1.36.3-2.1"),
            ("1.37.0~rc.1-1", "1.37.0-1"),
            ("9.9", "1:0.1"),
            ("5.2.15-2", "5.2.15-2+b7"),
            ("1.0", "1.0.1"),
            ("1.0a", "1.0+"),
            ("2.36-9+deb12u9", "2.36-9+deb12u13"),
        ] {
            assert_eq!(compare(older, newer), Ordering::Less, "{older} {newer}");
            assert_eq!(compare(newer, older), Ordering::Greater, "{newer} {older}");
        }
        assert_eq!(compare("0:1.02-0", "1.2"), Ordering::Equal);
    }

    #[test]
    fn patterns() {
        for (pattern, text, is) in [
            ("1.37.2-*", "1.37.2-1.1", true),
            ("1.37.2-*", "1.37.20-1.1", false),
            ("kube*", "kubeadm", true),
            ("*", "", true),
            ("kube?tl", "kubectl", true),
            ("kube?tl", "kubetl", false),
        ] {
            assert_eq!(matches(pattern, text), is, "{pattern} {text}");
        }
    }
}
