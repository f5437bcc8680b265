//! Flags of `ansible-vault`.

use super::Vault;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// `ansible-vault`
#[derive(Debug, Parser, Clone)]
#[command(
    name = "ansible-vault",
    version,
    about = "Encrypt and decrypt files and values",
    disable_help_subcommand = true
)]
pub(crate) struct VaultTool {
    /// What to do
    #[command(subcommand)]
    pub action: VaultAction,
}

/// What `ansible-vault` does.
#[derive(Debug, Subcommand, Clone)]
pub(crate) enum VaultAction {
    /// Write a new encrypted file with $EDITOR
    Create(Edit),
    /// Change an encrypted file with $EDITOR
    Edit(Edit),
    /// Show encrypted files
    View(Files),
    /// Encrypt files, or standard input
    Encrypt(Encrypt),
    /// Decrypt files, or standard input
    Decrypt(Files),
    /// Encrypt values for use in YAML
    #[command(name = "encrypt_string", visible_alias = "encrypt-string")]
    EncryptString(EncryptString),
    /// Give encrypted files another password
    Rekey(Rekey),
}

/// `view` and `decrypt`
#[derive(Debug, Args, Clone)]
#[expect(clippy::struct_field_names, reason = "the names are the flags'")]
pub(crate) struct Files {
    /// Files; none or - means standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write to this file, - for standard output, instead of in place
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Secrets
    #[command(flatten)]
    pub vault: Vault,
}

/// With which of several passwords something is encrypted.
#[derive(Debug, Args, Clone)]
pub(crate) struct Identity {
    /// The id to encrypt with, if there are several
    #[arg(long, value_name = "ID")]
    pub encrypt_vault_id: Option<String>,
    /// Secrets
    #[command(flatten)]
    pub vault: Vault,
}

/// `encrypt`
#[derive(Debug, Args, Clone)]
pub(crate) struct Encrypt {
    /// Files; none or - means standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write to this file, - for standard output, instead of in place
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Secrets
    #[command(flatten)]
    pub identity: Identity,
}

/// `create` and `edit`
#[derive(Debug, Args, Clone)]
pub(crate) struct Edit {
    /// Files
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Open the editor although there is no terminal
    #[arg(long)]
    pub skip_tty_check: bool,
    /// Secrets
    #[command(flatten)]
    pub identity: Identity,
}

/// `encrypt_string`
#[derive(Debug, Args, Clone)]
pub(crate) struct EncryptString {
    /// Values; - means standard input
    #[arg(value_name = "TEXT")]
    pub texts: Vec<String>,
    /// Name of the variable (repeatable, in the order of the values)
    #[arg(short, long = "name", value_name = "NAME")]
    pub names: Vec<String>,
    /// Name of the variable that is read from standard input
    #[arg(long, value_name = "NAME")]
    pub stdin_name: Option<String>,
    /// Ask for the value
    #[arg(short, long)]
    pub prompt: bool,
    /// Show the value while it is typed
    #[arg(long, requires = "prompt")]
    pub show_input: bool,
    /// Write to this file
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Secrets
    #[command(flatten)]
    pub identity: Identity,
}

/// `rekey`
#[derive(Debug, Args, Clone)]
pub(crate) struct Rekey {
    /// Files
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// File or program with the new password
    #[arg(long, value_name = "FILE", conflicts_with = "new_vault_id")]
    pub new_vault_password_file: Option<String>,
    /// ID@SOURCE of the new password
    #[arg(long, value_name = "ID")]
    pub new_vault_id: Option<String>,
    /// Secrets
    #[command(flatten)]
    pub identity: Identity,
}
