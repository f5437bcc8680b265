//! What the members of etcd hold is the store of the API.

use crate::node::Database;
use crate::store::Store;

impl Database for Store {
    fn revision(&self) -> u64 {
        Store::revision(self)
    }

    fn dump(&self) -> Vec<(String, Vec<u8>)> {
        Store::dump(self)
    }

    fn restore(&self, keys: Vec<(String, Vec<u8>)>) -> Result<(), String> {
        Store::restore(self, keys)
    }
}
