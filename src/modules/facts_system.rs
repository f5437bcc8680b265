//! Facts about the system: distribution, user, time, memory, processors, mounts.

use super::setup::Answers;
use mainstay_language::value::{Map, Value};

/// What every gathering asks.
pub(super) const SCRIPT: &str = r#"fact os-release /etc/os-release
fact debian_version /etc/debian_version
fact redhat-release /etc/redhat-release
run uname-n uname -n; run uname-r uname -r; run uname-v uname -v; run uname-m uname -m; run uname-s uname -s
run fqdn soon hostname -f
run lsb soon lsb_release -a
run uid id -u; run gid id -g; run user id -un; run ruid id -ru; run rgid id -rg
say passwd "$(grep "^$(id -un):" /etc/passwd 2>/dev/null || getent passwd "$(id -un)" 2>/dev/null)"
say date "$(date '+%Y|%m|%d|%H|%M|%S|%s|%Z|%z|%A|%w|%W|%N')" ; say utc "$(date -u '+%Y-%m-%dT%H:%M:%S')"
say env "$(tr '\000' '\001' < /proc/self/environ)"
p=unknown; for c in apt-get dnf5 dnf yum zypper apk pacman; do command -v $c >/dev/null 2>&1 && { p=$c; break; }; done; say pkg_mgr "$p"
fact pid1 /proc/1/comm
[ -d /run/systemd/system ] && say systemd 1
fact machine-id /etc/machine-id; fact dbus-machine-id /var/lib/dbus/machine-id
fact cmdline /proc/cmdline; fact loadavg /proc/loadavg; fact resolv /etc/resolv.conf; fact fips /proc/sys/crypto/fips_enabled
fact selinux /sys/fs/selinux/enforce; [ -d /sys/fs/selinux ] && [ -e /sys/fs/selinux/enforce ] && say selinux-on 1
[ -d /sys/kernel/security/apparmor ] && say apparmor 1
for t in rsa ecdsa ed25519; do fact "hostkey:$t" /etc/ssh/ssh_host_${t}_key.pub; done
say bits "$(getconf LONG_BIT 2>/dev/null)"
p=$(command -v python3 2>/dev/null) && say python "$p" && say python-version "$($p -V 2>&1)"
"#;

/// Memory, processors, mounts, uptime. Once the server of one mount does not answer, the others are waited for briefly.
pub(super) const HARDWARE: &str = r#"fact meminfo /proc/meminfo; fact cpuinfo /proc/cpuinfo; fact uptime /proc/uptime; run nproc nproc
for n in product_name product_serial product_uuid product_version sys_vendor bios_date bios_vendor bios_version board_name board_serial board_vendor board_version board_asset_tag chassis_asset_tag chassis_serial chassis_vendor chassis_version; do fact "dmi:$n" /sys/class/dmi/id/$n; done
m=$(while read -r dev dir type opts dump pass; do case $dev in /*|*:/*) ;; *) continue ;; esac
d=$(printf '%b' "$dir"); s=$(soon stat -f -c '%S %b %a %c %d' "$d" 2>/dev/null); [ $? -lt 124 ] || { s=late; limit=1; }
printf '%s|%s|%s|%s|%s|%s|%s\n' "$dev" "$dir" "$type" "$opts" "$dump" "$pass" "$s"; done < /proc/mounts); say mounts "$m"
u=$(for l in /dev/disk/by-uuid/*; do [ -L "$l" ] && printf '%s %s\n' "${l##*/}" "$(readlink -f "$l")"; done); say uuids "$u"
"#;

/// Containers and virtual machines.
pub(super) const VIRTUAL: &str = r"[ -e /.dockerenv ] && say dockerenv 1
[ -e /run/.containerenv ] && say podmanenv 1
run virt-container systemd-detect-virt --container; run virt-vm systemd-detect-virt --vm
fact v:product /sys/class/dmi/id/product_name; fact v:vendor /sys/class/dmi/id/sys_vendor
grep -q '^flags.* hypervisor' /proc/cpuinfo 2>/dev/null && say hypervisor 1
[ -e /dev/kvm ] && say kvm 1
";

fn get<'a>(answers: &'a Answers, name: &str) -> &'a str {
    answers.get(name).map_or("", |text| text.trim_end_matches('\n'))
}

/// `KEY="value"` lines.
fn assignments(text: &str) -> std::collections::HashMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.trim().split_once('='))
        .map(|(k, v)| (k, v.trim_matches(['"', '\''])))
        .collect()
}

/// Names as Ansible has them; by `ID` of os-release.
fn distribution(id: &str, name: &str) -> (String, &'static str) {
    let (name, family) = match id {
        "debian" => ("Debian", "Debian"),
        "ubuntu" => ("Ubuntu", "Debian"),
        "raspbian" => ("Debian", "Debian"),
        "linuxmint" => ("Linux Mint", "Debian"),
        "kali" => ("Kali", "Debian"),
        "rhel" => ("RedHat", "RedHat"),
        "centos" => ("CentOS", "RedHat"),
        "rocky" => ("Rocky", "RedHat"),
        "almalinux" => ("AlmaLinux", "RedHat"),
        "ol" => ("OracleLinux", "RedHat"),
        "fedora" => ("Fedora", "RedHat"),
        "amzn" => ("Amazon", "RedHat"),
        "opensuse-leap" => ("openSUSE Leap", "Suse"),
        "opensuse-tumbleweed" => ("openSUSE Tumbleweed", "Suse"),
        "sles" => ("SLES", "Suse"),
        "alpine" => ("Alpine", "Alpine"),
        "arch" => ("Archlinux", "Archlinux"),
        "flatcar" => ("Flatcar", "Flatcar"),
        _ => return (name.to_owned(), "Linux"),
    };
    (name.to_owned(), family)
}

pub(super) fn minimum(answers: &Answers, facts: &mut Map) {
    system(answers, facts);
    distribution_facts(answers, facts);
    user(answers, facts);
    time(answers, facts);
    let mut env = Map::new();
    for (key, value) in get(answers, "env").split('\u{1}').filter_map(|e| e.split_once('=')) {
        env.insert(key, value);
    }
    facts.insert("env", env);
    let manager = get(answers, "pkg_mgr");
    facts.insert("pkg_mgr", if manager == "apt-get" { "apt" } else { manager });
    let pid1 = get(answers, "pid1");
    let systemd = pid1 == "systemd" || answers.contains_key("systemd");
    facts.insert("service_mgr", if systemd { "systemd" } else { pid1 });
    let mut selinux = Map::new();
    if answers.contains_key("selinux-on") {
        selinux.insert("status", "enabled");
        let enforcing = get(answers, "selinux") == "1";
        selinux.insert("mode", if enforcing { "enforcing" } else { "permissive" });
    } else {
        selinux.insert("status", "disabled");
    }
    facts.insert("selinux", selinux);
    let mut apparmor = Map::new();
    let on = answers.contains_key("apparmor");
    apparmor.insert("status", if on { "enabled" } else { "disabled" });
    facts.insert("apparmor", apparmor);
    facts.insert("fips", get(answers, "fips") == "1");
    let mut line = Map::new();
    for word in get(answers, "cmdline").split_whitespace() {
        match word.split_once('=') {
            Some((key, value)) => line.insert(key, value),
            None => line.insert(word, true),
        }
    }
    facts.insert("cmdline", line);
    let mut load = Map::new();
    for (name, value) in ["1m", "5m", "15m"].iter().zip(get(answers, "loadavg").split(' ')) {
        if let Ok(value) = value.parse::<f64>() {
            load.insert(*name, value);
        }
    }
    facts.insert("loadavg", load);
    dns(answers, facts);
    for kind in ["rsa", "ecdsa", "ed25519"] {
        let mut words = get(answers, &format!("hostkey:{kind}")).split(' ');
        if let (Some(name), Some(key)) = (words.next(), words.next()) {
            facts.insert(format!("ssh_host_key_{kind}_public"), key);
            facts.insert(format!("ssh_host_key_{kind}_public_keytype"), name);
        }
    }
}

fn system(answers: &Answers, facts: &mut Map) {
    let node = get(answers, "uname-n");
    let machine = get(answers, "uname-m");
    facts.insert("system", get(answers, "uname-s"));
    facts.insert("kernel", get(answers, "uname-r"));
    facts.insert("kernel_version", get(answers, "uname-v"));
    facts.insert("machine", machine);
    let architecture = match machine {
        "i386" | "i486" | "i586" | "i686" => "i386",
        other => other,
    };
    facts.insert("architecture", architecture);
    let bits = get(answers, "bits");
    if !bits.is_empty() {
        facts.insert("userspace_bits", bits);
        let user = match (machine, bits) {
            ("x86_64", "32") => "i386",
            _ => architecture,
        };
        facts.insert("userspace_architecture", user);
    }
    facts.insert("nodename", node);
    facts.insert("hostname", node.split('.').next().unwrap_or(node));
    let fqdn = Some(get(answers, "fqdn")).filter(|f| !f.is_empty()).unwrap_or(node);
    facts.insert("fqdn", fqdn);
    facts.insert("domain", fqdn.split_once('.').map_or("", |(_, domain)| domain));
    let id = [get(answers, "machine-id"), get(answers, "dbus-machine-id")];
    if let Some(id) = id.into_iter().find(|id| !id.is_empty()) {
        facts.insert("machine_id", id);
    }
    let python = get(answers, "python");
    if !python.is_empty() {
        let version = get(answers, "python-version").trim_start_matches("Python ");
        let mut parts = version.split('.').map(|p| p.parse::<i64>().unwrap_or_default());
        let mut numbers = Map::new();
        for name in ["major", "minor", "micro"] {
            numbers.insert(name, parts.next().unwrap_or_default());
        }
        let mut map = Map::new();
        map.insert("executable", python);
        map.insert("version", numbers);
        facts.insert("python", map);
        facts.insert("python_version", version);
    }
}

fn distribution_facts(answers: &Answers, facts: &mut Map) {
    let text = get(answers, "os-release");
    let release = assignments(text);
    let value = |key: &str| release.get(key).copied().unwrap_or_default();
    let (name, family) = distribution(value("ID"), value("NAME"));
    // Debian tells its point release only in a file of its own.
    let point = get(answers, "debian_version");
    let full = if name == "Debian" && point.starts_with(|c: char| c.is_ascii_digit()) {
        point
    } else {
        value("VERSION_ID")
    };
    let mut codename = value("VERSION_CODENAME");
    if codename.is_empty() {
        codename = value("VERSION")
            .split_once('(')
            .and_then(|(_, tail)| tail.split_once(')'))
            .map_or("NA", |(inside, _)| inside);
    }
    let (major, minor) = full.split_once('.').map_or((full, None), |(a, b)| (a, Some(b)));
    facts.insert("distribution", name.as_str());
    facts.insert("os_family", family);
    facts.insert("distribution_version", full);
    facts.insert("distribution_major_version", major);
    if let (Some(minor), "Debian" | "RedHat") = (minor, family) {
        facts.insert("distribution_minor_version", minor);
    }
    facts.insert("distribution_release", codename);
    facts.insert("distribution_file_parsed", !text.is_empty());
    facts.insert("distribution_file_path", "/etc/os-release");
    facts.insert("distribution_file_variety", family);
    let mut lsb = Map::new();
    for line in get(answers, "lsb").lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match key.trim() {
            "Distributor ID" => lsb.insert("id", value),
            "Description" => lsb.insert("description", value),
            "Codename" => lsb.insert("codename", value),
            "Release" => {
                lsb.insert("release", value);
                lsb.insert("major_release", value.split('.').next().unwrap_or(value));
            }
            _ => {}
        }
    }
    facts.insert("lsb", lsb);
}

fn user(answers: &Answers, facts: &mut Map) {
    let number = |name: &str| get(answers, name).parse::<i64>().unwrap_or(-1);
    facts.insert("user_id", get(answers, "user"));
    facts.insert("user_uid", number("uid"));
    facts.insert("user_gid", number("gid"));
    facts.insert("effective_user_id", number("uid"));
    facts.insert("effective_group_id", number("gid"));
    facts.insert("real_user_id", number("ruid"));
    facts.insert("real_group_id", number("rgid"));
    let fields: Vec<&str> = get(answers, "passwd").split(':').collect();
    for (name, index) in [("user_gecos", 4), ("user_dir", 5), ("user_shell", 6)] {
        if let Some(value) = fields.get(index) {
            facts.insert(name, *value);
        }
    }
}

fn time(answers: &Answers, facts: &mut Map) {
    let parts: Vec<&str> = get(answers, "date").split('|').collect();
    let at = |i: usize| parts.get(i).copied().unwrap_or_default();
    let utc = get(answers, "utc");
    // Without %N (busybox) there are no fractions of a second.
    let micros =
        at(12).get(..6).filter(|d| d.chars().all(|c| c.is_ascii_digit())).unwrap_or("000000");
    let mut map = Map::new();
    for (name, index) in [
        ("year", 0),
        ("month", 1),
        ("day", 2),
        ("hour", 3),
        ("minute", 4),
        ("second", 5),
        ("epoch", 6),
        ("epoch_int", 6),
        ("tz", 7),
        ("tz_dst", 7),
        ("tz_offset", 8),
        ("weekday", 9),
        ("weekday_number", 10),
        ("weeknumber", 11),
    ] {
        map.insert(name, at(index));
    }
    map.insert("date", format!("{}-{}-{}", at(0), at(1), at(2)));
    map.insert("time", format!("{}:{}:{}", at(3), at(4), at(5)));
    map.insert("iso8601", format!("{utc}Z"));
    map.insert("iso8601_micro", format!("{utc}.{micros}Z"));
    let short: String = (0..3).map(at).chain(["T"]).chain((3..6).map(at)).collect();
    map.insert("iso8601_basic", format!("{short}{micros}"));
    map.insert("iso8601_basic_short", short);
    facts.insert("date_time", map);
}

fn dns(answers: &Answers, facts: &mut Map) {
    let mut map = Map::new();
    let mut servers = Vec::new();
    for line in get(answers, "resolv").lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("nameserver") => servers.extend(words.map(Value::text)),
            Some("search") => map.insert("search", words.map(Value::text).collect::<Vec<_>>()),
            Some("domain") => map.insert("domain", words.next().unwrap_or_default()),
            _ => {}
        }
    }
    if !servers.is_empty() {
        map.insert("nameservers", servers);
    }
    facts.insert("dns", map);
}

pub(super) fn hardware(answers: &Answers, facts: &mut Map) {
    memory(answers, facts);
    processors(answers, facts);
    if let Ok(seconds) = get(answers, "uptime").split('.').next().unwrap_or_default().parse::<i64>()
    {
        facts.insert("uptime_seconds", seconds);
    }
    let vendor = get(answers, "dmi:sys_vendor");
    facts.insert("system_vendor", if vendor.is_empty() { "NA" } else { vendor });
    for name in [
        "product_name",
        "product_serial",
        "product_uuid",
        "product_version",
        "bios_date",
        "bios_vendor",
        "bios_version",
        "board_name",
        "board_serial",
        "board_vendor",
        "board_version",
        "board_asset_tag",
        "chassis_asset_tag",
        "chassis_serial",
        "chassis_vendor",
        "chassis_version",
    ] {
        let value = get(answers, &format!("dmi:{name}"));
        facts.insert(name, if value.is_empty() { "NA" } else { value });
    }
    mounts(answers, facts);
}

fn memory(answers: &Answers, facts: &mut Map) {
    let mb = |key: &str| -> i64 {
        get(answers, "meminfo")
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))
            .and_then(|rest| rest.split_whitespace().next()?.parse::<i64>().ok())
            .unwrap_or_default()
            / 1024
    };
    let (total, free) = (mb("MemTotal"), mb("MemFree"));
    let (swap, swap_free) = (mb("SwapTotal"), mb("SwapFree"));
    facts.insert("memtotal_mb", total);
    facts.insert("memfree_mb", free);
    facts.insert("swaptotal_mb", swap);
    facts.insert("swapfree_mb", swap_free);
    let map = |entries: &[(&str, i64)]| -> Map {
        entries.iter().map(|(k, v)| (Value::text(*k), Value::from(*v))).collect()
    };
    let nocache = free + mb("Cached") + mb("Buffers");
    let mut all = Map::new();
    all.insert("real", map(&[("total", total), ("free", free), ("used", total - free)]));
    all.insert("nocache", map(&[("free", nocache), ("used", total - nocache)]));
    all.insert(
        "swap",
        map(&[
            ("total", swap),
            ("free", swap_free),
            ("used", swap - swap_free),
            ("cached", mb("SwapCached")),
        ]),
    );
    facts.insert("memory_mb", all);
}

fn processors(answers: &Answers, facts: &mut Map) {
    let mut list = Vec::new();
    let (mut count, mut cores, mut siblings) = (0i64, 1i64, 1i64);
    let mut sockets = std::collections::BTreeSet::new();
    for line in get(answers, "cpuinfo").lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match key.trim() {
            "processor" => {
                count += 1;
                list.push(Value::text(value));
            }
            "vendor_id" | "model name" | "Processor" | "vendor" => list.push(Value::text(value)),
            "physical id" => {
                sockets.insert(value.to_owned());
            }
            "cpu cores" => cores = value.parse().unwrap_or(1).max(1),
            "siblings" => siblings = value.parse().unwrap_or(1).max(1),
            _ => {}
        }
    }
    facts.insert("processor", list);
    let known = !sockets.is_empty();
    let packages = if known { i64::try_from(sockets.len()).unwrap_or(1) } else { count.max(1) };
    let threads = if known { (siblings / cores).max(1) } else { 1 };
    let cores = if known { cores } else { 1 };
    facts.insert("processor_count", packages);
    facts.insert("processor_cores", cores);
    facts.insert("processor_threads_per_core", threads);
    facts.insert("processor_vcpus", packages * cores * threads);
    facts.insert("processor_nproc", get(answers, "nproc").parse::<i64>().unwrap_or(count.max(1)));
}

fn mounts(answers: &Answers, facts: &mut Map) {
    let uuids: Vec<(&str, &str)> =
        get(answers, "uuids").lines().filter_map(|line| line.split_once(' ')).collect();
    let mut list = Vec::new();
    for line in get(answers, "mounts").lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let [device, directory, kind, options, dump, pass, space] = fields.as_slice() else {
            continue;
        };
        let mut map = Map::new();
        map.insert("mount", directory.replace("\\040", " "));
        map.insert("device", *device);
        map.insert("fstype", *kind);
        map.insert("options", *options);
        map.insert("dump", dump.parse::<i64>().unwrap_or_default());
        map.insert("passno", pass.parse::<i64>().unwrap_or_default());
        let uuid = uuids.iter().find(|(_, path)| path == device).map_or("N/A", |(uuid, _)| uuid);
        map.insert("uuid", uuid);
        let numbers: Vec<i64> = space.split(' ').filter_map(|n| n.parse().ok()).collect();
        if let [block, total, free, inodes, inodes_free] = numbers.as_slice() {
            for (name, value) in [
                ("block_size", *block),
                ("block_total", *total),
                ("block_available", *free),
                ("block_used", total - free),
                ("size_total", block * total),
                ("size_available", block * free),
                ("inode_total", *inodes),
                ("inode_available", *inodes_free),
                ("inode_used", inodes - inodes_free),
            ] {
                map.insert(name, value);
            }
        } else if *space == "late" {
            map.insert("note", "Could not get extra information due to timeout");
        }
        list.push(Value::Map(map));
    }
    facts.insert("mounts", list);
}

pub(super) fn virtualization(answers: &Answers, facts: &mut Map) {
    let usable = |name: &str| Some(get(answers, name)).filter(|v| !v.is_empty() && *v != "none");
    let container = if answers.contains_key("dockerenv") {
        Some("docker")
    } else if answers.contains_key("podmanenv") {
        Some("podman")
    } else {
        usable("virt-container").map(|v| if v == "systemd-nspawn" { "container" } else { v })
    };
    let machine = usable("virt-vm").map(|v| match v {
        "qemu" => "kvm",
        "microsoft" => "VirtualPC",
        "oracle" => "virtualbox",
        "vmware" => "VMware",
        other => other,
    });
    let kind = container.or(machine).or(answers.contains_key("hypervisor").then_some("NA"));
    let role = match (kind, answers.contains_key("kvm")) {
        (Some(_), _) => "guest",
        (None, true) => "host",
        (None, false) => "NA",
    };
    let host = role == "host";
    facts.insert("virtualization_type", kind.unwrap_or(if host { "kvm" } else { "NA" }));
    facts.insert("virtualization_role", role);
}
