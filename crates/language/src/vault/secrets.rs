//! The passwords of a run.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// Decrypted bytes, shared and wiped with their last owner.
type Plain = Arc<Zeroizing<Vec<u8>>>;

/// Vault passwords with their ids, in the order in which they were given. Wiped when dropped.
///
/// Deriving a key takes milliseconds, so inline values that were opened once are kept (wiped with the rest).
#[derive(Default)]
pub struct Secrets {
    secrets: Vec<(String, Zeroizing<Vec<u8>>)>,
    opened: Mutex<HashMap<Arc<str>, Plain>>,
}

impl Secrets {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more; `default` is the id of a password without one. The caller has removed the newline at a file's end.
    pub fn push(&mut self, id: impl Into<String>, secret: impl Into<Vec<u8>>) {
        self.secrets.push((id.into(), Zeroizing::new(secret.into())));
    }

    /// The same with one more.
    #[must_use]
    pub fn with(mut self, id: impl Into<String>, secret: impl Into<Vec<u8>>) -> Self {
        self.push(id, secret);
        self
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Their ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.secrets.iter().map(|(id, _)| id.as_str())
    }

    /// The password of an id, to encrypt with it.
    #[must_use]
    pub fn of(&self, id: &str) -> Option<&[u8]> {
        self.secrets.iter().find(|(own, _)| own == id).map(|(_, secret)| secret.as_slice())
    }

    /// Those with the id first, then the others.
    pub(super) fn in_order(&self, id: Option<&str>) -> impl Iterator<Item = &[u8]> {
        let fits = move |own: &str| Some(own) == id;
        let first = self.secrets.iter().filter(move |(own, _)| fits(own));
        let rest = self.secrets.iter().filter(move |(own, _)| !fits(own));
        first.chain(rest).map(|(_, secret)| secret.as_slice())
    }

    pub(super) fn kept(&self, envelope: &str) -> Option<Plain> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).get(envelope).cloned()
    }

    pub(super) fn keep(&self, envelope: &str, plain: Vec<u8>) -> Plain {
        let plain = Arc::new(Zeroizing::new(plain));
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.insert(Arc::from(envelope), Arc::clone(&plain));
        plain
    }
}

impl fmt::Debug for Secrets {
    /// The ids only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secrets").field(&self.ids().collect::<Vec<_>>()).finish()
    }
}
