//! The outer form: a header line and lines of hexadecimal digits.

use super::VaultError;

/// First bytes of every vault.
const MAGIC: &str = "$ANSIBLE_VAULT;";
/// Hexadecimal digits on a line.
const WIDTH: usize = 80;

/// What an envelope holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    /// The id of version 1.2.
    pub(super) id: Option<String>,
    pub(super) salt: Vec<u8>,
    pub(super) mac: Vec<u8>,
    pub(super) ciphertext: Vec<u8>,
}

/// Whether a file or text is a vault: it starts with the header.
#[must_use]
pub fn is_encrypted(text: &[u8]) -> bool {
    text.starts_with(MAGIC.as_bytes())
}

impl Envelope {
    /// Reads an envelope; spaces around its lines and a final newline do not matter.
    pub(super) fn parse(text: &str) -> Result<Self, VaultError> {
        let mut lines = text.trim().lines().map(str::trim);
        let header = lines.next().unwrap_or_default();
        let fields = header
            .strip_prefix(MAGIC)
            .ok_or(VaultError::Malformed("it does not start with $ANSIBLE_VAULT;"))?;
        let mut fields = fields.split(';').map(str::trim);
        let version = fields.next().unwrap_or_default();
        let cipher = fields.next().unwrap_or_default();
        if !matches!(version, "1.1" | "1.2") {
            return Err(VaultError::Unsupported(format!("version {version:?}")));
        }
        if cipher != "AES256" {
            return Err(VaultError::Unsupported(format!("cipher {cipher:?}")));
        }
        let id = fields.next().filter(|id| version == "1.2" && !id.is_empty());
        let body = unhex(lines.collect::<String>().as_bytes())?;
        let mut parts = body.split(|b| *b == b'\n');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(salt), Some(mac), Some(ciphertext), None) => Ok(Self {
                id: id.map(str::to_owned),
                salt: unhex(salt)?,
                mac: unhex(mac)?,
                ciphertext: unhex(ciphertext)?,
            }),
            _ => Err(VaultError::Malformed("it is cut off")),
        }
    }

    /// Writes it, with a final newline.
    pub(super) fn write(&self) -> String {
        let body = [hex(&self.salt), hex(&self.mac), hex(&self.ciphertext)].join("\n");
        let mut out = MAGIC.to_owned();
        match &self.id {
            Some(id) => {
                out.push_str("1.2;AES256;");
                out.push_str(id);
                out.push('\n');
            }
            None => out.push_str("1.1;AES256\n"),
        }
        for (i, digit) in hex(body.as_bytes()).chars().enumerate() {
            if i > 0 && i % WIDTH == 0 {
                out.push('\n');
            }
            out.push(digit);
        }
        out.push('\n');
        out
    }
}

fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

fn unhex(digits: &[u8]) -> Result<Vec<u8>, VaultError> {
    let value = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|n| u8::try_from(n).ok())
            .ok_or(VaultError::Malformed("its lines are not hexadecimal"))
    };
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(VaultError::Malformed("it is cut off"));
    }
    pairs.iter().map(|[high, low]| Ok((value(*high)? << 4) | value(*low)?)).collect()
}
