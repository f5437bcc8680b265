//! Where a master's own API server listens, from its kubeadm manifest. Pure.

/// An address that the master itself can dial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dial {
    /// IP address or name, without brackets.
    pub(super) host: String,
    /// TCP port.
    pub(super) port: u16,
}

/// Addresses to try, best first. `server` is admin.conf's (it may be a virtual address of all masters); the manifest
/// says where this master's own server listens. Without a manifest, `server` is dialled from the master.
pub(super) fn dials(server: &http::Uri, manifest: Option<&str>) -> Result<Vec<Dial>, String> {
    let Some(manifest) = manifest else {
        let host = server.host().ok_or_else(|| format!("server {server} has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        return Ok(vec![Dial { host, port: server.port_u16().unwrap_or(443) }]);
    };
    // 6443 is the default of kube-apiserver itself.
    let port = match flag(manifest, "secure-port") {
        None => 6443,
        Some(text) => {
            text.parse().map_err(|e| format!("kube-apiserver --secure-port={text}: {e}"))?
        }
    };
    let dial = |host: &str| Dial { host: host.to_owned(), port };
    if let Some(bind) = flag(manifest, "bind-address").filter(|b| !is_any(b)) {
        return Ok(vec![dial(bind)]);
    }
    let mut dials = vec![dial("127.0.0.1")];
    dials.extend(flag(manifest, "advertise-address").map(dial));
    Ok(dials)
}

fn is_any(address: &str) -> bool {
    matches!(address, "0.0.0.0" | "::")
}

/// Value of `--name=value` in the command of a static pod.
pub(super) fn flag<'a>(manifest: &'a str, name: &str) -> Option<&'a str> {
    manifest.lines().find_map(|line| {
        let word = line.trim().trim_start_matches("- ").trim().trim_matches(['"', '\'']);
        word.strip_prefix("--")?.strip_prefix(name)?.strip_prefix('=')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KUBEADM: &str = "spec:\n  containers:\n  - command:\n    - kube-apiserver\n    - --advertise-address=10.0.0.11\n    - --secure-port=6444\n";

    fn addresses(server: &str, manifest: Option<&str>) -> Vec<String> {
        let found = dials(&server.parse().unwrap(), manifest).unwrap();
        found.iter().map(|d| format!("{}:{}", d.host, d.port)).collect()
    }

    #[test]
    fn its_own_server_is_dialled_not_the_virtual_address() {
        let vip = "https://api.example.org:443";
        assert_eq!(addresses(vip, Some(KUBEADM)), ["127.0.0.1:6444", "10.0.0.11:6444"]);
    }

    #[test]
    fn a_server_bound_to_one_address_is_dialled_there() {
        let manifest = "    - --bind-address=10.0.0.12\n    - \"--advertise-address=10.9.9.9\"\n";
        assert_eq!(addresses("https://vip:1", Some(manifest)), ["10.0.0.12:6443"]);
        let any = "    - --bind-address=::\n";
        assert_eq!(addresses("https://vip:1", Some(any)), ["127.0.0.1:6443"]);
    }

    #[test]
    fn without_a_manifest_the_server_of_the_file_is_dialled() {
        assert_eq!(addresses("https://[fd00::1]:6443", None), ["fd00::1:6443"]);
        assert_eq!(addresses("https://api.example.org", None), ["api.example.org:443"]);
    }

    #[test]
    fn a_port_that_is_none_is_an_error() {
        let error = dials(&"https://a:1".parse().unwrap(), Some("- --secure-port=x\n"));
        assert!(error.unwrap_err().contains("--secure-port=x"));
    }
}
