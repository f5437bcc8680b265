//! Verdicts as OpenSSH gives them (hostfile.c, `ssh-keygen -F`).

use super::parse::{Lines, parse};
use super::*;
use russh::keys::{Certificate, PublicKey};
use std::path::{Path, PathBuf};

const A: &str = include_str!("testdata/a.pub");
const B: &str = include_str!("testdata/b.pub");
const CA: &str = include_str!("testdata/ca.pub");
const ECDSA: &str = include_str!("testdata/e.pub");
const RSA: &str = include_str!("testdata/r.pub");
/// `web.example.com` and `[web.example.com]:2222`, as `ssh-keygen -H` hashed them.
const HASHED: &str = "|1|0FJn5YFPXsK3NBgfvWs5QwVFF6w=|+Xky8p3yW7boBFgWMWQU/E8smnI=";
const HASHED_PORT: &str = "|1|pEkUfUwFMkTRlbrzwr6yFJlb/8k=|MfdCmDBVEuHZdmmRifnDNQ47Mjw=";

fn fill(text: &str) -> String {
    let marks = [("%A", A), ("%B", B), ("%CA", CA), ("%E", ECDSA), ("%R", RSA)];
    let mut text = text.replace("%H1", HASHED).replace("%H2", HASHED_PORT);
    for (mark, key) in marks.iter().rev() {
        text = text.replace(mark, key.trim());
    }
    text
}

fn verdict(text: &str, host: &str, port: u16, alias: Option<&str>, offer: &str) -> &'static str {
    let entries = Lines(vec![parse(fill(text).as_bytes(), Path::new("known_hosts")).into()]);
    let names = Names::new(host, port, alias);
    let certificate = |text: &str| Certificate::from_openssh(text.trim()).unwrap();
    let (key, signed);
    let offered = match offer {
        "good" => {
            signed = certificate(include_str!("testdata/good-cert.pub"));
            Offered::Certificate(&signed)
        }
        "old" => {
            signed = certificate(include_str!("testdata/old-cert.pub"));
            Offered::Certificate(&signed)
        }
        "user" => {
            signed = certificate(include_str!("testdata/user-cert.pub"));
            Offered::Certificate(&signed)
        }
        bare => {
            key = PublicKey::from_openssh(fill(bare).trim()).unwrap();
            Offered::Key(&key)
        }
    };
    // 2026-01-01.
    match decide(&entries, &names, offered, 1_767_225_600) {
        Verdict::Known => "known",
        Verdict::Unknown => "unknown",
        Verdict::Changed(_) => "changed",
        Verdict::Revoked(_) => "revoked",
        Verdict::BadCertificate(_) => "bad certificate",
    }
}

const WEB: &str = "web.example.com";

/// Lines, host, port, what is offered, verdict.
const ROWS: &[(&str, &str, u16, &str, &str)] = &[
    // Plain names.
    ("", WEB, 22, "%A", "unknown"),
    ("web.example.com %A", WEB, 22, "%A", "known"),
    ("web.example.com %A", "WEB.Example.COM", 22, "%A", "known"),
    ("WEB.example.com %A", WEB, 22, "%A", "known"),
    ("web.example.com %A", "db.example.com", 22, "%A", "unknown"),
    ("web.example.com %A", "web.example.com.evil", 22, "%A", "unknown"),
    ("web.example.com %B", WEB, 22, "%A", "changed"),
    ("web.example.com %A\nweb.example.com %B", WEB, 22, "%B", "known"),
    ("web.example.com %B\nweb.example.com %A", WEB, 22, "%A", "known"),
    ("web.example.com,10.0.0.1 %A", "10.0.0.1", 22, "%A", "known"),
    ("10.0.0.1,web.example.com %A", WEB, 22, "%A", "known"),
    ("web.example.com %A", "10.0.0.1", 22, "%A", "unknown"),
    ("fe80::1 %A", "fe80::1", 22, "%A", "known"),
    ("FE80::1 %A", "fe80::1", 22, "%A", "known"),
    // Another key type on record: changed, not unknown.
    ("web.example.com %A", WEB, 22, "%E", "changed"),
    ("web.example.com %A", WEB, 22, "%R", "changed"),
    ("web.example.com %R", WEB, 22, "%A", "changed"),
    ("web.example.com %R\nweb.example.com %A", WEB, 22, "%A", "known"),
    ("web.example.com %R", WEB, 22, "%R", "known"),
    ("web.example.com %E", WEB, 22, "%E", "known"),
    // Form of lines.
    ("# web.example.com %A", WEB, 22, "%A", "unknown"),
    ("\n\n  \n# x\nweb.example.com %A\n", WEB, 22, "%A", "known"),
    ("web.example.com\t%A", WEB, 22, "%A", "known"),
    ("\tweb.example.com \t %A", WEB, 22, "%A", "known"),
    ("web.example.com %A a comment", WEB, 22, "%A", "known"),
    ("web.example.com %A\r\n", WEB, 22, "%A", "known"),
    ("web.example.com ssh-ed25519 AAAAnonsense", WEB, 22, "%A", "unknown"),
    (
        "web.example.com ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIARVtGVZAvhCst36RhwNoej6iStYPO/4iVJHGeWg9Daw",
        WEB,
        22,
        "%A",
        "unknown",
    ),
    ("web.example.com", WEB, 22, "%A", "unknown"),
    ("web.example.com 1024 35 1234567890", WEB, 22, "%A", "unknown"),
    ("@unknown web.example.com %A", WEB, 22, "%A", "unknown"),
    ("web.example.com garbage\nweb.example.com %A", WEB, 22, "%A", "known"),
    // Ports.
    ("[web.example.com]:2222 %A", WEB, 2222, "%A", "known"),
    ("[web.example.com]:2222 %A", WEB, 22, "%A", "unknown"),
    ("[web.example.com]:2222 %A", WEB, 2223, "%A", "unknown"),
    ("[web.example.com]:2222 %B", WEB, 2222, "%A", "changed"),
    ("[web.example.com]:22 %A", WEB, 22, "%A", "unknown"),
    ("web.example.com %A", WEB, 2222, "%A", "known"),
    ("web.example.com %B", WEB, 2222, "%A", "unknown"),
    ("[web.example.com]:2222 %B\nweb.example.com %A", WEB, 2222, "%A", "changed"),
    ("[fe80::1]:2222 %A", "fe80::1", 2222, "%A", "known"),
    ("[*.example.com]:2222 %A", WEB, 2222, "%A", "known"),
    // Wildcards and negation.
    ("*.example.com %A", WEB, 22, "%A", "known"),
    ("*.example.com %A", "example.com", 22, "%A", "unknown"),
    ("w?b.example.com %A", WEB, 22, "%A", "known"),
    ("w?.example.com %A", WEB, 22, "%A", "unknown"),
    ("* %A", WEB, 22, "%A", "known"),
    ("* %B", WEB, 22, "%A", "changed"),
    ("*.example.com,!web.example.com %A", WEB, 22, "%A", "unknown"),
    ("!web.example.com,*.example.com %A", WEB, 22, "%A", "unknown"),
    ("!db.example.com,*.example.com %A", WEB, 22, "%A", "known"),
    ("!db.example.com %A", WEB, 22, "%A", "unknown"),
    ("*.example.com,!web.example.com %B\nweb.example.com %A", WEB, 22, "%A", "known"),
    // Hashed names.
    ("%H1 %A", WEB, 22, "%A", "known"),
    ("%H1 %A", "Web.Example.Com", 22, "%A", "known"),
    ("%H1 %B", WEB, 22, "%A", "changed"),
    ("%H1 %A", "db.example.com", 22, "%A", "unknown"),
    ("%H2 %A", WEB, 2222, "%A", "known"),
    ("%H2 %A", WEB, 22, "%A", "unknown"),
    ("%H1 %A", WEB, 2222, "%A", "known"),
    ("|2|abc|def %A", WEB, 22, "%A", "unknown"),
    ("|1|!!|?? %A", WEB, 22, "%A", "unknown"),
    // Revoked.
    ("@revoked web.example.com %A", WEB, 22, "%A", "revoked"),
    ("@revoked * %A\nweb.example.com %A", WEB, 22, "%A", "revoked"),
    ("web.example.com %A\n@revoked * %A", WEB, 22, "%A", "revoked"),
    ("@revoked * %B\nweb.example.com %A", WEB, 22, "%A", "known"),
    ("@revoked * %B", WEB, 22, "%A", "unknown"),
    ("@revoked db.example.com %A\nweb.example.com %A", WEB, 22, "%A", "known"),
    ("@revoked\t*\t%A\nweb.example.com %A", WEB, 22, "%A", "revoked"),
    ("@revoked web.example.com %A", WEB, 2222, "%A", "revoked"),
    // Authorities.
    ("@cert-authority * %CA", WEB, 22, "good", "known"),
    ("@cert-authority *.example.com %CA", WEB, 22, "good", "known"),
    ("@cert-authority *.other.com %CA", WEB, 22, "good", "unknown"),
    ("@cert-authority * %B", WEB, 22, "good", "unknown"),
    ("@cert-authority * %CA", "node1.lab", 22, "good", "known"),
    ("@cert-authority * %CA", "db.example.com", 22, "good", "bad certificate"),
    ("@cert-authority * %CA", WEB, 22, "old", "bad certificate"),
    ("@cert-authority * %CA", "root", 22, "user", "bad certificate"),
    ("@cert-authority * %CA\n@revoked * %CA", WEB, 22, "good", "revoked"),
    ("@cert-authority * %CA\n@revoked * %A", WEB, 22, "good", "revoked"),
    ("@cert-authority * %CA", WEB, 22, "%A", "unknown"),
    ("@cert-authority * %CA", WEB, 22, "%CA", "unknown"),
    ("@cert-authority * %CA\nweb.example.com %B", WEB, 22, "%A", "changed"),
    ("web.example.com %CA", WEB, 22, "good", "changed"),
    ("web.example.com %A", WEB, 22, "good", "known"),
    ("@cert-authority [web.example.com]:2222 %CA", WEB, 2222, "good", "known"),
    ("@cert-authority web.example.com %CA", WEB, 2222, "good", "known"),
];

#[test]
fn s1_every_verdict_is_that_of_openssh() {
    let wrong: Vec<String> = ROWS
        .iter()
        .filter_map(|&(text, host, port, offer, expected)| {
            let got = verdict(text, host, port, None, offer);
            (got != expected)
                .then(|| format!("{text:?} {host}:{port} {offer}: {got}, not {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_alias_is_looked_up_without_port() {
    assert_eq!(verdict("node %A", "10.0.0.1", 2222, Some("Node"), "%A"), "known");
    assert_eq!(verdict("10.0.0.1 %A", "10.0.0.1", 22, Some("node"), "%A"), "unknown");
}

#[test]
fn types_on_record_are_asked_for_first() {
    let text = fill("web.example.com %E\nweb.example.com %A\n@cert-authority * %CA\ndb %R");
    let entries = Lines(vec![parse(text.as_bytes(), Path::new("k")).into()]);
    let (types, authority) = algorithms(&entries, &Names::new(WEB, 22, None));
    let types: Vec<String> = types.iter().map(ToString::to_string).collect();
    assert_eq!(
        (types, authority),
        (vec!["ecdsa-sha2-nistp256".into(), "ssh-ed25519".into()], true)
    );
}

#[test]
fn refusals_say_what_to_do() {
    let key = PublicKey::from_openssh(A.trim()).unwrap();
    let names = Names::new(WEB, 2222, None);
    let say = |verdict: Verdict| {
        let files = [PathBuf::from("/home/me/.ssh/known_hosts")];
        refusal(&verdict, &names, (WEB, 2222), Offered::Key(&key), &files).unwrap()
    };
    let unknown = say(Verdict::Unknown);
    for part in [
        "[web.example.com]:2222",
        "ssh-ed25519",
        "SHA256:",
        "ssh-keyscan -p 2222 web.example.com >>",
    ] {
        assert!(unknown.contains(part), "{part}: {unknown}");
    }
    let changed = say(Verdict::Changed(vec![(Path::new("/k").into(), 7)]));
    assert!(changed.contains("HAS CHANGED") && changed.contains("/k:7"), "{changed}");
}

#[test]
fn an_unreadable_file_refuses_and_a_missing_one_is_empty() {
    let directory = tempfile::tempdir().unwrap();
    let book = Book::default();
    assert!(book.entries(&[directory.path().join("none")]).unwrap().0.iter().all(|f| f.is_empty()));
    assert!(book.entries(&[directory.path().to_owned()]).unwrap_err().contains("cannot read"));
}

#[test]
fn s3_first_contacts_at_once_leave_one_line_a_host() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ssh/known_hosts");
    let key = PublicKey::from_openssh(A.trim()).unwrap();
    std::thread::scope(|scope| {
        for index in 0..50 {
            let (file, key) = (&file, &key);
            scope.spawn(move || {
                let names = Names::new(&format!("node{}", index % 10), 22, None);
                // A book of its own, as another process has.
                Book::default().add(file, &names, Offered::Key(key), index % 2 == 0).unwrap();
            });
        }
    });
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 10, "{text}");
    assert_eq!(parse(text.as_bytes(), &file).len(), 10);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn an_unfinished_last_line_is_not_joined() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("k");
    std::fs::write(&file, fill("db %B")).unwrap();
    let key = PublicKey::from_openssh(A.trim()).unwrap();
    let book = Book::default();
    book.add(&file, &Names::new(WEB, 22, None), Offered::Key(&key), false).unwrap();
    assert_eq!(book.entries(&[file]).unwrap().0[0].len(), 2);
}
