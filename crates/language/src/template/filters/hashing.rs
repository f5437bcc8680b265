//! Digests, base64 and UUIDs.

use super::call::{Args, Entry, entry, fail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Error, State, Value};
use sha1::Digest as _;

pub(super) static ENTRIES: &[Entry] = &[
    entry("hash", hash),
    entry("md5", |_, args| fixed(args, "md5")),
    entry("sha1", |_, args| fixed(args, "sha1")),
    entry("checksum", |_, args| fixed(args, "sha1")),
    entry("b64encode", b64encode),
    entry("b64decode", b64decode),
    entry("to_uuid", to_uuid),
];

/// The namespace of `to_uuid` that playbooks rely on.
const NAMESPACE: &str = "361E6D51-FAEC-444A-9079-341386DA8E2E";

fn hash(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let data = args.text("data")?;
    let kind = args.text_option("hashtype")?.unwrap_or_else(|| "sha1".to_owned());
    digest(&kind, data.as_bytes()).map(Value::from)
}

fn fixed(args: &mut Args, kind: &str) -> Result<Value, Error> {
    digest(kind, args.text("data")?.as_bytes()).map(Value::from)
}

/// The hexadecimal digest of some bytes.
pub(in crate::template) fn digest(kind: &str, data: &[u8]) -> Result<String, Error> {
    Ok(match kind {
        "md5" => hex(&md5::Md5::digest(data)),
        "sha1" => hex(&sha1::Sha1::digest(data)),
        "sha224" => hex(&sha2::Sha224::digest(data)),
        "sha256" => hex(&sha2::Sha256::digest(data)),
        "sha384" => hex(&sha2::Sha384::digest(data)),
        "sha512" => hex(&sha2::Sha512::digest(data)),
        other => {
            return Err(fail(format!(
                "there is no hash '{other}'; there are md5, sha1, sha224, sha256, sha384, sha512"
            )));
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16 { big: bool, mark: bool },
    Latin1,
    Ascii,
}

fn encoding(args: &mut Args) -> Result<Encoding, Error> {
    let name = args.text_option("encoding")?.unwrap_or_else(|| "utf-8".to_owned());
    match name.to_lowercase().replace('_', "-").as_str() {
        "utf-8" | "utf8" => Ok(Encoding::Utf8),
        "utf-16" | "utf16" => Ok(Encoding::Utf16 { big: false, mark: true }),
        "utf-16-le" | "utf-16le" => Ok(Encoding::Utf16 { big: false, mark: false }),
        "utf-16-be" | "utf-16be" => Ok(Encoding::Utf16 { big: true, mark: false }),
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" => Ok(Encoding::Latin1),
        "ascii" | "us-ascii" => Ok(Encoding::Ascii),
        _ => Err(fail(format!("the encoding '{name}' is not supported"))),
    }
}

fn encode(text: &str, encoding: Encoding) -> Result<Vec<u8>, Error> {
    match encoding {
        Encoding::Utf8 => Ok(text.as_bytes().to_vec()),
        Encoding::Utf16 { big, mark } => {
            let mark = mark.then_some(0xfeff);
            let units = mark.into_iter().chain(text.encode_utf16());
            Ok(units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect())
        }
        Encoding::Latin1 => single_bytes(text, 0xff),
        Encoding::Ascii => single_bytes(text, 0x7f),
    }
}

fn single_bytes(text: &str, last: u32) -> Result<Vec<u8>, Error> {
    text.chars()
        .map(|c| u8::try_from(c as u32).ok().filter(|b| u32::from(*b) <= last))
        .collect::<Option<_>>()
        .ok_or_else(|| fail("the text has characters that the encoding lacks"))
}

fn decode(bytes: Vec<u8>, encoding: Encoding) -> Result<String, Error> {
    let wrong = || fail("the decoded bytes are not text in this encoding");
    match encoding {
        Encoding::Utf8 => String::from_utf8(bytes).map_err(|_| wrong()),
        Encoding::Utf16 { big, mark } => {
            let mut units = Vec::with_capacity(bytes.len() / 2);
            for pair in bytes.chunks(2) {
                let pair = <[u8; 2]>::try_from(pair).map_err(|_| wrong())?;
                units.push(if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) });
            }
            let text = String::from_utf16(&units).map_err(|_| wrong())?;
            Ok(if mark { text.trim_start_matches('\u{feff}').to_owned() } else { text })
        }
        Encoding::Latin1 => Ok(bytes.into_iter().map(char::from).collect()),
        Encoding::Ascii if bytes.is_ascii() => String::from_utf8(bytes).map_err(|_| wrong()),
        Encoding::Ascii => Err(wrong()),
    }
}

fn b64encode(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("string")?;
    let encoding = encoding(args)?;
    Ok(Value::from(STANDARD.encode(encode(&text, encoding)?)))
}

fn b64decode(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("string")?;
    let encoding = encoding(args)?;
    // Python skips whatever is not of the alphabet and stops at complete padding.
    let kept: String =
        text.chars().filter(|c| c.is_ascii_alphanumeric() || "+/=".contains(*c)).collect();
    let bytes =
        STANDARD.decode(kept).map_err(|error| fail(format!("this is not base64: {error}")))?;
    decode(bytes, encoding).map(Value::from)
}

fn to_uuid(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("string")?;
    let namespace = args.text_option("namespace")?.unwrap_or_else(|| NAMESPACE.to_owned());
    let namespace = uuid::Uuid::parse_str(&namespace)
        .map_err(|_| fail(format!("the namespace '{namespace}' is not a UUID")))?;
    Ok(Value::from(uuid::Uuid::new_v5(&namespace, text.as_bytes()).to_string()))
}
