//! The INI file as Python's configparser reads it: `key = value` or `key: value`, `#` and `;` comments, continuation
//! lines that are indented.

use std::collections::HashMap;

/// Values by section and key (lower case), with the line where each stands.
pub(super) type Values = HashMap<(String, String), (String, u32)>;

/// Reads a file.
///
/// # Errors
/// The line that is neither a section nor a key with a value, and why.
pub(super) fn parse(text: &str) -> Result<Values, (u32, String)> {
    let mut values = Values::new();
    let mut section = String::new();
    let mut last: Option<(String, String)> = None;
    for (line, number) in text.lines().zip(1_u32..) {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with([' ', '\t'])
            && let Some(value) = last.as_ref().and_then(|key| values.get_mut(key))
        {
            value.0.push('\n');
            value.0.push_str(trimmed);
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
            last = None;
            continue;
        }
        let Some(at) = trimmed.find(['=', ':']) else {
            return Err((
                number,
                format!("expected \"key = value\" or \"[section]\", found {trimmed:?}"),
            ));
        };
        let (key, value) = trimmed.split_at(at);
        let value = value.get(1..).unwrap_or_default();
        let value = value.split_once(" ;").map_or(value, |(before, _)| before).trim();
        let key = (section.clone(), key.trim().to_lowercase());
        values.insert(key.clone(), (value.to_owned(), number));
        last = Some(key);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn reads_what_configparser_reads() {
        let text = "# c\n[defaults]\nforks = 20 ; many\nRoles_Path: a:b\nlist =\n  one\n  two\n[ssh_connection]\npipelining=True\n";
        let values = parse(text).unwrap();
        let get =
            |s: &str, k: &str| values.get(&(s.to_owned(), k.to_owned())).map(|v| v.0.as_str());
        assert_eq!(get("defaults", "forks"), Some("20"));
        assert_eq!(get("defaults", "roles_path"), Some("a:b"));
        assert_eq!(get("defaults", "list"), Some("\none\ntwo"));
        assert_eq!(get("ssh_connection", "pipelining"), Some("True"));
        assert_eq!(parse("[a]\nnonsense\n").unwrap_err().0, 2);
    }
}
