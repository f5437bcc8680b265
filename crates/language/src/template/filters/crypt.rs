//! `password_hash`: hashes as they stand in `/etc/shadow`, with the limits and defaults of passlib 1.7.

use super::call::{Args, Entry, entry, fail};
use super::chance;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};
use md5::{Digest, Md5};
use minijinja::value::ValueKind;
use minijinja::{Error, State, Value};
use rand::seq::IndexedRandom;

pub(super) static ENTRIES: &[Entry] = &[entry("password_hash", filter)];

/// The letters of salts and hashes, in the order of their values (not bcrypt's).
const LETTERS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

fn filter(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let password = args.value("password")?;
    if password.kind() != ValueKind::String {
        return Err(fail("the secret must be text"));
    }
    let algorithm = args.text_option("hashtype")?.unwrap_or_else(|| "sha512".to_owned());
    let wanted = Wanted {
        salt: args.text_option("salt")?,
        salt_size: args.int_option("salt_size")?,
        rounds: args.int_option("rounds")?,
        ident: args.text_option("ident")?,
    };
    password_hash(password.as_str().unwrap_or_default(), &algorithm, &wanted)
        .map(Value::from)
        .map_err(fail)
}

/// What a person may choose about a hash; what is `None` is the default of the algorithm.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Letters of the salt; chosen by chance otherwise.
    pub salt: Option<String>,
    /// How many letters a salt chosen by chance has.
    pub salt_size: Option<i128>,
    /// How often is hashed (bcrypt: the power of two of it).
    pub rounds: Option<i128>,
    /// The kind of bcrypt: 2a, 2b or 2y.
    pub ident: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Md5,
    Sha256,
    Sha512,
    Bcrypt,
}

/// A hash of a password by `md5`, `sha256`, `sha512` or `blowfish` (or `md5_crypt` and so on, as passlib calls them).
///
/// # Errors
/// There is no such algorithm, or it takes no such salt or rounds; the text says which.
pub fn password_hash(password: &str, algorithm: &str, wanted: &Wanted) -> Result<String, String> {
    use Algorithm::{Bcrypt, Md5, Sha256, Sha512};
    let which = match algorithm {
        "md5" | "md5_crypt" => Md5,
        "sha256" | "sha256_crypt" => Sha256,
        "sha512" | "sha512_crypt" => Sha512,
        "blowfish" | "bcrypt" => Bcrypt,
        _ => {
            return Err(format!("{algorithm} is none of md5, blowfish, sha256, sha512"));
        }
    };
    if password.contains('\0') {
        return Err("a secret must not contain NUL".to_owned());
    }
    let salt = which.salt(wanted)?;
    let rounds = which.rounds(wanted)?;
    match which {
        Md5 => Ok(md5_crypt(password.as_bytes(), salt.as_bytes())),
        Sha256 | Sha512 => which.sha_crypt(password.as_bytes(), &salt, rounds),
        Bcrypt => bcrypt_hash(password, &salt, rounds, wanted.ident.as_deref()),
    }
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5_crypt",
            Self::Sha256 => "sha256_crypt",
            Self::Sha512 => "sha512_crypt",
            Self::Bcrypt => "bcrypt",
        }
    }

    /// Letters of a salt: at least, at most, by default.
    fn sizes(self) -> (usize, usize, usize) {
        match self {
            Self::Md5 => (0, 8, 8),
            Self::Sha256 | Self::Sha512 => (0, 16, 16),
            Self::Bcrypt => (22, 22, 22),
        }
    }

    fn salt(self, wanted: &Wanted) -> Result<String, String> {
        let (min, max, usual) = self.sizes();
        let name = self.name();
        let fits = |size: usize| {
            if size > max {
                Err(format!("salt too large ({name} requires <= {max} chars)"))
            } else if size < min {
                Err(format!("salt too small ({name} requires >= {min} chars)"))
            } else {
                Ok(size)
            }
        };
        // As in ansible-core an empty salt counts as none.
        if let Some(salt) = wanted.salt.as_ref().filter(|salt| !salt.is_empty()) {
            if !salt.bytes().all(|byte| LETTERS.contains(&byte)) {
                return Err(format!("invalid characters in {name} salt"));
            }
            return fits(salt.len()).map(|_| salt.clone());
        }
        let size = match wanted.salt_size {
            Some(size) => usize::try_from(size).map_err(|_| "salt_size is negative".to_owned())?,
            None => usual,
        };
        let mut chance = chance::real();
        let letters = (0..fits(size)?).filter_map(|_| LETTERS.choose(&mut chance));
        Ok(letters.map(|letter| char::from(*letter)).collect())
    }

    fn rounds(self, wanted: &Wanted) -> Result<u32, String> {
        let (min, max, usual) = match self {
            Self::Md5 => return Ok(0),
            Self::Sha256 => (1_000, 999_999_999, 535_000),
            Self::Sha512 => (1_000, 999_999_999, 656_000),
            Self::Bcrypt => (4, 31, 12),
        };
        let rounds = wanted.rounds.unwrap_or(usual);
        u32::try_from(rounds).ok().filter(|_| (min..=max).contains(&rounds)).ok_or_else(|| {
            format!("{}: rounds must be from {min} to {max}, not {rounds}", self.name())
        })
    }

    fn sha_crypt(self, password: &[u8], salt: &str, rounds: u32) -> Result<String, String> {
        let params = sha_crypt::Params::new(rounds).map_err(|error| error.to_string())?;
        let mut text = String::new();
        let mut at = [0, 0, 0];
        let id = if self == Self::Sha256 {
            let hash = sha_crypt::sha256_crypt(password, salt.as_bytes(), params);
            at = [0, 10, 20];
            for _ in 0..10 {
                letters(&mut text, &hash, &at, 4);
                at = [at[2] + 1, at[0] + 1, at[1] + 1];
            }
            letters(&mut text, &hash, &[31, 30], 3);
            5
        } else {
            let hash = sha_crypt::sha512_crypt(password, salt.as_bytes(), params);
            at[1] = 21;
            at[2] = 42;
            for _ in 0..21 {
                letters(&mut text, &hash, &at, 4);
                at = [at[1] + 1, at[2] + 1, at[0] + 1];
            }
            letters(&mut text, &hash, &[63], 2);
            6
        };
        let shown = if rounds == 5000 { String::new() } else { format!("rounds={rounds}$") };
        Ok(format!("${id}${shown}{salt}${text}"))
    }
}

/// Up to three bytes as letters, the last byte first.
fn letters(text: &mut String, bytes: &[u8], at: &[usize], count: usize) {
    let number = at.iter().fold(0u32, |number, index| {
        number << 8 | u32::from(bytes.get(*index).copied().unwrap_or_default())
    });
    for place in 0..count {
        let value = usize::try_from(number >> (6 * place) & 63).unwrap_or_default();
        text.extend(LETTERS.get(value).map(|letter| char::from(*letter)));
    }
}

/// MD5-crypt as FreeBSD 2.0 defined it. No library that is kept has it, and old systems want it.
fn md5_crypt(password: &[u8], salt: &[u8]) -> String {
    let inner = Md5::new().chain_update(password).chain_update(salt).chain_update(password);
    let inner = inner.finalize();
    let mut start = Md5::new().chain_update(password).chain_update(b"$1$").chain_update(salt);
    start.update(inner.iter().copied().cycle().take(password.len()).collect::<Vec<u8>>());
    let mut left = password.len();
    while left > 0 {
        let first = password.first().map_or(&[][..], std::slice::from_ref);
        start.update(if left & 1 == 1 { &[0][..] } else { first });
        left >>= 1;
    }
    let mut hash = start.finalize();
    for round in 0..1000 {
        let mut next = Md5::new();
        if round % 2 == 1 {
            next.update(password);
        } else {
            next.update(hash);
        }
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        if round % 2 == 1 {
            next.update(hash);
        } else {
            next.update(password);
        }
        hash = next.finalize();
    }
    let mut text = String::new();
    for at in [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]] {
        letters(&mut text, &hash, &at, 4);
    }
    letters(&mut text, &hash, &[11], 2);
    format!("$1${}${text}", String::from_utf8_lossy(salt))
}

fn bcrypt_hash(
    password: &str,
    salt: &str,
    cost: u32,
    ident: Option<&str>,
) -> Result<String, String> {
    let version = match ident.unwrap_or("2b").trim_matches('$') {
        "2a" => bcrypt::Version::TwoA,
        "2b" => bcrypt::Version::TwoB,
        "2y" => bcrypt::Version::TwoY,
        other => return Err(format!("{other} is no kind of bcrypt: 2a, 2b and 2y are")),
    };
    // 22 letters are 132 bits for 16 bytes: the last 4 count for nothing.
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone);
    let salt = GeneralPurpose::new(&base64::alphabet::BCRYPT, config)
        .decode(salt)
        .ok()
        .and_then(|bytes| <[u8; 16]>::try_from(bytes).ok())
        .ok_or_else(|| "the salt is not bcrypt's".to_owned())?;
    bcrypt::hash_with_salt(password, cost, salt)
        .map(|parts| parts.format_for_version(version))
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Wanted, password_hash};

    fn hash(password: &str, algorithm: &str, salt: &str, rounds: Option<i128>) -> String {
        let wanted = Wanted { salt: Some(salt.to_owned()), rounds, ..Wanted::default() };
        password_hash(password, algorithm, &wanted).unwrap_or_else(|error| error)
    }

    /// Hashes by ansible-core 2.19 with passlib 1.7.4, bcrypt's by libxcrypt.
    #[test]
    fn hashes_are_those_of_the_reference() {
        const LONG: &str =
            "é longer password that is more than sixty-four bytes long, surely so it is";
        for (password, algorithm, salt, rounds, expected) in [
            (
                "pw",
                "sha512",
                "saltsalt",
                Some(5000),
                "$6$saltsalt$pauPrmdmG4BTE9h2HPmywiw152IFch6BJCEsaY6D.PLTfpV8sqvXwWdyfsgVgozkYH9B80bAip/08R2BPH2xk/",
            ),
            (
                "pw",
                "sha512",
                "saltsalt",
                Some(1000),
                "$6$rounds=1000$saltsalt$nII71HJmawaDYdXrUHYtoWV/pe6ZN/eQzrZXdKjhrcMU0onLRg6A5m38udZu.lA6f53rIQturF4FMx1X99KF/0",
            ),
            (
                "pw",
                "sha256_crypt",
                "saltsalt",
                Some(5000),
                "$5$saltsalt$0rl.MZtoLLPP3X0Rdl8riRnphIcAXJY27/aOAyK2hB5",
            ),
            (
                "pw",
                "sha256",
                "saltsalt",
                None,
                "$5$rounds=535000$saltsalt$DV/wdBU9TkuhhcQfLffJ5EE3oF.grHgoEMJBmRv0tP2",
            ),
            (
                LONG,
                "sha512",
                "abcdefghijklmnop",
                Some(1001),
                "$6$rounds=1001$abcdefghijklmnop$G1QGYygTXW68YDDvu7UddLY0eseWV1Y1rsoIdRyPZRSMwiDHo9thooiDQhzS9nPaF./u5HSZ6fMXur10CO30s.",
            ),
            (
                LONG,
                "sha256",
                "abcdefghijklmnop",
                Some(1001),
                "$5$rounds=1001$abcdefghijklmnop$kQNSIr/L33P5gPXo7tKaY6t7Sv0UXP2pkxxupeZyn.1",
            ),
            ("pw", "md5", "saltsalt", None, "$1$saltsalt$6SNdNaZLKst2LlSm7oPPL1"),
            ("a longer one than sixteen", "md5_crypt", "ab", None, "$1$ab$5ONKTpXZKIIZraYh47AYO0"),
            ("", "md5", "ab", None, "$1$ab$rn6aQS/o7141mj179E/zA."),
            (
                "pw",
                "blowfish",
                "1234567890123456789012",
                None,
                "$2b$12$123456789012345678901ur8.t6rMyOWgNT79nPonFt8j1PTEo93G",
            ),
            (
                "pw",
                "bcrypt",
                "abcdefghijklmnopqrstuu",
                Some(4),
                "$2b$04$abcdefghijklmnopqrstuuyvPXIbu7xe6/CED2DzX8z6Si09MlzlW",
            ),
        ] {
            assert_eq!(hash(password, algorithm, salt, rounds), expected, "{algorithm} {salt}");
        }
    }

    #[test]
    fn what_an_algorithm_does_not_take_is_refused() {
        for (algorithm, salt, rounds, why) in [
            ("nope", "", None, "nope is none of md5, blowfish, sha256, sha512"),
            ("sha512", "a b", None, "invalid characters in sha512_crypt salt"),
            (
                "sha512",
                "salttoolongsaltsalt",
                None,
                "salt too large (sha512_crypt requires <= 16 chars)",
            ),
            ("md5", "saltsalttoo", None, "salt too large (md5_crypt requires <= 8 chars)"),
            ("blowfish", "short", None, "salt too small (bcrypt requires >= 22 chars)"),
            ("sha512", "", Some(10), "sha512_crypt: rounds must be from 1000 to 999999999, not 10"),
        ] {
            assert_eq!(hash("pw", algorithm, salt, rounds), why);
        }
    }

    #[test]
    fn salts_are_chosen_by_chance() {
        for (algorithm, salt_size, length) in
            [("md5", None, 8), ("sha512", None, 16), ("sha256", Some(4), 4), ("bcrypt", None, 22)]
        {
            let rounds = Some(if algorithm == "bcrypt" { 4 } else { 1000 });
            let wanted = Wanted { salt_size, rounds, ..Wanted::default() };
            let once = password_hash("pw", algorithm, &wanted).unwrap();
            assert_ne!(once, password_hash("pw", algorithm, &wanted).unwrap());
            let salt = once.rsplit('$').nth(usize::from(algorithm != "bcrypt")).unwrap();
            assert_eq!(salt.get(..length).unwrap().len(), length);
            if algorithm != "bcrypt" {
                assert_eq!(salt.len(), length);
            }
        }
    }
}
