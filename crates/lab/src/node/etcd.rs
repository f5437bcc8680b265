//! etcd: its members, who leads, and snapshots as files.

use sha2::{Digest, Sha256};
use std::net::Ipv4Addr;

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// As etcd shows it, in hexadecimal.
    pub id: u64,
    /// Name of its machine.
    pub name: String,
    /// Address of its machine.
    pub address: Ipv4Addr,
    /// Has no vote yet.
    pub learner: bool,
}

/// The members as a whole. Which of them run is known to their machines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Etcd {
    /// Of the cluster.
    pub cluster_id: u64,
    /// In the order in which they joined.
    pub members: Vec<Member>,
    leader: u64,
    /// Of raft: elections so far, counted as etcd does.
    pub term: u64,
    /// Entries of raft that no revision counts: elections, members, leases.
    pub entries: u64,
}

/// An id that stays the same for the same words.
fn id_of(words: &str) -> u64 {
    let digest = Sha256::digest(words.as_bytes());
    digest.iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte)) >> 1
}

impl Etcd {
    /// A cluster without members.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            cluster_id: id_of(&format!("cluster {name}")),
            term: 1,
            entries: 150,
            ..Self::default()
        }
    }

    /// Another one joins.
    pub fn join(&mut self, name: &str, address: Ipv4Addr) {
        let id = id_of(&format!("{} {name} {address}", self.cluster_id));
        self.members.push(Member { id, name: name.to_owned(), address, learner: false });
        self.entries += 1;
    }

    /// One leaves for good.
    pub fn leave(&mut self, name: &str) {
        self.members.retain(|member| member.name != name);
        self.entries += 1;
    }

    /// Whether a majority of the voting members runs.
    #[must_use]
    pub fn has_quorum(&self, runs: impl Fn(&str) -> bool) -> bool {
        let voting = self.members.iter().filter(|m| !m.learner);
        let running = voting.clone().filter(|m| runs(&m.name)).count();
        running > voting.count() / 2
    }

    /// Who leads now: the same as before while it runs, otherwise the next that does, one term later. Nobody without a
    /// majority.
    pub fn leader(&mut self, runs: impl Fn(&str) -> bool) -> Option<u64> {
        if !self.has_quorum(&runs) {
            return None;
        }
        let still = self.members.iter().any(|m| m.id == self.leader && runs(&m.name));
        if !still {
            self.leader = self.members.iter().find(|m| !m.learner && runs(&m.name))?.id;
            self.term += 1;
            self.entries += 1;
        }
        Some(self.leader)
    }

    /// Gives the lead to another member: `move-leader`.
    pub fn lead(&mut self, id: u64) {
        (self.leader, self.term, self.entries) = (id, self.term + 1, self.entries + 1);
    }
}

/// What a snapshot holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Of the store when it was taken.
    pub revision: u64,
    /// Storage version, such as `3.6.0`.
    pub version: String,
    /// Keys and values.
    pub keys: Vec<(String, Vec<u8>)>,
}

const MAGIC: &[u8] = b"LABETCD1";
const PAGE: usize = 4096;
/// etcd's file is never smaller: two pages of meta data and its buckets.
const LEAST: usize = 5 * PAGE;

/// Why a file is no snapshot; the words of etcdutl where it has any.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The file is too short.
    #[error("file size too small {0}")]
    Small(usize),
    /// It starts like no snapshot.
    #[error("invalid database")]
    NoSnapshot,
    /// It was cut or changed.
    #[error("snapshot integrity check failed. snapshot file may be corrupted")]
    Changed,
}

impl Snapshot {
    /// The file: a page of lengths, the keys, zeros up to a page, and a SHA-256 of all that, as etcd itself appends one
    /// to a stream.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.revision.to_be_bytes());
        put(&mut bytes, self.version.as_bytes());
        bytes.extend((self.keys.len() as u64).to_be_bytes());
        for (key, value) in &self.keys {
            put(&mut bytes, key.as_bytes());
            put(&mut bytes, value);
        }
        let size = bytes.len().next_multiple_of(PAGE).max(LEAST);
        bytes.resize(size, 0);
        let digest = Sha256::digest(&bytes);
        bytes.extend(digest);
        bytes
    }

    /// # Errors
    /// It is none, or not whole.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Broken> {
        if bytes.len() < LEAST {
            return Err(Broken::Small(bytes.len()));
        }
        if !bytes.starts_with(MAGIC) {
            return Err(Broken::NoSnapshot);
        }
        let (body, digest) = bytes.split_at(bytes.len() - 32);
        if Sha256::digest(body).as_slice() != digest {
            return Err(Broken::Changed);
        }
        let mut rest = body.get(MAGIC.len()..).ok_or(Broken::Changed)?;
        let mut read = || -> Option<Self> {
            let revision = number(&mut rest)?;
            let version = String::from_utf8(take(&mut rest)?).ok()?;
            let mut keys = Vec::new();
            for _ in 0..number(&mut rest)? {
                keys.push((String::from_utf8(take(&mut rest)?).ok()?, take(&mut rest)?));
            }
            Some(Self { revision, version, keys })
        };
        read().ok_or(Broken::Changed)
    }

    /// Of keys and values, as `etcdutl snapshot status` shows one.
    #[must_use]
    pub fn hash(&self) -> u32 {
        let mut hasher = Sha256::new();
        for (key, value) in &self.keys {
            hasher.update(key.as_bytes());
            hasher.update(value);
        }
        hasher.finalize().iter().take(4).fold(0, |hash, byte| hash << 8 | u32::from(*byte))
    }
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend((part.len() as u64).to_be_bytes());
    bytes.extend(part);
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (head, tail) = rest.split_first_chunk::<8>()?;
    *rest = tail;
    Some(u64::from_be_bytes(*head))
}

fn take(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let length = usize::try_from(number(rest)?).ok()?;
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head.to_vec())
}

/// `1.7 MB`, as etcd writes sizes: powers of 1000, one digit below 10.
#[must_use]
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    if bytes < 10 {
        return format!("{bytes} B");
    }
    let power = UNITS.len().min(usize::try_from(bytes.ilog(1000)).unwrap_or(0) + 1) - 1;
    let unit = 1000u64.pow(u32::try_from(power).unwrap_or(0));
    let tenths = (bytes / unit) * 10 + ((bytes % unit) * 10 + unit / 2) / unit;
    let name = UNITS.get(power).copied().unwrap_or_default();
    if tenths < 100 {
        format!("{}.{} {name}", tenths / 10, tenths % 10)
    } else {
        format!("{} {name}", (tenths + 5) / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        let keys = vec![
            ("/registry/pods/default/a".to_owned(), b"{}".to_vec()),
            ("/registry/x".to_owned(), vec![1]),
        ];
        Snapshot { revision: 1177, version: "3.6.0".to_owned(), keys }
    }

    #[test]
    fn a_snapshot_that_was_touched_is_none() {
        let bytes = snapshot().to_bytes();
        assert_eq!(Snapshot::from_bytes(&bytes), Ok(snapshot()));
        let mut changed = bytes.clone();
        changed[40] ^= 1;
        assert_eq!(Snapshot::from_bytes(&changed), Err(Broken::Changed));
        assert_eq!(Snapshot::from_bytes(&bytes[..bytes.len() - 1]), Err(Broken::Changed));
        // The first 5000 bytes of a real one: "Error: file size too small 5000" (etcdutl 3.6.8).
        assert_eq!(
            Snapshot::from_bytes(&bytes[..5000]).unwrap_err().to_string(),
            "file size too small 5000"
        );
        assert_eq!(Snapshot::from_bytes(&vec![7; 30_000]), Err(Broken::NoSnapshot));
    }

    #[test]
    fn the_leader_stays_while_it_runs() {
        let mut etcd = Etcd::new("lab");
        for (index, name) in ["cp1", "cp2", "cp3"].into_iter().enumerate() {
            etcd.join(name, Ipv4Addr::new(127, 0, 1, u8::try_from(index).unwrap()));
        }
        let first = etcd.leader(|_| true).unwrap();
        let term = etcd.term;
        assert_eq!((etcd.leader(|name| name != "cp3"), etcd.term), (Some(first), term));
        let second = etcd.leader(|name| name != "cp1").unwrap();
        assert_ne!(first, second);
        assert_eq!((etcd.leader(|_| true), etcd.term), (Some(second), term + 1));
        assert_eq!(etcd.leader(|name| name == "cp2"), None);
        etcd.leave("cp1");
        etcd.leave("cp3");
        assert_eq!(etcd.leader(|name| name == "cp2"), Some(second));
    }

    /// `etcdctl endpoint status` 3.6.8 shows 1650688 as 1.7 MB and 2147483648 as 2.1 GB.
    #[test]
    fn sizes() {
        for (bytes, text) in [
            (1_650_688, "1.7 MB"),
            (2_147_483_648, "2.1 GB"),
            (20_512, "21 kB"),
            (0, "0 B"),
            (999_950, "1000 kB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
