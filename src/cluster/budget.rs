//! How many nodes may be out at once. Pure.

use super::NodeInfo;
use std::collections::BTreeSet;
use std::str::FromStr;

/// A number of nodes, or a percentage of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// This many.
    Nodes(u32),
    /// This percentage (0 to 100), rounded down.
    Percent(u32),
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let wrong =
            || format!("expected a number of nodes or a percentage like 10%, found {text:?}");
        match text.strip_suffix('%') {
            None => text.parse().map(Self::Nodes).map_err(|_| wrong()),
            Some(number) => match number.trim_end().parse() {
                Ok(percent @ 0..=100) => Ok(Self::Percent(percent)),
                _ => Err(wrong()),
            },
        }
    }
}

impl Limit {
    /// Nodes out of this many; at least 1, or maintenance could never begin.
    #[must_use]
    pub fn of(self, nodes: usize) -> usize {
        let limit = match self {
            Self::Nodes(count) => usize::try_from(count).unwrap_or(usize::MAX),
            Self::Percent(percent) => {
                nodes.saturating_mul(usize::try_from(percent).unwrap_or(usize::MAX)) / 100
            }
        };
        limit.max(1)
    }
}

/// Why nodes are out, counted once each, from a fresh read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InUse {
    /// Nodes that this run holds.
    pub held: BTreeSet<String>,
    /// Other nodes that are not Ready.
    pub not_ready: BTreeSet<String>,
    /// Other nodes that somebody cordoned since the run was planned.
    pub cordoned: BTreeSet<String>,
}

impl InUse {
    /// Counts. `held`: nodes that this run holds by its own journal (the cluster may not show it yet). `baseline`: nodes
    /// that were cordoned when the run was planned; they count only while they are not Ready or held.
    #[must_use]
    pub fn count(nodes: &[NodeInfo], held: &BTreeSet<String>, baseline: &BTreeSet<String>) -> Self {
        let mut used = Self { held: held.clone(), ..Self::default() };
        for node in nodes.iter().filter(|n| !held.contains(&n.name)) {
            if !node.ready {
                used.not_ready.insert(node.name.clone());
            } else if node.unschedulable && !baseline.contains(&node.name) {
                used.cordoned.insert(node.name.clone());
            }
        }
        used
    }

    /// How many nodes are out.
    #[must_use]
    pub fn total(&self) -> usize {
        self.held.len() + self.not_ready.len() + self.cordoned.len()
    }

    /// May this node be taken as well? One that is out already (not Ready, cordoned) uses no new slot.
    ///
    /// # Errors
    /// A fragment that says who is out: `3 of 3 nodes are out: held a; not ready b; cordoned c`.
    pub fn admit(&self, node: &str, limit: usize) -> Result<(), String> {
        let others = self.total()
            - usize::from(self.held.contains(node))
            - usize::from(self.not_ready.contains(node))
            - usize::from(self.cordoned.contains(node));
        if others < limit {
            return Ok(());
        }
        let list = |what: &str, names: &BTreeSet<String>| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
        };
        let why: Vec<String> = [
            list("held", &self.held),
            list("not ready", &self.not_ready),
            list("cordoned", &self.cordoned),
        ]
        .into_iter()
        .flatten()
        .collect();
        Err(format!("{others} of {limit} nodes are out: {}", why.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::node_info;
    use super::*;

    #[test]
    fn limits_are_numbers_or_percentages() {
        let table = [
            ("3", Ok(Limit::Nodes(3))),
            (" 10% ", Ok(Limit::Percent(10))),
            ("0%", Ok(Limit::Percent(0))),
            ("100 %", Ok(Limit::Percent(100))),
            ("101%", Err(())),
            ("-1", Err(())),
            ("1.5", Err(())),
            ("", Err(())),
            ("%", Err(())),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<Limit>().map_err(|_| ()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_percentage_never_exceeds_itself_except_for_the_first_node() {
        for percent in 0..=100_u32 {
            for nodes in 1..=50_usize {
                let limit = Limit::Percent(percent).of(nodes);
                assert!((1..=nodes).contains(&limit), "{percent}% of {nodes} = {limit}");
                let exact = f64::from(percent) / 100.0 * nodes as f64;
                assert!(limit == 1 || limit as f64 <= exact + 1e-9, "{percent}% of {nodes}");
                assert!(limit as f64 > exact - 1.0, "{percent}% of {nodes} = {limit}");
            }
        }
    }

    fn set(names: &str) -> BTreeSet<String> {
        names.split_whitespace().map(str::to_owned).collect()
    }

    /// Every state of four nodes: held, not ready, cordoned, baseline in all combinations.
    #[test]
    fn each_node_counts_at_most_once() {
        let ready: Vec<NodeInfo> = (0..4).map(|i| node_info(&format!("n{i}"))).collect();
        for bits in 0..(1_u32 << 16) {
            let mut nodes = ready.clone();
            let (mut held, mut baseline) = (BTreeSet::new(), BTreeSet::new());
            let mut expected = 0;
            for (i, node) in nodes.iter_mut().enumerate() {
                let of = |bit: usize| bits >> (i * 4 + bit) & 1 == 1;
                (node.ready, node.unschedulable) = (!of(0), of(1));
                if of(2) {
                    held.insert(node.name.clone());
                }
                if of(3) {
                    baseline.insert(node.name.clone());
                }
                expected += usize::from(of(2) || of(0) || (of(1) && !of(3)));
            }
            let used = InUse::count(&nodes, &held, &baseline);
            assert_eq!(used.total(), expected, "{bits:016b}");
            // Never more than the limit after admitting a node that is in.
            for limit in 1..=4 {
                if used.admit("n9", limit).is_ok() {
                    assert!(used.total() < limit);
                }
            }
        }
    }

    #[test]
    fn refusal_says_who_is_out_and_a_broken_node_can_be_repaired() {
        let mut nodes: Vec<NodeInfo> = ["a", "b", "c", "d"].map(node_info).into();
        nodes[1].ready = false;
        nodes[2].unschedulable = true;
        let used = InUse::count(&nodes, &set("a"), &set(""));
        let why = used.admit("d", 3).unwrap_err();
        assert_eq!(why, "3 of 3 nodes are out: held a; not ready b; cordoned c");
        assert!(used.admit("d", 4).is_ok());
        assert!(used.admit("b", 3).is_ok());
        assert!(used.admit("b", 2).is_err());
    }
}
