//! Envelopes made by `ansible-vault` of ansible-core 2.19 with `ANSIBLE_VAULT_ENCRYPT_SALT=pepper-and-salt`.

use super::{Secrets, VaultError, decrypt, decrypt_value, encrypt, is_encrypted, open};
use crate::diag::{Diagnostics, Source};
use crate::value::{Encrypted, Value};
use crate::yaml;

const PLAIN: &str = "- hosts: x\n  name: geheim\n";
const SALT: &[u8] = b"pepper-and-salt";
const V11: &str = "$ANSIBLE_VAULT;1.1;AES256
3730363537303730363537323264363136653634326437333631366337340a303538666530646364
33306330636561626136363630393462373139393962646534633136323034613031653061346539
6336363639616631653331303561300a313934623138383437663431393732313533313133383837
37636264623932363130373463396337326434346238666338636563623435386636666139376239
";
const V12: &str = "$ANSIBLE_VAULT;1.2;AES256;prod
3730363537303730363537323264363136653634326437333631366337340a353062356236373462
38343331663432396163616439623630303062336430363466366231303361653364646163323734
6631663433353433656335393739630a663235663264623636343163643433383565643533653538
61643762373835626632666264373333353332623937626635633065626133653766663663303636
";
/// Of the sixteen bytes `exactly-16-bytes`: a whole block of padding.
const BLOCK: &str = "$ANSIBLE_VAULT;1.1;AES256
3730363537303730363537323264363136653634326437333631366337340a343338396537613339
35623636363132343433383438313566623161343035333835303037643735336466336366383231
6138616162643839643864613063390a353131333131383837383539396433363432356631666335
32356137626433383635356566396230353833636364383566316636613234656530656338316166
";
/// Of an empty file, with a random salt.
const EMPTY: &str = "$ANSIBLE_VAULT;1.1;AES256
34643032326364383537303637343631623435313130353536353463376636643433653866323632
3035353061313033636130326338376463373865353834350a623434623863626265663263643062
66626432393934633434303037353361613966626665366166383363353834386264633564653237
3931636631346131340a373334396236393863613035626636333763353239373034396339313538
3763
";

fn secrets() -> Secrets {
    Secrets::new().with("default", "secret").with("prod", "other")
}

#[test]
fn vaults_of_ansible_open() {
    for (vault, plain) in [(V11, PLAIN), (V12, PLAIN), (BLOCK, "exactly-16-bytes"), (EMPTY, "")] {
        assert_eq!(decrypt(vault, &secrets()).unwrap(), plain.as_bytes());
    }
}

#[test]
fn vaults_are_written_byte_for_byte_as_ansible_writes_them() {
    assert_eq!(encrypt(PLAIN.as_bytes(), b"secret", None, SALT), V11);
    assert_eq!(encrypt(PLAIN.as_bytes(), b"other", Some("prod"), SALT), V12);
    assert_eq!(encrypt(b"exactly-16-bytes", b"secret", None, SALT), BLOCK);
}

#[test]
fn an_id_is_a_hint_and_not_a_lock() {
    let only = Secrets::new().with("elsewhere", "other");
    assert_eq!(decrypt(V12, &only).unwrap(), PLAIN.as_bytes());
}

#[test]
fn the_secret_with_the_id_is_tried_first() {
    let secrets = Secrets::new().with("a", "1").with("b", "2").with("a", "3");
    let order: Vec<_> = secrets.in_order(Some("b")).collect();
    assert_eq!(order, [b"2", b"1", b"3"]);
    let order: Vec<_> = secrets.in_order(None).collect();
    assert_eq!(order, [b"1", b"2", b"3"]);
}

#[test]
fn reasons_are_told_apart() {
    assert_eq!(decrypt(V11, &Secrets::new()), Err(VaultError::NoSecrets));
    let wrong = Secrets::new().with("default", "wrong");
    assert_eq!(
        decrypt(V12, &wrong),
        Err(VaultError::NoneFits { id: Some("prod".into()), tried: vec!["default".into()] })
    );
    for bad in [
        "hello",
        "$ANSIBLE_VAULT;1.1;AES256",
        "$ANSIBLE_VAULT;1.1;AES256\n3",
        "$ANSIBLE_VAULT;1.1;AES256\nxx",
        &V11[..V11.len() - 3],
    ] {
        assert!(matches!(decrypt(bad, &secrets()), Err(VaultError::Malformed(_))), "{bad}");
    }
    for old in ["$ANSIBLE_VAULT;1.0;AES\n00", "$ANSIBLE_VAULT;2.0;AES256\n00"] {
        assert!(matches!(decrypt(old, &secrets()), Err(VaultError::Unsupported(_))), "{old}");
    }
}

#[test]
fn a_changed_ciphertext_does_not_open() {
    let at = V11.len() - 2;
    let changed = format!("{}{}\n", &V11[..at], if V11.as_bytes()[at] == b'8' { '9' } else { '8' });
    assert!(matches!(decrypt(&changed, &secrets()), Err(VaultError::NoneFits { .. })));
}

#[test]
fn indented_and_windows_lines_open() {
    let indented = V11.replace('\n', "\n    ");
    assert_eq!(decrypt(&indented, &secrets()).unwrap(), PLAIN.as_bytes());
    let windows = V11.replace('\n', "\r\n");
    assert_eq!(decrypt(&windows, &secrets()).unwrap(), PLAIN.as_bytes());
}

#[test]
fn secrets_do_not_show() {
    let shown = format!("{:?}", secrets());
    assert!(shown.contains("prod") && !shown.contains("other") && !shown.contains("secret"));
    let opened = open("f.yml", V11.as_bytes(), &secrets()).unwrap();
    assert!(!format!("{opened:?}").contains("geheim"));
}

#[test]
fn a_vaulted_file_has_places_and_shows_nothing() {
    let opened = open("f.yml", V11.as_bytes(), &secrets()).unwrap();
    assert!(opened.was_encrypted());
    let mut warnings = Diagnostics::default();
    let nodes = yaml::load_text(&opened.source, opened.text(), &mut warnings).unwrap();
    let value = nodes[0].to_value();
    let name = value.as_list().unwrap()[0].get("name").unwrap().clone();
    assert_eq!(name, Value::text("geheim"));
    let place = name.place().unwrap();
    assert_eq!((place.line, place.column, place.line_text()), (2, 9, None));
}

#[test]
fn a_plain_file_is_itself() {
    let opened = open("f.yml", "\u{feff}a: 1\n".as_bytes(), &Secrets::new()).unwrap();
    assert_eq!((opened.text(), opened.was_encrypted()), ("a: 1\n", false));
    assert!(open("f.yml", b"\xff", &Secrets::new()).is_err());
    assert!(is_encrypted(V11.as_bytes()) && !is_encrypted(b"a: $ANSIBLE_VAULT;"));
}

#[test]
fn an_inline_value_opens_as_data() {
    let text = format!("v: !vault |\n  {}", V11.replace('\n', "\n  "));
    let source = Source::new("t.yml", text);
    let node = yaml::load_one(&source, &mut Diagnostics::default()).unwrap();
    let Some(Value::Encrypted(vault)) = node.to_value().get("v").cloned() else { panic!("vault") };
    let secrets = secrets();
    for _ in 0..2 {
        let value = decrypt_value(&vault, &secrets).unwrap();
        assert_eq!(value.as_str(), Some(PLAIN));
        assert!(value.place().is_none(), "data");
    }
    let error = decrypt_value(&vault, &Secrets::new()).unwrap_err();
    assert_eq!(error.place.unwrap().line, 2);
    assert!(error.hint.unwrap().contains("--ask-vault-pass"));
    let bad = Encrypted { envelope: "hello".into(), place: None };
    assert!(decrypt_value(&bad, &secrets).unwrap_err().message.contains("not a readable vault"));
}

#[test]
fn every_length_comes_back() {
    let secrets = secrets();
    for length in [0, 1, 15, 16, 17, 31, 32, 33, 1000] {
        let plain: Vec<u8> = (0..length).map(|i: u32| i.to_le_bytes()[0]).collect();
        let vault = encrypt(&plain, b"other", Some("prod"), &[7; 32]);
        assert!(vault.lines().all(|line| line.len() <= 80), "{vault}");
        assert_eq!(decrypt(&vault, &secrets).unwrap(), plain);
    }
}

#[test]
fn the_message_names_what_was_tried() {
    let error = decrypt(V12, &Secrets::new().with("a", "x").with("b", "y")).unwrap_err();
    assert_eq!(error.to_string(), "no vault password fits the vault id `prod` (tried: a, b)");
}
