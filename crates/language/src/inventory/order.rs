//! The order of a play's hosts.

use std::sync::Arc;

/// `order:` of a play.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// As the pattern and the inventory have them.
    #[default]
    Inventory,
    /// The same, last first.
    ReverseInventory,
    /// By name.
    Sorted,
    /// By name, last first.
    ReverseSorted,
    /// At random.
    Shuffle,
}

/// Randomness for [`Order::Shuffle`].
pub trait Shuffle {
    /// A number from 0 up to and including `last`, each as likely as the others.
    fn up_to(&mut self, last: usize) -> usize;
}

impl Order {
    /// By its name in a play.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "inventory" => Self::Inventory,
            "reverse_inventory" => Self::ReverseInventory,
            "sorted" => Self::Sorted,
            "reverse_sorted" => Self::ReverseSorted,
            "shuffle" => Self::Shuffle,
            _ => return None,
        })
    }

    /// Puts hosts into this order.
    pub fn apply(self, hosts: &mut [Arc<str>], random: &mut dyn Shuffle) {
        match self {
            Self::Inventory => {}
            Self::ReverseInventory => hosts.reverse(),
            Self::Sorted => hosts.sort(),
            Self::ReverseSorted => hosts.sort_by(|a, b| b.cmp(a)),
            Self::Shuffle => {
                for last in (1..hosts.len()).rev() {
                    hosts.swap(last, random.up_to(last).min(last));
                }
            }
        }
    }
}
