//! Facts about the network, as iproute2 (or busybox) tells it.

use super::setup::Answers;
use mainstay_language::value::{Map, Value};
use std::net::Ipv4Addr;

/// What is asked. The two addresses are only looked up in the routing table: nothing is sent.
pub(super) const SCRIPT: &str = r#"run ip-link ip -o link; run ip-addr ip -o addr
run route4 ip -4 route get 8.8.8.8; run route6 ip -6 route get 2404:6800:400a:800::1012
b=$(for d in /sys/class/net/*/bridge; do [ -d "$d" ] || continue; d=${d%/bridge}; printf '%s\n' "${d##*/}"; done); say bridges "$b"
"#;

/// One interface.
#[derive(Debug, Default, Clone, PartialEq)]
struct Interface {
    name: String,
    mtu: i64,
    active: bool,
    promisc: bool,
    kind: &'static str,
    mac: String,
    /// Address, prefix, broadcast.
    ipv4: Vec<(String, u8, String)>,
    /// Address, prefix, scope.
    ipv6: Vec<(String, u8, String)>,
}

fn after<'a>(words: &[&'a str], key: &str) -> Option<&'a str> {
    words.iter().position(|w| *w == key).and_then(|i| words.get(i + 1)).copied()
}

fn interfaces(link: &str, addr: &str, bridges: &str) -> Vec<Interface> {
    let mut all: Vec<Interface> = Vec::new();
    for line in link.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(name) = words.get(1) else { continue };
        let name = name.trim_end_matches(':').split('@').next().unwrap_or_default();
        let flags = words.get(2).copied().unwrap_or_default();
        let layer = words.iter().find_map(|w| w.strip_prefix("link/")).unwrap_or_default();
        all.push(Interface {
            name: name.to_owned(),
            mtu: after(&words, "mtu").and_then(|m| m.parse().ok()).unwrap_or_default(),
            active: after(&words, "state").is_none_or(|s| s != "DOWN"),
            promisc: flags.contains("PROMISC"),
            kind: match layer {
                _ if bridges.lines().any(|b| b == name) => "bridge",
                "loopback" => "loopback",
                "ether" => "ether",
                "infiniband" => "infiniband",
                "ppp" => "ppp",
                "ipip" | "sit" | "gre" | "tunnel6" => "tunnel",
                _ => "unknown",
            },
            mac: after(&words, &format!("link/{layer}")).unwrap_or_default().to_owned(),
            ..Interface::default()
        });
    }
    for line in addr.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(name), Some(family), Some(address)) = (words.get(1), words.get(2), words.get(3))
        else {
            continue;
        };
        let name = name.trim_end_matches(':').split('@').next().unwrap_or_default();
        let Some(interface) = all.iter_mut().find(|i| i.name == name) else { continue };
        let (address, prefix) = address.split_once('/').unwrap_or((address, "32"));
        let prefix = prefix.parse().unwrap_or(32);
        let text = |key: &str| after(&words, key).unwrap_or_default().to_owned();
        match *family {
            "inet" => interface.ipv4.push((address.to_owned(), prefix, text("brd"))),
            "inet6" => interface.ipv6.push((address.to_owned(), prefix, text("scope"))),
            _ => {}
        }
    }
    all
}

fn ipv4((address, prefix, broadcast): &(String, u8, String)) -> Map {
    let bits = u32::MAX.checked_shl(32 - u32::from((*prefix).min(32))).unwrap_or(0);
    let network = address.parse::<Ipv4Addr>().map_or(0, u32::from) & bits;
    let mut map = Map::new();
    map.insert("address", address.as_str());
    map.insert("broadcast", broadcast.as_str());
    map.insert("netmask", Ipv4Addr::from(bits).to_string());
    map.insert("network", Ipv4Addr::from(network).to_string());
    map.insert("prefix", prefix.to_string());
    map
}

fn describe(interface: &Interface) -> Map {
    let mut map = Map::new();
    map.insert("device", interface.name.as_str());
    map.insert("active", interface.active);
    map.insert("mtu", interface.mtu);
    map.insert("promisc", interface.promisc);
    map.insert("type", interface.kind);
    if interface.kind != "loopback" && !interface.mac.is_empty() {
        map.insert("macaddress", interface.mac.as_str());
    }
    if let Some((first, others)) = interface.ipv4.split_first() {
        map.insert("ipv4", ipv4(first));
        if !others.is_empty() {
            let list: Vec<Value> = others.iter().map(|a| Value::Map(ipv4(a))).collect();
            map.insert("ipv4_secondaries", list);
        }
    }
    let six: Vec<Value> = interface
        .ipv6
        .iter()
        .map(|(address, prefix, scope)| {
            let mut map = Map::new();
            map.insert("address", address.as_str());
            map.insert("prefix", prefix.to_string());
            map.insert("scope", scope.as_str());
            Value::Map(map)
        })
        .collect();
    if !six.is_empty() {
        map.insert("ipv6", six);
    }
    map
}

/// The address that the host would use for the world.
fn default_route(route: &str, all: &[Interface], six: bool) -> Map {
    let words: Vec<&str> = route.lines().next().unwrap_or_default().split_whitespace().collect();
    let mut map = Map::new();
    let (Some(device), Some(source)) = (after(&words, "dev"), after(&words, "src")) else {
        return map;
    };
    let Some(interface) = all.iter().find(|i| i.name == device) else { return map };
    let address = if six {
        let found = interface.ipv6.iter().find(|(address, ..)| address == source);
        found.map(|(address, prefix, scope)| {
            let mut map = Map::new();
            map.insert("address", address.as_str());
            map.insert("prefix", prefix.to_string());
            map.insert("scope", scope.as_str());
            map
        })
    } else {
        interface.ipv4.iter().find(|(address, ..)| address == source).map(ipv4)
    };
    map.insert("interface", device);
    map.insert("address", source);
    if let Some(gateway) = after(&words, "via") {
        map.insert("gateway", gateway);
    }
    map.extend_with(&address.unwrap_or_default());
    map.insert("macaddress", interface.mac.as_str());
    map.insert("mtu", interface.mtu);
    map.insert("type", interface.kind);
    if !six {
        map.insert("alias", device);
    }
    map
}

pub(super) fn network(answers: &Answers, facts: &mut Map) {
    let get = |name: &str| answers.get(name).map_or("", String::as_str);
    let all = interfaces(get("ip-link"), get("ip-addr"), get("bridges"));
    let names: Vec<&str> = all.iter().map(|i| i.name.as_str()).collect();
    facts.insert("interfaces", names);
    for interface in &all {
        let name = interface.name.replace(['-', '.', ':'], "_");
        facts.insert(name, describe(interface));
    }
    let four = all.iter().flat_map(|i| &i.ipv4).filter(|(a, ..)| !a.starts_with("127."));
    let six = all.iter().flat_map(|i| &i.ipv6).filter(|(a, ..)| a != "::1");
    facts.insert(
        "all_ipv4_addresses",
        four.map(|(a, ..)| Value::text(a.as_str())).collect::<Vec<_>>(),
    );
    facts.insert(
        "all_ipv6_addresses",
        six.map(|(a, ..)| Value::text(a.as_str())).collect::<Vec<_>>(),
    );
    facts.insert("default_ipv4", default_route(get("route4"), &all, false));
    facts.insert("default_ipv6", default_route(get("route6"), &all, true));
}
