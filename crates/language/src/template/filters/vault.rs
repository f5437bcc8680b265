//! `vault` and `unvault`: text under a secret that is given to the filter.

use super::call::{Args, Entry, entry, fail};
use crate::vault::{self, Secrets};
use minijinja::{Error, State, Value};
use rand::Rng;

pub(super) static ENTRIES: &[Entry] = &[entry("vault", encrypt), entry("unvault", decrypt)];

/// The name of the secret in envelopes that say nothing else.
const DEFAULT_ID: &str = "filter_default";

fn encrypt(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let data = args.text("data")?;
    let secret = args.text("secret")?;
    let salt = match args.text_option("salt")? {
        Some(salt) => salt.into_bytes(),
        None => {
            let mut salt = vec![0; 32];
            super::chance::real().fill_bytes(&mut salt);
            salt
        }
    };
    let id = args.text_option("vault_id")?.unwrap_or_else(|| DEFAULT_ID.to_owned());
    let id = Some(id.as_str()).filter(|id| *id != "default" && !id.is_empty());
    Ok(Value::from(vault::encrypt(data.as_bytes(), secret.as_bytes(), id, &salt)))
}

fn decrypt(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let envelope = args.text("vault")?;
    let secret = args.text("secret")?;
    let id = args.text_option("vault_id")?.unwrap_or_else(|| DEFAULT_ID.to_owned());
    if !vault::is_encrypted(envelope.as_bytes()) {
        return Ok(Value::from(envelope));
    }
    let secrets = Secrets::new().with(id, secret.into_bytes());
    let plain = vault::decrypt(&envelope, &secrets).map_err(|error| fail(error.to_string()))?;
    String::from_utf8(plain).map(Value::from).map_err(|_| fail("what was encrypted is not text"))
}
