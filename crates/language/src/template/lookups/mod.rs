//! Lookups, by theme.

pub(super) mod glob;
