//! Files and values that may be vaults.

use super::{Secrets, VaultError, decrypt, is_encrypted};
use crate::diag::{Diagnostic, Source};
use crate::value::{Encrypted, Value};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A file's text, decrypted if it was a vault.
#[derive(Debug)]
pub struct Opened {
    /// For places and carets. Its text is empty if the file was a vault: errors name line and column and show nothing.
    pub source: Arc<Source>,
    secret: Option<Hidden>,
}

struct Hidden(Zeroizing<String>);

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Opened {
    /// The text to parse: [`crate::yaml::load_text`] takes it with [`Opened::source`].
    #[must_use]
    pub fn text(&self) -> &str {
        self.secret.as_ref().map_or(&self.source.text, |hidden| &hidden.0)
    }

    /// Whether the file was a vault.
    #[must_use]
    pub fn was_encrypted(&self) -> bool {
        self.secret.is_some()
    }
}

/// The text of a file that may be a vault. A byte-order mark at its start is left out.
///
/// # Errors
/// The vault cannot be opened, or the text is not UTF-8; the place is the start of the file.
pub fn open(name: &str, bytes: &[u8], secrets: &Secrets) -> Result<Opened, Diagnostic> {
    if !is_encrypted(bytes) {
        let text = utf8(bytes.to_vec()).map_err(|d| at_start(d, name))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        return Ok(Opened { source: Source::new(name, text), secret: None });
    }
    let envelope = std::str::from_utf8(bytes)
        .map_err(|_| VaultError::Malformed("its lines are not hexadecimal"))
        .map_err(|error| at_start(explain(&error), name))?;
    let plain = decrypt(envelope, secrets).map_err(|error| at_start(explain(&error), name))?;
    let text = utf8(plain).map_err(|d| at_start(d, name))?;
    Ok(Opened { source: Source::new(name, ""), secret: Some(Hidden(Zeroizing::new(text))) })
}

/// The text of a `!vault` value: data without a place. Ansible 2.19 renders no template in it either.
///
/// # Errors
/// The vault cannot be opened or is not UTF-8; the place is where the value is written.
pub fn decrypt_value(vault: &Encrypted, secrets: &Secrets) -> Result<Value, Diagnostic> {
    let error = |error: &VaultError| explain(error).at_opt(vault.place.as_ref());
    let plain = if let Some(plain) = secrets.kept(&vault.envelope) {
        plain
    } else {
        let plain = decrypt(&vault.envelope, secrets).map_err(|e| error(&e))?;
        secrets.keep(&vault.envelope, plain)
    };
    let text = std::str::from_utf8(&plain).map_err(|_| not_utf8().at_opt(vault.place.as_ref()))?;
    Ok(Value::text(text))
}

fn utf8(bytes: Vec<u8>) -> Result<String, Diagnostic> {
    String::from_utf8(bytes).map_err(|_| not_utf8())
}

fn not_utf8() -> Diagnostic {
    Diagnostic::error("the text is not UTF-8").hint("save it as UTF-8")
}

fn at_start(diagnostic: Diagnostic, name: &str) -> Diagnostic {
    diagnostic.at(&Source::new(name, "").start())
}

fn explain(error: &VaultError) -> Diagnostic {
    let hint = match error {
        VaultError::NoSecrets => "give --vault-password-file, --vault-id or --ask-vault-pass",
        VaultError::NoneFits { .. } => "check the password; every one that was given was tried",
        VaultError::Malformed(_) => "the whole vault must be there, from $ANSIBLE_VAULT; on",
        VaultError::Unsupported(_) => "encrypt it again with a current ansible-vault (AES256)",
    };
    Diagnostic::error(format!("cannot decrypt: {error}")).hint(hint)
}
