//! Ansible Vault: text encrypted with a password, as whole files or as `!vault` values.
//!
//! The format (1.1, and 1.2 with an id) and its parameters are fixed by Ansible: AES-256 in counter mode, HMAC-SHA256
//! over the ciphertext, keys from PBKDF2-HMAC-SHA256 with 10,000 rounds. Secrets are wiped when they are dropped and
//! have no `Debug` that shows them.
//!
//! Not here: where passwords come from (prompt, file, program).

mod cipher;
mod envelope;
mod open;
mod secrets;
#[cfg(test)]
mod tests;

pub use cipher::{decrypt, encrypt};
pub use envelope::is_encrypted;
pub use open::{Opened, decrypt_value, open};
pub use secrets::Secrets;

/// Why a vault could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// There are no passwords at all.
    #[error("it is encrypted and no vault password was given")]
    NoSecrets,
    /// None of the passwords is the right one, or the text was changed after it was encrypted.
    #[error("no vault password fits{}", attempts(.id.as_deref(), .tried))]
    NoneFits {
        /// The id in the envelope.
        id: Option<String>,
        /// The ids of the passwords that were tried.
        tried: Vec<String>,
    },
    /// The envelope is cut off or is none: what is wrong with it.
    #[error("it is not a readable vault: {0}")]
    Malformed(&'static str),
    /// A format or cipher that nobody reads here.
    #[error("vault {0} is not supported")]
    Unsupported(String),
}

fn attempts(id: Option<&str>, tried: &[String]) -> String {
    let of = id.map(|id| format!(" the vault id `{id}`")).unwrap_or_default();
    format!("{of} (tried: {})", tried.join(", "))
}
