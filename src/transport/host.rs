//! A target as one task sees it: whose rights, which environment, how long.

use super::{Become, Command, Output, Target, TransportError};
use std::sync::Arc;
use std::time::Duration;

/// What modules use. Cheap to clone.
#[derive(Clone)]
pub struct Host {
    /// The connection.
    pub target: Arc<dyn Target>,
    /// Name in the inventory, for messages.
    pub name: Arc<str>,
    /// Rights of the task.
    pub become_: Option<Become>,
    /// `environment:` of the task, in order; set before the script runs.
    pub environment: Vec<(String, String)>,
    /// Deadline of each script (`timeout:` or the default).
    pub timeout: Option<Duration>,
}

impl Host {
    /// Runs shell text with the task's rights and environment; standard input is empty.
    ///
    /// # Errors
    /// [`TransportError`]; a script that fails is not an error.
    pub async fn script(&self, text: &str) -> Result<Output, TransportError> {
        self.script_with_input(text, Vec::new()).await
    }

    /// The same with standard input.
    ///
    /// # Errors
    /// As for [`Host::script`].
    pub async fn script_with_input(
        &self,
        text: &str,
        stdin: Vec<u8>,
    ) -> Result<Output, TransportError> {
        let mut script = String::new();
        for (name, value) in &self.environment {
            script.push_str(&format!("export {name}={}\n", quote(value)));
        }
        script.push_str(text);
        self.target
            .run(Command { script, stdin, become_: self.become_.clone(), timeout: self.timeout })
            .await
    }

    /// Runs one program with these arguments.
    ///
    /// # Errors
    /// As for [`Host::script`].
    pub async fn argv<S: AsRef<str>>(&self, argv: &[S]) -> Result<Output, TransportError> {
        self.script(&join(argv)).await
    }
}

/// One word of shell text that stands for exactly this string, in every POSIX shell.
#[must_use]
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A simple command of shell text that passes exactly these arguments.
#[must_use]
pub fn join<S: AsRef<str>>(argv: &[S]) -> String {
    argv.iter().map(|word| quote(word.as_ref())).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    /// The arguments as a program gets them, each ended by a NUL byte.
    fn printed(shell_text: &str) -> Vec<u8> {
        let script =
            format!("show() {{ for x; do printf '%s\\0' \"$x\"; done; }}; show {shell_text}");
        let done = Command::new("/bin/sh").arg("-c").arg(script).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        done.stdout
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn s12_every_argument_arrives_as_it_is(
            words in prop::collection::vec("([^\\x00]|[ '\"$`\\\\;&|<>()*?~#!\n\t-]){0,12}", 1..20)
        ) {
            let expected: Vec<u8> =
                words.iter().flat_map(|word| word.bytes().chain([0])).collect();
            prop_assert_eq!(printed(&join(&words)), expected);
        }
    }

    #[test]
    fn plain_words_stay_plain() {
        assert_eq!(join(&["ls", "-l", "/etc/a b", ""]), "ls -l '/etc/a b' ''");
        assert_eq!(quote("it's"), r"'it'\''s'");
    }
}
