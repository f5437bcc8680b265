//! The file format against truncation, bit flips and a disk that fails; the fold; the list of runs.

use super::Effects;
use super::*;
use proptest::prelude::*;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

fn header(run: &str, started: &str) -> Record {
    Record::Header {
        version: FORMAT,
        run: run.into(),
        started: started.into(),
        arguments: vec!["upgrade".into(), "--to".into(), "1.37.2".into()],
        process: (42, "boot".into()),
    }
}

fn cordon(node: &str) -> Effect {
    Effect::Cordon {
        cluster: "c".into(),
        node: node.into(),
        uid: format!("uid-{node}"),
        host: node.into(),
    }
}

fn uncordon(node: &str) -> Effect {
    Effect::Uncordon { cluster: "c".into(), node: node.into(), uid: format!("uid-{node}") }
}

fn sample() -> Vec<Record> {
    vec![
        header("r1", "2026-01-01T00:00:00Z"),
        Record::Intent { id: 1, effect: cordon("n1") },
        Record::Outcome { id: 1, result: Ended::Done, message: String::new() },
        Record::Delta {
            host: "h".into(),
            path: "site.yml:3".into(),
            item: Some(0),
            kind: "register".into(),
            data: serde_json::json!({"text": "{\"record\":\"end\"}\n\u{0}é", "n": [1, null]}),
        },
        Record::Intent { id: 2, effect: uncordon("n1") },
        Record::Outcome { id: 2, result: Ended::Done, message: "fine".into() },
        Record::End { exit: 0 },
    ]
}

fn bytes(records: &[Record]) -> Vec<u8> {
    records.iter().flat_map(|r| frame::encode(r).unwrap()).collect()
}

#[test]
fn records_come_back_as_they_were_written() {
    let contents = decode(&bytes(&sample()));
    assert_eq!(contents, Contents { records: sample(), end: End::Clean });
}

#[test]
fn every_prefix_reads_as_a_prefix_and_says_where_it_tore() {
    let all = bytes(&sample());
    for length in 0..all.len() {
        let contents = decode(&all[..length]);
        assert_eq!(contents.records, sample()[..contents.records.len()]);
        let whole = bytes(&contents.records).len();
        let expected = if whole == length { End::Clean } else { End::Torn { at: whole as u64 } };
        assert_eq!(contents.end, expected, "prefix of {length} bytes");
    }
}

proptest! {
    #[test]
    fn a_flipped_byte_never_changes_a_record(at in 0usize..2000, xor in 1u8..) {
        let mut all = bytes(&sample());
        let at = at % all.len();
        all[at] ^= xor;
        let contents = decode(&all);
        let count = contents.records.len();
        prop_assert_eq!(&contents.records[..], &sample()[..count]);
        let start = bytes(&sample()[..count]).len();
        let end = bytes(&sample()[..=count]).len();
        prop_assert!((start..end).contains(&at));
        let last = count + 1 == sample().len();
        let expected =
            if last { End::Torn { at: start as u64 } } else { End::Damaged { at: start as u64 } };
        prop_assert_eq!(contents.end, expected);
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(any in proptest::collection::vec(any::<u8>(), 0..300)) {
        let contents = decode(&any);
        prop_assert!(contents.records.is_empty());
    }
}

#[test]
fn zeros_after_a_crash_are_a_torn_tail() {
    let mut all = bytes(&sample());
    let whole = all.len() as u64;
    all.extend([0; 4096]);
    let contents = decode(&all);
    assert_eq!(contents.records, sample());
    assert_eq!(contents.end, End::Torn { at: whole });
}

#[test]
fn a_new_journal_is_private_and_readable_while_it_is_written() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("runs/r1");
    assert!(!directory.parent().unwrap().exists());
    let journal = Journal::create(&directory, &header("r1", "t")).unwrap();
    let receipt = journal.intend(cordon("n1")).unwrap();
    let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&directory), mode(journal.path())), (0o700, 0o600));
    assert_eq!(mode(directory.parent().unwrap()), 0o700);
    let state = fold(&read(journal.path()).unwrap().records);
    assert_eq!(state.unknown.get(&1), Some(&cordon("n1")));
    journal.ended(receipt, Ended::Done, "").unwrap();
    let state = fold(&read(journal.path()).unwrap().records);
    assert!(state.unknown.is_empty() && state.held.values().all(|h| h.certain));
    let again = Journal::create(&directory, &header("r1", "t")).unwrap_err();
    assert!(again.to_string().starts_with("cannot create the journal"), "{again}");
}

#[test]
fn a_stopped_run_goes_on_after_its_torn_tail_and_only_one_process_may() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("r1");
    let journal = Journal::create(&directory, &header("r1", "t")).unwrap();
    let _lost = journal.intend(cordon("n1")).unwrap();
    assert!(matches!(Journal::open(&directory), Err(JournalError::InUse(_))));
    let path = journal.path().to_owned();
    drop(journal);
    let mut all = std::fs::read(&path).unwrap();
    all.extend(&frame::encode(&Record::End { exit: 0 }).unwrap()[..9]);
    std::fs::write(&path, &all).unwrap();

    let (journal, records) = Journal::open(&directory).unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!(journal.intend(uncordon("n1")).unwrap().id(), 2);
    let contents = read(&path).unwrap();
    assert_eq!((contents.records.len(), contents.end), (3, End::Clean));
}

#[test]
fn a_damaged_journal_is_not_written_and_another_version_is_not_read() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("journal");
    let mut all = bytes(&sample());
    let middle = bytes(&sample()[..2]).len() + 20;
    all[middle] ^= 1;
    std::fs::write(&path, &all).unwrap();
    assert!(matches!(Journal::open(home.path()), Err(JournalError::Damaged { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), all);

    let newer = Record::Header {
        version: (FORMAT.0 + 1, 0),
        run: "r".into(),
        started: "t".into(),
        arguments: vec![],
        process: (1, "b".into()),
    };
    std::fs::write(&path, bytes(&[newer])).unwrap();
    assert!(matches!(read(&path), Err(JournalError::Version { found: 2, .. })));
    std::fs::write(&path, b"hello").unwrap();
    assert!(matches!(read(&path), Err(JournalError::NotAJournal(_))));
}

/// A frame of a journal that is written by hand, as another version of the program might.
fn raw_frame(json: &str) -> Vec<u8> {
    let length = u32::try_from(json.len()).unwrap().to_le_bytes();
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&length), json.as_bytes()).to_le_bytes();
    [&length[..], &checksum, json.as_bytes()].concat()
}

#[test]
fn records_of_a_later_minor_version_are_read_over() {
    let intent = |id, effect: &str| {
        raw_frame(&format!(r#"{{"record":"intent","id":{id},"effect":{{"effect":{effect}}}}}"#))
    };
    let all = [
        bytes(&sample()[..3]),
        intent(2, r#""cordon","cluster":"c","node":"n2","uid":"u2","host":"h2""#),
        intent(3, r#""paint","node":"n3","colour":{"name":"red"}"#),
        raw_frame(r#"{"record":"weather","wind":["n",3]}"#),
        bytes(&sample()[6..]),
    ];
    let contents = decode(&all.concat());
    assert_eq!(contents.end, End::Clean);
    let state = fold(&contents.records);
    let held: Vec<&str> = state.held.values().map(|held| held.node.as_str()).collect();
    assert_eq!((held, state.exit), (vec!["n1", "n2"], Some(0)));
}

/// Keeps what was synced; fails the n-th call.
struct Faulty {
    log: Arc<Mutex<Vec<u8>>>,
    calls: usize,
    fail_at: usize,
}

impl Disk for Faulty {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.calls += 1;
        let mut log = self.log.lock().unwrap();
        if self.calls == self.fail_at {
            log.extend(&bytes[..bytes.len() / 2]);
            return Err(io::ErrorKind::StorageFull.into());
        }
        log.extend(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.calls += 1;
        if self.calls == self.fail_at { Err(io::ErrorKind::Other.into()) } else { Ok(()) }
    }
}

#[test]
fn no_receipt_without_a_durable_record_whichever_call_fails() {
    for fail_at in 1..=8 {
        let log = Arc::new(Mutex::new(Vec::new()));
        let disk = Faulty { log: Arc::clone(&log), calls: 0, fail_at };
        let mut receipts = Vec::new();
        let mut failed = false;
        if let Ok(journal) = Journal::on(Box::new(disk), PathBuf::from("j"), &header("r", "t")) {
            for node in ["a", "b", "c"] {
                match journal.intend(cordon(node)) {
                    Ok(receipt) => {
                        assert!(!failed, "a receipt after a failed write");
                        receipts.push(receipt);
                    }
                    Err(error) => {
                        failed = true;
                        assert!(error.to_string().contains("journal"), "{error}");
                    }
                }
            }
        } else {
            failed = true;
        }
        assert!(failed, "call {fail_at} was never made");
        let on_disk = fold(&decode(&log.lock().unwrap()).records).unknown;
        for receipt in receipts {
            assert_eq!(on_disk.get(&receipt.id()), Some(receipt.effect()));
        }
    }
}

/// Outcome of a cordon, outcome of the uncordon (`None`: no intent; `Some(None)`: no outcome), still held?
#[test]
fn a_node_is_held_until_it_is_known_to_be_given_back() {
    use Ended::{Done, Failed, NotNeeded, Unknown};
    let table: [(Option<Ended>, Option<Option<Ended>>, bool); 11] = [
        (None, None, true),
        (Some(Done), None, true),
        (Some(Unknown), None, true),
        (Some(Failed), None, false),
        (Some(NotNeeded), None, false),
        (Some(Done), Some(None), true),
        (Some(Done), Some(Some(Failed)), true),
        (Some(Done), Some(Some(Unknown)), true),
        (Some(Done), Some(Some(Done)), false),
        (Some(Done), Some(Some(NotNeeded)), false),
        (Some(Unknown), Some(Some(Done)), false),
    ];
    for (cordoned, given_back, held) in table {
        let mut records = vec![header("r", "t"), Record::Intent { id: 1, effect: cordon("n") }];
        let outcome = |id, result| Record::Outcome { id, result, message: String::new() };
        records.extend(cordoned.map(|r| outcome(1, r)));
        if let Some(result) = given_back {
            records.push(Record::Intent { id: 2, effect: uncordon("n") });
            records.extend(result.map(|r| outcome(2, r)));
        }
        let state = fold(&records);
        assert_eq!(!state.held.is_empty(), held, "{cordoned:?} {given_back:?}");
    }
}

#[test]
fn a_second_cordon_that_was_not_needed_keeps_the_first() {
    let done = |id, result| Record::Outcome { id, result, message: String::new() };
    let records = [
        header("r", "t"),
        Record::Intent { id: 1, effect: cordon("n") },
        done(1, Ended::Done),
        Record::Held { cluster: "c".into(), node: "n".into(), reason: "kubelet broke".into() },
        Record::Intent { id: 2, effect: cordon("n") },
        done(2, Ended::NotNeeded),
    ];
    let state = fold(&records);
    let held: Vec<_> = state.held.values().collect();
    assert_eq!(held.len(), 1);
    assert_eq!((held[0].certain, held[0].reason.as_deref()), (true, Some("kubelet broke")));
}

#[test]
fn leases_follow_their_outcomes() {
    let lease = Record::Intent { id: 1, effect: Effect::Lease { cluster: "c".into() } };
    assert_eq!(fold(std::slice::from_ref(&lease)).leases, ["c"]);
    let failed = Record::Outcome { id: 1, result: Ended::Failed, message: "taken".into() };
    assert!(fold(&[lease.clone(), failed]).leases.is_empty());
    let release = Record::Intent { id: 2, effect: Effect::ReleaseLease { cluster: "c".into() } };
    let done = Record::Outcome { id: 2, result: Ended::Done, message: String::new() };
    assert!(fold(&[lease, release, done]).leases.is_empty());
}

#[test]
fn runs_are_listed_newest_first_and_a_later_run_gives_nodes_back() {
    let home = tempfile::tempdir().unwrap();
    let make = |run: &str, started: &str| {
        Journal::create(&home.path().join("runs").join(run), &header(run, started)).unwrap()
    };
    let first = make("r1", "2026-01-01T00:00:00Z");
    for node in ["n1", "n2"] {
        let receipt = first.intend(cordon(node)).unwrap();
        first.ended(receipt, Ended::Done, "").unwrap();
    }
    let second = make("r2", "2026-01-02T00:00:00Z");
    let receipt = second.intend(uncordon("n1")).unwrap();
    second.ended(receipt, Ended::Done, "").unwrap();
    second.append_durable(&Record::End { exit: 0 }).unwrap();
    std::fs::create_dir(home.path().join("runs/broken")).unwrap();
    std::fs::write(home.path().join("runs/broken/journal"), "x").unwrap();
    std::fs::create_dir(home.path().join("runs/never-began")).unwrap();
    std::fs::write(home.path().join("runs/never-began/journal"), "").unwrap();

    let (found, problems) = runs(home.path(), &|pid, boot| pid == 42 && boot == "boot").unwrap();
    let summary: Vec<_> =
        found.iter().map(|r| (r.state.run.as_str(), r.alive, r.ended())).collect();
    assert_eq!(summary, [("r2", false, true), ("r1", true, false)]);
    assert_eq!(problems.len(), 1);
    let (held, problems) = held_nodes(home.path()).unwrap();
    let names: Vec<_> = held.iter().map(|h| (h.node.as_str(), h.run.as_str())).collect();
    assert_eq!(names, [("n2", "r1")]);
    assert_eq!(problems.len(), 1);
    assert!(held_nodes(&home.path().join("nowhere")).unwrap().0.is_empty());
}

#[test]
fn the_reason_of_a_held_node_is_kept_from_the_intent_on() {
    let hold = Effect::Hold {
        cluster: "c".into(),
        node: "n".into(),
        uid: "uid-n".into(),
        reason: "the kubelet does not start".into(),
    };
    let records = [
        header("r", "t"),
        Record::Intent { id: 1, effect: cordon("n") },
        Record::Outcome { id: 1, result: Ended::Done, message: String::new() },
        Record::Intent { id: 2, effect: hold },
    ];
    let state = fold(&records);
    let reason = state.held.values().next().and_then(|h| h.reason.clone());
    assert_eq!(reason.as_deref(), Some("the kubelet does not start"));
}

#[test]
fn a_directory_that_cannot_be_made_is_a_clear_error() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Journal::create(&file.join("r1"), &header("r1", "t")).unwrap_err();
    let text = mainstay_language::diag::Diagnostic::from(error).to_string();
    assert!(text.contains("cannot create the journal") && text.contains("free space"), "{text}");

    let full = std::fs::OpenOptions::new().append(true).open("/dev/full").unwrap();
    let error = Journal::on(Box::new(full), PathBuf::from("j"), &header("r", "t")).unwrap_err();
    assert!(error.to_string().contains("No space left"), "{error}");
}
