//! Command lines as Go's pflag reads them: kubeadm, kubectl, etcdctl, crictl. What is not in the list is an error of its own
//! words.

/// One flag that a command knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flag {
    long: &'static str,
    short: Option<char>,
    takes: Takes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Value,
    /// Nothing, or `=true` and `=false`.
    Switch,
}

/// `--name VALUE`
pub(super) const fn value(long: &'static str) -> Flag {
    Flag { long, short: None, takes: Takes::Value }
}

/// `--name`
pub(super) const fn switch(long: &'static str) -> Flag {
    Flag { long, short: None, takes: Takes::Switch }
}

impl Flag {
    /// Also `-x`.
    pub(super) const fn or(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Flags {
    given: Vec<(&'static str, String)>,
    /// Everything else, in order.
    pub(super) words: Vec<String>,
    /// After `--`.
    pub(super) rest: Option<Vec<String>>,
}

/// Reads a command line; the text is pflag's own.
pub(super) fn parse(words: &[String], known: &[Flag]) -> Result<Flags, String> {
    let mut flags = Flags::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            flags.rest = Some(words.cloned().collect());
            break;
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, inline) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let flag = known.iter().find(|flag| flag.long == name);
            let flag = flag.ok_or_else(|| format!("unknown flag: --{name}"))?;
            let value = match (flag.takes, inline) {
                (_, Some(value)) => value,
                (Takes::Switch, None) => "true".to_owned(),
                (Takes::Value, None) => words
                    .next()
                    .cloned()
                    .ok_or_else(|| format!("flag needs an argument: --{name}"))?,
            };
            flags.given.push((flag.long, value));
        } else if let Some(short) = word.strip_prefix('-').filter(|short| !short.is_empty()) {
            cluster(short, word, known, &mut words, &mut flags)?;
        } else {
            flags.words.push(word.clone());
        }
    }
    Ok(flags)
}

/// `-it`, `-njson`, `-n json`, `-n=json`.
fn cluster<'a>(
    short: &str,
    word: &str,
    known: &[Flag],
    words: &mut impl Iterator<Item = &'a String>,
    flags: &mut Flags,
) -> Result<(), String> {
    let mut rest = short.chars();
    while let Some(letter) = rest.next() {
        let flag = known.iter().find(|flag| flag.short == Some(letter));
        let flag = flag.ok_or_else(|| format!("unknown shorthand flag: '{letter}' in {word}"))?;
        if flag.takes == Takes::Switch && !rest.as_str().starts_with('=') {
            flags.given.push((flag.long, "true".to_owned()));
            continue;
        }
        let inline = rest.as_str().strip_prefix('=').unwrap_or(rest.as_str());
        let value = if inline.is_empty() {
            words
                .next()
                .cloned()
                .ok_or_else(|| format!("flag needs an argument: '{letter}' in {word}"))?
        } else {
            inline.to_owned()
        };
        flags.given.push((flag.long, value));
        return Ok(());
    }
    Ok(())
}

impl Flags {
    /// The last value of a flag.
    pub(super) fn get(&self, long: &str) -> Option<&str> {
        self.given.iter().rev().find(|(name, _)| *name == long).map(|(_, value)| value.as_str())
    }

    /// All values of a flag, those with commas taken apart.
    pub(super) fn all(&self, long: &str) -> Vec<String> {
        let given = self.given.iter().filter(|(name, _)| *name == long);
        given
            .flat_map(|(_, value)| value.split(','))
            .filter(|v| !v.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Whether a switch is on.
    pub(super) fn on(&self, long: &str) -> bool {
        self.get(long).is_some_and(|value| value != "false")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Flag; 4] = [
        value("output").or('o'),
        value("namespace").or('n'),
        switch("yes").or('y'),
        switch("stdin").or('i'),
    ];

    fn read(line: &str) -> Result<Flags, String> {
        parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>(), &KNOWN)
    }

    #[test]
    fn lines_are_read() {
        let flags = read("get pods -ojson --namespace=kube-system -yi a -- ls -l").unwrap();
        assert_eq!(flags.words, ["get", "pods", "a"]);
        assert_eq!(flags.rest.as_deref(), Some(&["ls".to_owned(), "-l".to_owned()][..]));
        assert_eq!(
            (flags.get("output"), flags.get("namespace")),
            (Some("json"), Some("kube-system"))
        );
        assert!(flags.on("yes") && flags.on("stdin"));
        assert!(!read("--yes=false").unwrap().on("yes"));
        assert_eq!(read("-n a,b -n c").unwrap().all("namespace"), ["a", "b", "c"]);
    }

    /// The words of kubeadm 1.37.2 and kubectl 1.36.3.
    #[test]
    fn mistakes_have_pflags_words() {
        for (line, text) in [
            ("--nosuch", "unknown flag: --nosuch"),
            ("-yx", "unknown shorthand flag: 'x' in -yx"),
            ("--output", "flag needs an argument: --output"),
            ("-o", "flag needs an argument: 'o' in -o"),
        ] {
            assert_eq!(read(line).unwrap_err(), text);
        }
    }
}
