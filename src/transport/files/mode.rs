//! File modes: octal, or symbolic as `chmod` reads them.

/// Whether a text is a mode at all.
#[must_use]
pub fn is_mode(spec: &str) -> bool {
    apply(spec, 0, false, 0).is_ok()
}

/// The mode that `spec` makes of `current` (permission bits, 07777). `umask` counts for clauses without `ugoa`.
///
/// # Errors
/// `spec` is neither octal nor symbolic.
pub fn apply(spec: &str, current: u32, directory: bool, umask: u32) -> Result<u32, String> {
    let digits = spec.trim().strip_prefix("0o").unwrap_or(spec.trim());
    if !digits.is_empty() && digits.chars().all(|c| c.is_digit(8)) {
        return u32::from_str_radix(digits, 8)
            .ok()
            .filter(|mode| *mode <= 0o7777)
            .ok_or_else(|| format!("mode {spec} is out of range"));
    }
    let mut mode = current & 0o7777;
    for clause in spec.split(',') {
        mode = apply_clause(clause.trim(), mode, directory, umask)
            .ok_or_else(|| format!("mode must be in octal or symbolic form: {spec}"))?;
    }
    Ok(mode)
}

fn apply_clause(clause: &str, mut mode: u32, directory: bool, umask: u32) -> Option<u32> {
    let start = clause.find(['+', '-', '='])?;
    let (who, mut rest) = clause.split_at(start);
    if !who.chars().all(|c| "ugoa".contains(c)) {
        return None;
    }
    let (classes, mask) = if who.is_empty() { ("ugo", umask) } else { (who, 0) };
    let classes = if classes.contains('a') { "ugo" } else { classes };
    while let Some(operator) = rest.chars().next() {
        let tail = rest.get(1..)?;
        let end = tail.find(['+', '-', '=']).unwrap_or(tail.len());
        let (letters, next) = tail.split_at(end);
        rest = next;
        let mut bits = 0;
        let mut reach = 0;
        for class in classes.chars() {
            let (shift, special) = match class {
                'u' => (6, 0o4000),
                'g' => (3, 0o2000),
                _ => (0, 0),
            };
            reach |= 0o7 << shift | if directory { 0 } else { special };
            for letter in letters.chars() {
                bits |= match letter {
                    'r' => 0o4 << shift,
                    'w' => 0o2 << shift,
                    'x' => 0o1 << shift,
                    'X' if directory || mode & 0o111 != 0 => 0o1 << shift,
                    'X' => 0,
                    's' => special,
                    't' => 0o1000,
                    'u' => (mode >> 6 & 0o7) << shift,
                    'g' => (mode >> 3 & 0o7) << shift,
                    'o' => (mode & 0o7) << shift,
                    _ => return None,
                };
            }
        }
        bits &= !mask;
        mode = match operator {
            '+' => mode | bits,
            '-' => mode & !bits,
            _ => mode & !(reach & !mask) | bits,
        };
    }
    Some(mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_chmod() {
        for (spec, current, directory, expected) in [
            ("0644", 0, false, 0o644),
            ("644", 0o777, false, 0o644),
            ("0o755", 0, false, 0o755),
            ("1777", 0, true, 0o1777),
            ("u=rwX,g=rX,o=rX", 0o600, false, 0o644),
            ("u=rwX,g=rX,o=rX", 0o700, false, 0o755),
            ("u=rwX,g=rX,o=rX", 0o600, true, 0o755),
            ("u+x,g=r", 0o644, false, 0o744),
            ("a-w", 0o666, false, 0o444),
            ("+x", 0o600, false, 0o711),
            ("g=u", 0o640, false, 0o660),
            ("u+s,o+t", 0o755, false, 0o5755),
            ("go=", 0o777, false, 0o700),
            ("u-x+w", 0o500, false, 0o600),
        ] {
            assert_eq!(apply(spec, current, directory, 0o022), Ok(expected), "{spec} {current:o}");
        }
        for wrong in ["", "8", "77777", "rw", "u=z", "z+x", "preserve"] {
            assert!(apply(wrong, 0o644, false, 0).is_err(), "{wrong}");
        }
    }
}
