//! Which Node belongs to which host. Pure; nothing is guessed.

use super::NodeInfo;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What is known about a host of the inventory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostIdentity {
    /// Name in the inventory.
    pub name: String,
    /// What `hostname` says on it.
    pub hostname: Option<String>,
    /// Its own IP addresses.
    pub addresses: Vec<String>,
    /// `/etc/machine-id`
    pub machine_id: Option<String>,
}

/// Hosts that cannot be told which Node they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingError(pub Vec<Mismatch>);

/// Why one host has no Node, or one Node has several hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// No Node has its name, hostname, address or machine id.
    Missing {
        /// Host.
        host: String,
        /// Nodes that no host claims.
        free: Vec<String>,
    },
    /// Several Nodes fit equally well.
    Ambiguous {
        /// Host.
        host: String,
        /// Nodes.
        nodes: Vec<String>,
        /// By what.
        by: &'static str,
    },
    /// Several hosts fit one Node.
    Shared {
        /// Node.
        node: String,
        /// Hosts.
        hosts: Vec<String>,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { host, free } if free.is_empty() => {
                write!(f, "host {host} is no node of the cluster, and every node has its host")
            }
            Self::Missing { host, free } => {
                write!(f, "host {host} is no node of the cluster; nodes without a host: ")?;
                f.write_str(&free.join(", "))
            }
            Self::Ambiguous { host, nodes, by } => {
                write!(f, "host {host} fits several nodes by {by}: {}", nodes.join(", "))
            }
            Self::Shared { node, hosts } => {
                write!(f, "node {node} fits several hosts: {}", hosts.join(", "))
            }
        }
    }
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mismatch) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            mismatch.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for MappingError {}

/// Node name for each host. In this order: name, hostname (whole, then its first label), InternalIP, machine id; the
/// first that finds a Node decides. Machine ids that are empty or not unique on either side are ignored.
///
/// # Errors
/// Every host without exactly one Node, and every Node with several hosts.
pub fn map_hosts(
    hosts: &[HostIdentity],
    nodes: &[NodeInfo],
) -> Result<BTreeMap<String, String>, MappingError> {
    let ids = unique_machine_ids(hosts, nodes);
    let mut mapped = BTreeMap::new();
    let mut missing = Vec::new();
    let mut errors = Vec::new();
    for host in hosts {
        match find(host, nodes, &ids) {
            Found::One(node) => {
                mapped.insert(host.name.clone(), node);
            }
            Found::None => missing.push(host.name.clone()),
            Found::Several(nodes, by) => {
                errors.push(Mismatch::Ambiguous { host: host.name.clone(), nodes, by });
            }
        }
    }
    let mut owners: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (host, node) in &mapped {
        owners.entry(node).or_default().push(host.clone());
    }
    let free: Vec<String> =
        nodes.iter().map(|n| n.name.clone()).filter(|n| !owners.contains_key(n.as_str())).collect();
    errors.extend(missing.into_iter().map(|host| Mismatch::Missing { host, free: free.clone() }));
    errors.extend(
        owners
            .into_iter()
            .filter(|(_, hosts)| hosts.len() > 1)
            .map(|(node, hosts)| Mismatch::Shared { node: node.to_owned(), hosts }),
    );
    if errors.is_empty() { Ok(mapped) } else { Err(MappingError(errors)) }
}

/// Whether a node is a host in one way of looking at it.
type Fits<'a> = &'a dyn Fn(&NodeInfo) -> bool;

enum Found {
    None,
    One(String),
    Several(Vec<String>, &'static str),
}

fn find(host: &HostIdentity, nodes: &[NodeInfo], ids: &BTreeSet<&str>) -> Found {
    let hostname = host.hostname.as_deref();
    let has_name = |node: &NodeInfo, name: &str| {
        node.name.eq_ignore_ascii_case(name)
            || node.hostname.as_deref().is_some_and(|h| h.eq_ignore_ascii_case(name))
    };
    let by_name = |node: &NodeInfo| node.name == host.name;
    let by_hostname = |node: &NodeInfo| hostname.is_some_and(|h| has_name(node, h));
    let by_label = |node: &NodeInfo| {
        hostname.and_then(|h| h.split_once('.')).is_some_and(|(label, _)| has_name(node, label))
    };
    let by_address = |node: &NodeInfo| {
        node.internal_ips.iter().any(|ip| host.addresses.iter().any(|a| same_address(a, ip)))
    };
    let by_machine = |node: &NodeInfo| {
        ids.contains(node.machine_id.as_str())
            && host.machine_id.as_deref() == Some(node.machine_id.as_str())
    };
    let ways: [(&'static str, Fits); 5] = [
        ("name", &by_name),
        ("hostname", &by_hostname),
        ("hostname", &by_label),
        ("address", &by_address),
        ("machine id", &by_machine),
    ];
    for (by, fits) in ways {
        let found: Vec<String> = nodes.iter().filter(|n| fits(n)).map(|n| n.name.clone()).collect();
        match found.len() {
            0 => {}
            1 => return found.into_iter().next().map_or(Found::None, Found::One),
            _ => return Found::Several(found, by),
        }
    }
    Found::None
}

fn same_address(a: &str, b: &str) -> bool {
    match (a.parse::<std::net::IpAddr>(), b.parse::<std::net::IpAddr>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// Machine ids that exactly one node and at most one host have.
fn unique_machine_ids<'a>(hosts: &'a [HostIdentity], nodes: &'a [NodeInfo]) -> BTreeSet<&'a str> {
    let mut of_nodes: BTreeMap<&str, usize> = BTreeMap::new();
    let mut of_hosts: BTreeMap<&str, usize> = BTreeMap::new();
    for node in nodes {
        *of_nodes.entry(&node.machine_id).or_default() += 1;
    }
    for id in hosts.iter().filter_map(|h| h.machine_id.as_deref()) {
        *of_hosts.entry(id).or_default() += 1;
    }
    of_nodes
        .into_iter()
        .filter(|(id, count)| {
            !id.is_empty() && *count == 1 && of_hosts.get(id).copied().unwrap_or(0) <= 1
        })
        .map(|(id, _)| id)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::node_info;
    use super::*;

    fn node(name: &str, ip: &str, machine: &str) -> NodeInfo {
        let mut node = node_info(name);
        node.internal_ips = vec![ip.into()];
        node.machine_id = machine.into();
        node.hostname = Some(name.into());
        node
    }

    fn host(name: &str, hostname: &str, ip: &str, machine: &str) -> HostIdentity {
        let some = |s: &str| Some(s.to_owned()).filter(|s| !s.is_empty());
        HostIdentity {
            name: name.into(),
            hostname: some(hostname),
            addresses: some(ip).into_iter().collect(),
            machine_id: some(machine),
        }
    }

    #[test]
    fn each_way_of_finding_a_node_works_alone() {
        let nodes = [node("n1", "10.0.0.1", "m1"), node("n2", "10.0.0.2", "m2")];
        let table = [
            host("n1", "", "", ""),
            host("web", "n1", "", ""),
            host("web", "N1", "", ""),
            host("web", "n1.example.org", "", ""),
            host("web", "", "10.0.0.1", ""),
            host("web", "", "", "m1"),
            host("n1", "n2", "10.0.0.2", "m2"), // the name wins
        ];
        for host in table {
            let mapped = map_hosts(std::slice::from_ref(&host), &nodes).unwrap();
            assert_eq!(mapped.get(&host.name).map(String::as_str), Some("n1"), "{host:?}");
        }
        let v6 = [node("n6", "fd00:0:0::1", "")];
        assert!(map_hosts(&[host("x", "", "fd00::1", "")], &v6).is_ok());
    }

    #[test]
    fn machine_ids_that_are_shared_or_empty_say_nothing() {
        let nodes = [node("n1", "10.0.0.1", "same"), node("n2", "10.0.0.2", "same")];
        assert!(map_hosts(&[host("web", "", "", "same")], &nodes).is_err());
        let nodes = [node("n1", "10.0.0.1", "")];
        let mut blank = host("web", "", "", "");
        blank.machine_id = Some(String::new());
        assert!(map_hosts(&[blank], &nodes).is_err());
        let nodes = [node("n1", "10.0.0.1", "m")];
        let hosts = [host("a", "", "", "m"), host("b", "", "", "m")];
        let error = map_hosts(&hosts, &nodes).unwrap_err();
        assert_eq!(error.0.len(), 2);
    }

    #[test]
    fn what_does_not_fit_is_named_on_both_sides() {
        let nodes = [node("n1", "10.0.0.1", "m1"), node("n2", "10.0.0.2", "m2")];
        let hosts = [host("n1", "", "", ""), host("lost", "", "10.9.9.9", "")];
        let error = map_hosts(&hosts, &nodes).unwrap_err().to_string();
        assert_eq!(error, "host lost is no node of the cluster; nodes without a host: n2");

        let mut router = host("router", "", "10.0.0.1", "");
        router.addresses.push("10.0.0.2".into());
        let error = map_hosts(&[router], &nodes).unwrap_err().to_string();
        assert!(error.starts_with("host router fits several nodes by address: n1, n2"), "{error}");

        let twice = [host("n1", "", "", ""), host("other", "", "10.0.0.1", "")];
        let error = map_hosts(&twice, &nodes).unwrap_err().to_string();
        assert_eq!(error, "node n1 fits several hosts: n1, other");
    }
}
