//! The cryptography, as Ansible fixed it.

use super::envelope::Envelope;
use super::{Secrets, VaultError};
use aes::cipher::{KeyIvInit as _, StreamCipher as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::{Zeroize as _, Zeroizing};

const ROUNDS: u32 = 10_000;
const BLOCK: usize = 16;

/// Cipher key, MAC key, initial counter.
type Keys = Zeroizing<[u8; 80]>;

/// The plain bytes of a vault. The secret whose id the envelope names is tried first, then all others.
///
/// # Errors
/// There are no secrets, none fits, or the envelope cannot be read.
pub fn decrypt(envelope: &str, secrets: &Secrets) -> Result<Vec<u8>, VaultError> {
    let envelope = Envelope::parse(envelope)?;
    if secrets.is_empty() {
        return Err(VaultError::NoSecrets);
    }
    for secret in secrets.in_order(envelope.id.as_deref()) {
        let keys = keys(secret, &envelope.salt);
        if authentic(&keys, &envelope) {
            return unpad(apply(&keys, envelope.ciphertext));
        }
    }
    Err(VaultError::NoneFits { id: envelope.id, tried: secrets.ids().map(str::to_owned).collect() })
}

/// Encrypts; version 1.2 if there is an id, else 1.1. The salt must be fresh random bytes (Ansible takes 32).
#[must_use]
pub fn encrypt(plain: &[u8], secret: &[u8], id: Option<&str>, salt: &[u8]) -> String {
    let keys = keys(secret, salt);
    let padding = BLOCK - plain.len() % BLOCK;
    let mut padded = plain.to_vec();
    padded.resize(plain.len() + padding, u8::try_from(padding).unwrap_or(16));
    let ciphertext = apply(&keys, padded);
    let mac = mac(&keys).chain_update(&ciphertext).finalize().into_bytes().to_vec();
    Envelope { id: id.map(str::to_owned), salt: salt.to_vec(), mac, ciphertext }.write()
}

fn keys(secret: &[u8], salt: &[u8]) -> Keys {
    let mut keys = Zeroizing::new([0; 80]);
    pbkdf2::pbkdf2_hmac::<Sha256>(secret, salt, ROUNDS, keys.as_mut());
    keys
}

fn parts(keys: &Keys) -> (&[u8], &[u8], &[u8]) {
    let (cipher, rest) = keys.split_at(32);
    let (mac, counter) = rest.split_at(32);
    (cipher, mac, counter)
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn mac(keys: &Keys) -> Hmac<Sha256> {
    Hmac::new_from_slice(parts(keys).1).expect("any length")
}

fn authentic(keys: &Keys, envelope: &Envelope) -> bool {
    mac(keys).chain_update(&envelope.ciphertext).verify_slice(&envelope.mac).is_ok()
}

/// Counter mode is its own inverse.
#[expect(clippy::expect_used, reason = "`parts` cuts 32 and 16 bytes")]
fn apply(keys: &Keys, mut bytes: Vec<u8>) -> Vec<u8> {
    let (key, _, counter) = parts(keys);
    let mut cipher =
        ctr::Ctr128BE::<aes::Aes256>::new_from_slices(key, counter).expect("lengths of AES-256");
    cipher.apply_keystream(&mut bytes);
    bytes
}

fn unpad(mut padded: Vec<u8>) -> Result<Vec<u8>, VaultError> {
    let padding = usize::from(padded.last().copied().unwrap_or(0));
    let length = padded.len().checked_sub(padding).filter(|_| (1..=BLOCK).contains(&padding));
    let Some(length) = length else {
        padded.zeroize();
        return Err(VaultError::Malformed("its padding is wrong"));
    };
    padded.truncate(length);
    Ok(padded)
}
