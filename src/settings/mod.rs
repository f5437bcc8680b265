//! `ansible.cfg` and `ANSIBLE_*`: one typed view; every value knows where it came from.
//!
//! Order: environment over file over default. Flags are above all of them, in `cli`. What is ours alone lives in
//! the section `[mainstay]` and in `MAINSTAY_*`.

mod file;
mod load;
mod table;

pub use load::{Origin, Settings};
pub use table::{Kind, SETTINGS, Setting};
