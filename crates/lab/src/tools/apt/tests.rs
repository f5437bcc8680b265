//! Expected lines were recorded from apt 2.6.1 and dpkg 1.21.23 on a Debian 12 node.

use crate::tools::bench::Bench;

const READ: &str =
    "Reading package lists...\nBuilding dependency tree...\nReading state information...\n";

#[tokio::test]
async fn holds() {
    let bench = Bench::of(0, 1, "1.36.3").await;
    bench
        .check(
            "w1",
            &[
                ("apt-mark showhold", "kubeadm\nkubectl\nkubelet\n", "", 0),
                ("apt-mark hold kubeadm", "kubeadm was already set on hold.\n", "", 0),
                ("apt-mark unhold kubeadm", "Canceled hold on kubeadm.\n", "", 0),
                ("apt-mark unhold kubeadm", "kubeadm was already not on hold.\n", "", 0),
                ("apt-mark unhold kubeadm kubectl", "kubeadm was already not on hold.\nCanceled hold on kubectl.\n", "", 0),
                ("apt-mark hold kubeadm kubelet kubectl", "kubelet was already set on hold.\nkubeadm set on hold.\nkubectl set on hold.\n", "", 0),
                ("apt-mark hold nosuch", "", "E: Unable to locate package nosuch\nE: No packages found\n", 100),
                ("apt-mark hold", "", "E: No packages found\n", 100),
                ("dpkg --get-selections kubeadm", "kubeadm\t\t\t\t\t\thold\n", "", 0),
                ("dpkg --get-selections nosuch", "", "dpkg: no packages found matching nosuch\n", 0),
            ],
        )
        .await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of calls in their order")]
async fn the_upgrade_of_a_held_package() {
    let bench = Bench::of(0, 1, "1.36.3").await;
    let list = b"deb [trusted=yes] file:///repo/core:/stable:/v1.37/deb ./\n";
    bench
        .machine("w1")
        .files
        .write("/etc/apt/sources.list.d/kubernetes.list", list, 0o644)
        .unwrap();
    let gone = "Package kubeadm is not available, but is referred to by another package.\nThis may mean that the package is \
                missing, has been obsoleted, or\nis only available from another source\n\n";
    let left = bench.run("w1", "apt-get install -y kubeadm=1.37.2-1.1").await;
    assert_eq!(
        (left.out, left.err, left.code),
        (
            format!("{READ}{gone}"),
            "E: Version '1.37.2-1.1' for 'kubeadm' was not found\n".to_owned(),
            100
        )
    );
    let update = "apt-get -q -o DPkg::Lock::Timeout=600 -o Dir::Etc::sourceparts=- -o Dir::Etc::sourcelist=/etc/apt/sources.list.d/kubernetes.list update";
    let left = bench.run("w1", update).await;
    let repo = "file:/repo/core:/stable:/v1.37/deb ./";
    assert!(
        left.out.starts_with(&format!(
            "Get:1 {repo} InRelease\nIgn:1 {repo} InRelease\nGet:2 {repo} Release [816 B]\n"
        )),
        "{}",
        left.out
    );
    assert!(left.out.ends_with("Reading package lists...\n") && left.code == 0);
    bench
        .check(
            "w1",
            &[
                (
                    "apt-cache policy kubeadm",
                    "kubeadm:\n  Installed: 1.36.3-1.1\n  Candidate: 1.37.2-1.1\n  Version table:\n     1.37.2-1.1 500\n        500 \
                     file:/repo/core:/stable:/v1.37/deb ./ Packages\n     1.37.1-1.1 500\n        500 \
                     file:/repo/core:/stable:/v1.37/deb ./ Packages\n     1.37.0-1.1 500\n        500 \
                     file:/repo/core:/stable:/v1.37/deb ./ Packages\n *** 1.36.3-1.1 100\n        100 /var/lib/dpkg/status\n",
                    "",
                    0,
                ),
                (
                    "apt-get install -y kubeadm=1.37.2-1.1",
                    &format!(
                        "{READ}The following held packages will be changed:\n  kubeadm\nThe following packages will be upgraded:\n  \
                         kubeadm\n1 upgraded, 0 newly installed, 0 to remove and 3 not upgraded.\n"
                    ),
                    "E: Held packages were changed and -y was used without --allow-change-held-packages.\n",
                    100,
                ),
                (
                    "apt-get install -y -qq kubeadm=1.37.2-1.1",
                    "",
                    "E: Held packages were changed and -y was used without --allow-change-held-packages.\n",
                    100,
                ),
                ("apt-mark unhold kubeadm", "Canceled hold on kubeadm.\n", "", 0),
                (
                    "apt-get -s install -y 'kubeadm=1.37.2-*'",
                    &format!(
                        "{READ}The following packages will be upgraded:\n  kubeadm\n1 upgraded, 0 newly installed, 0 to remove and 3 \
                         not upgraded.\nInst kubeadm [1.36.3-1.1] (1.37.2-1.1 localhost [amd64])\nConf kubeadm (1.37.2-1.1 localhost \
                         [amd64])\n"
                    ),
                    "",
                    0,
                ),
            ],
        )
        .await;
    let left = bench
        .run("w1", "apt-get -y -q -o Dpkg::Options::=--force-confdef install -- 'kubeadm=1.37.2-*'")
        .await;
    assert_eq!((left.code, left.err.as_str()), (0, ""));
    assert!(left.out.contains("Need to get 0 B/12.5 MB of archives.\n"), "{}", left.out);
    assert!(left.out.ends_with("Unpacking kubeadm (1.37.2-1.1) over (1.36.3-1.1) ...\nSetting up kubeadm (1.37.2-1.1) ...\n"), "{}", left.out);
    let left = bench.run("w1", "apt-get install -y -qq --allow-change-held-packages kubelet=1.37.2-1.1 kubectl=1.37.2-1.1").await;
    assert_eq!(left.code, 0, "{left:?}");
    // Changed all the same, and the hold is gone.
    bench
        .check(
            "w1",
            &[
                ("apt-mark showhold", "", "", 0),
                ("dpkg-query -W kubeadm kubelet kubectl", "kubeadm\t1.37.2-1.1\nkubectl\t1.37.2-1.1\nkubelet\t1.37.2-1.1\n", "", 0),
                (
                    "apt-get install -y kubeadm",
                    &format!("{READ}kubeadm is already the newest version (1.37.2-1.1).\n0 upgraded, 0 newly installed, 0 to remove and 1 not upgraded.\n"),
                    "",
                    0,
                ),
                (
                    "apt-get install -y kubeadm=1.37.1-1.1",
                    &format!("{READ}The following packages will be DOWNGRADED:\n  kubeadm\n0 upgraded, 0 newly installed, 1 downgraded, 0 to remove and 1 not upgraded.\n"),
                    "E: Packages were downgraded and -y was used without --allow-downgrades.\n",
                    100,
                ),
            ],
        )
        .await;
}

#[tokio::test]
async fn what_cannot_be_installed() {
    let bench = Bench::of(0, 1, "1.36.3").await;
    bench
        .check(
            "w1",
            &[
                ("apt-get install -y nosuch", READ, "E: Unable to locate package nosuch\n", 100),
                ("apt-get frobnicate", "", "E: Invalid operation frobnicate\n", 100),
                (
                    "apt-get --frob install x",
                    "",
                    "E: Command line option --frob is not understood in combination with the other options\n",
                    100,
                ),
                (
                    "apt-get install jq",
                    &format!("{READ}The following NEW packages will be installed:\n  jq\n0 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.\n"),
                    "Abort.\n",
                    1,
                ),
                (
                    "apt-get remove -y kubelet",
                    &format!(
                        "{READ}The following packages will be REMOVED:\n  kubelet\nThe following held packages will be changed:\n  \
                         kubelet\n0 upgraded, 0 newly installed, 1 to remove and 0 not upgraded.\n"
                    ),
                    "E: Held packages were changed and -y was used without --allow-change-held-packages.\n",
                    100,
                ),
                ("apt-get remove -y jq", &format!("{READ}Package 'jq' is not installed, so not removed\n0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n"), "", 0),
                ("dpkg-query -W nosuch", "", "dpkg-query: no packages found matching nosuch\n", 1),
                ("apt-cache policy nosuch", "", "", 0),
                ("apt-cache show nosuch", "", "E: No packages found\n", 100),
                ("dpkg --compare-versions 1.2 gt 1.1", "", "", 0),
                ("dpkg --compare-versions 1.2 lt 1.1", "", "", 1),
            ],
        )
        .await;
    let user = (1000, 1000);
    let left = bench.run_as("w1", "apt-get install -y jq", user, b"").await;
    assert!(left.code == 100 && left.err.ends_with("are you root?\n"), "{left:?}");
}

#[tokio::test]
async fn a_minor_that_does_not_exist() {
    let bench = Bench::of(0, 1, "1.36.3").await;
    let files = &bench.machine("w1").files;
    let list = "/etc/apt/sources.list.d/kubernetes.list";
    files
        .write(list, b"deb [trusted=yes] file:///repo/core:/stable:/v1.99/deb ./\n", 0o644)
        .unwrap();
    let place = "/repo/core:/stable:/v1.99/deb/./Packages";
    let missing = format!(
        "E: Failed to fetch file:{place}  File not found - {place} (2: No such file or directory)\nE: Some index files failed to \
         download. They have been ignored, or old ones used instead.\n"
    );
    files
        .write(list, b"deb [trusted=yes] file:///repo/core:/stable:/v1.99/deb ./\n", 0o644)
        .unwrap();
    bench.check("w1", &[("apt-get -qq update", "", &missing, 100)]).await;
    files.write(list, b"deb nonsense\n", 0o644).unwrap();
    let malformed = "E: Malformed entry 1 in list file /etc/apt/sources.list.d/kubernetes.list (Suite)\nE: The list of sources could not be read.\n";
    bench.check("w1", &[("apt-get update", "", malformed, 100)]).await;
}

#[tokio::test]
async fn a_busy_lock() {
    let bench = Bench::of(0, 1, "1.36.3").await;
    bench.fault("w1:dpkg-lock");
    let busy = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1225 (unattended-upgr)\n";
    let end = "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?\n";
    let waiting = "Waiting for cache lock: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1225 (unattended-upgr)...\n";
    let dpkg = "dpkg: error: dpkg frontend lock was locked by another process with pid 1225\nNote: removing the lock file is always \
                wrong, can damage the locked area\nand the entire system. See <https://wiki.debian.org/Teams/Dpkg/FAQ#db-lock>.\n";
    bench
        .check(
            "w1",
            &[
                ("apt-get install -y jq", "", &format!("{busy}{end}"), 100),
                ("apt-get -o DPkg::Lock::Timeout=2 install -y jq", &waiting.repeat(2), end, 100),
                ("apt-get -qq -o DPkg::Lock::Timeout=2 install -y jq", "", end, 100),
                (
                    "apt-get update",
                    "Reading package lists...\n",
                    "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1225 (unattended-upgr)\nE: Unable to lock \
                     directory /var/lib/apt/lists/\n",
                    100,
                ),
                ("dpkg -r tar", "", dpkg, 2),
                ("dpkg --configure -a", "", dpkg, 2),
                ("apt-mark hold kubeadm", "kubeadm was already set on hold.\n", "", 0),
            ],
        )
        .await;
    assert_eq!(bench.run("w1", "apt-get -s install -y jq").await.code, 0);
}

#[tokio::test]
async fn selections_are_set() {
    let bench = Bench::of(0, 1, "1.36.3").await;
    let left = bench
        .run_as("w1", "dpkg --set-selections", (0, 0), b"kubeadm install\nnosuch hold\n")
        .await;
    assert_eq!(left.code, 0);
    assert!(
        left.err.starts_with(
            "dpkg: warning: package not in status nor available database at line 2: nosuch\n"
        ),
        "{left:?}"
    );
    bench.check("w1", &[("apt-mark showhold", "kubectl\nkubelet\n", "", 0)]).await;
    let query = "dpkg-query -W -f '${Package}|${Architecture}|${Version}|${db:Status-Abbrev}|${Provides}\\n' kubeadm mawk kubelet";
    bench
        .check(
            "w1",
            &[
                (query, "kubeadm|amd64|1.36.3-1.1|ii |\nkubelet|amd64|1.36.3-1.1|hi |\nmawk|amd64|1.3.4.20200120-3.1|ii |awk\n", "", 0),
                (
                    "dpkg-query -W -f '${Status} ${Package}\\n${binary:Package}\\t${nosuch}x${Version;12}|${Package;-12}|\\n' kubeadm",
                    "install ok installed kubeadm\nkubeadm\tx  1.36.3-1.1|kubeadm     |\n",
                    "",
                    0,
                ),
            ],
        )
        .await;
}

#[tokio::test]
async fn a_full_disk() {
    let bench = Bench::of(0, 1, "1.36.3").await;
    bench.fault("w1:disk-full");
    let left = bench.run("w1", "apt-get install -y -qq jq").await;
    assert_eq!(
        (left.err.as_str(), left.code),
        ("E: You don't have enough free space in /var/cache/apt/archives/.\n", 100)
    );
    assert!(!bench.machine("w1").state().packages.installed.contains_key("jq"));
}
