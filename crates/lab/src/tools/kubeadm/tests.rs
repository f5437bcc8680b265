//! Expected lines were recorded from kubeadm 1.36.3 and 1.37.2 on a cluster that was upgraded from the one to the other.

use crate::node::{parse_version, read_manifest};
use crate::tools::bench::Bench;

const READ: &str = "[upgrade] Reading configuration from the \"kubeadm-config\" ConfigMap in namespace \"kube-system\"...\n\
    [upgrade] Use 'kubeadm init phase upload-config kubeadm --config your-config-file' to re-upload it.\n";

/// The repository of 1.37, and kubeadm from it.
async fn install(bench: &Bench, node: &str, packages: &str) {
    let list = crate::node::repository(37);
    bench
        .machine(node)
        .files
        .write("/etc/apt/sources.list.d/kubernetes.list", list.as_bytes(), 0o644)
        .unwrap();
    assert_eq!(bench.run(node, "apt-get -qq update").await.code, 0);
    let left = bench
        .run(node, &format!("apt-get install -y -qq --allow-change-held-packages {packages}"))
        .await;
    assert_eq!(left.code, 0, "{left:?}");
}

/// Without what is another each time: numbers of directories.
fn steady(text: &str) -> String {
    let mut steady = String::new();
    for line in text.lines() {
        let mut line = line.to_owned();
        for (from, length) in [("manifests-", 19), ("kubelet-config-", 19)] {
            if let Some(at) = line
                .find(from)
                .map(|at| at + from.len())
                .filter(|at| line.len() >= at + length && !line.contains("ConfigMap"))
            {
                line.replace_range(at..at + length, "TIME");
            }
        }
        if let Some((before, _)) = line.split_once("kubeadm-upgraded-manifests") {
            line = format!("{before}kubeadm-upgraded-manifestsN\"");
        }
        steady.push_str(&line);
        steady.push('\n');
    }
    steady
}

fn image(bench: &Bench, node: &str, component: &str) -> String {
    let text = bench
        .machine(node)
        .files
        .text(&format!("/etc/kubernetes/manifests/{component}.yaml"))
        .unwrap();
    read_manifest(&text).unwrap().tag().to_owned()
}

#[tokio::test]
async fn versions_and_images() {
    let bench = Bench::of(1, 0, "1.36.3").await;
    bench
        .check(
            "cp1",
            &[
                ("kubeadm version -o short", "v1.36.3\n", "", 0),
                (
                    "kubeadm version -o json",
                    "{\n  \"clientVersion\": {\n    \"major\": \"1\",\n    \"minor\": \"36\",\n    \"gitVersion\": \"v1.36.3\",\n    \"gitCommit\": \
                     \"lab\",\n    \"gitTreeState\": \"clean\",\n    \"buildDate\": \"2026-01-01T00:00:00Z\",\n    \"goVersion\": \
                     \"go1.26.8\",\n    \"compiler\": \"gc\",\n    \"platform\": \"linux/amd64\"\n  }\n}\n",
                    "",
                    0,
                ),
                (
                    "kubeadm version -o yaml",
                    "clientVersion:\n  buildDate: \"2026-01-01T00:00:00Z\"\n  compiler: gc\n  gitCommit: lab\n  gitTreeState: clean\n  \
                     gitVersion: v1.36.3\n  goVersion: go1.26.8\n  major: \"1\"\n  minor: \"36\"\n  platform: linux/amd64\n\n",
                    "",
                    0,
                ),
                ("kubelet --version", "Kubernetes v1.36.3\n", "", 0),
                (
                    "kubeadm config images list --kubernetes-version v1.37.2",
                    "registry.k8s.io/kube-apiserver:v1.37.2\nregistry.k8s.io/kube-controller-manager:v1.37.2\n\
                     registry.k8s.io/kube-scheduler:v1.37.2\nregistry.k8s.io/kube-proxy:v1.37.2\n\
                     registry.k8s.io/coredns/coredns:v1.14.2\nregistry.k8s.io/pause:3.10.2\nregistry.k8s.io/etcd:3.6.8-0\n",
                    "",
                    0,
                ),
                (
                    "kubeadm nosuch",
                    "",
                    "error: unknown command \"nosuch\" for \"kubeadm\"\nTo see the stack trace of this error execute with --v=5 or higher\n",
                    1,
                ),
                (
                    "kubeadm upgrade apply v1.37.2 --nosuch",
                    "",
                    "error: unknown flag: --nosuch\nTo see the stack trace of this error execute with --v=5 or higher\n",
                    1,
                ),
                (
                    "kubeadm upgrade apply",
                    "",
                    "error: missing one or more required arguments. Required arguments: [version]\nTo see the stack trace of this error \
                     execute with --v=5 or higher\n",
                    1,
                ),
            ],
        )
        .await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "the whole output of one call")]
async fn the_upgrade_of_one_control_plane_and_a_worker() {
    let bench = Bench::of(1, 1, "1.36.3").await;
    install(&bench, "cp1", "kubeadm=1.37.2-1.1").await;
    let left = bench
        .run(
            "cp1",
            "kubeadm upgrade apply v1.37.2 --yes --ignore-preflight-errors=SystemVerification",
        )
        .await;
    assert_eq!(left.code, 0, "{left:?}");
    let pod = |name: &str, certificates: &[&str]| {
        let renewed: String = certificates
            .iter()
            .map(|c| format!("[upgrade/staticpods] Renewing {c} certificate\n"))
            .collect();
        format!(
            "[upgrade/staticpods] Preparing for \"{name}\" upgrade\n{renewed}[upgrade/staticpods] Moving new manifest to \
             \"/etc/kubernetes/manifests/{name}.yaml\" and backing up old manifest to \
             \"/etc/kubernetes/tmp/kubeadm-backup-manifests-TIME/{name}.yaml\"\n[upgrade/staticpods] Waiting for the kubelet to restart \
             the component\n[upgrade/staticpods] This can take up to 5m0s\n[apiclient] Found 1 Pods for label selector \
             component={name}\n[upgrade/staticpods] Component \"{name}\" upgraded successfully!\n"
        )
    };
    let expected = format!(
        "{READ}[upgrade/preflight] Running preflight checks\n[upgrade] Running cluster health checks\n\
         [upgrade/preflight] You have chosen to upgrade the cluster version to \"v1.37.2\"\n[upgrade/versions] Cluster version: v1.36.3\n\
         [upgrade/versions] kubeadm version: v1.37.2\n\
         [upgrade/preflight] Pulling images required for setting up a Kubernetes cluster\n\
         [upgrade/preflight] This might take a minute or two, depending on the speed of your internet connection\n\
         [upgrade/preflight] You can also perform this action beforehand using 'kubeadm config images pull'\n\
         [upgrade/control-plane] Upgrading your static Pod-hosted control plane to version \"v1.37.2\" (timeout: 5m0s)...\n\
         [upgrade/staticpods] Writing new Static Pod manifests to \"/etc/kubernetes/tmp/kubeadm-upgraded-manifestsN\"\n\
         {}[upgrade/etcd] Waiting for etcd to become available\n{}{}{}\
         [upgrade/control-plane] The control plane instance for this node was successfully upgraded!\n\
         [upload-config] Storing the configuration used in ConfigMap \"kubeadm-config\" in the \"kube-system\" Namespace\n\
         [kubelet] Creating a ConfigMap \"kubelet-config\" in namespace kube-system with the configuration for the kubelets in the cluster\n\
         [upgrade/kubeconfig] The kubeconfig files for this node were successfully upgraded!\n\
         [upgrade] Backing up kubelet config file to /etc/kubernetes/tmp/kubeadm-kubelet-config-TIME/config.yaml\n\
         [kubelet-start] Writing kubelet configuration to file \"/var/lib/kubelet/config.yaml\"\n\
         [upgrade/kubelet-config] The kubelet configuration for this node was successfully upgraded!\n\
         [upgrade/bootstrap-token] Configuring bootstrap token and cluster-info RBAC rules\n\
         [bootstrap-token] Configured RBAC rules to allow Node Bootstrap tokens to get nodes\n\
         [bootstrap-token] Configured RBAC rules to allow Node Bootstrap tokens to post CSRs in order for nodes to get long term certificate credentials\n\
         [bootstrap-token] Configured RBAC rules to allow the csrapprover controller automatically approve CSRs from a Node Bootstrap Token\n\
         [bootstrap-token] Configured RBAC rules to allow certificate rotation for all node client certificates in the cluster\n\
         [bootstrap-token] Configured RBAC rules to allow the API server kubelet client certificate to access the kubelet API\n\
         [addons] Applied essential addon: CoreDNS\n[addons] Applied essential addon: kube-proxy\n\n\
         [upgrade] SUCCESS! A control plane node of your cluster was upgraded to \"v1.37.2\".\n\n\
         [upgrade] Now please proceed with upgrading the rest of the nodes by following the right order.\n",
        pod("etcd", &["etcd-server", "etcd-peer", "etcd-healthcheck-client"]),
        pod(
            "kube-apiserver",
            &[
                "apiserver",
                "apiserver-kubelet-client",
                "front-proxy-client",
                "apiserver-etcd-client"
            ]
        ),
        pod("kube-controller-manager", &["controller-manager.conf"]),
        pod("kube-scheduler", &["scheduler.conf"]),
    );
    assert_eq!(steady(&left.out), expected);
    assert_eq!(
        (image(&bench, "cp1", "kube-apiserver"), image(&bench, "cp1", "etcd")),
        ("v1.37.2".to_owned(), "3.7.0-0".to_owned())
    );
    assert_eq!(*bench.machine("cp1").apiserver.borrow(), parse_version("1.37.2"));
    let get = "kubectl --kubeconfig=/etc/kubernetes/admin.conf -n kube-system get configmap kubeadm-config -o jsonpath={.data.ClusterConfiguration}";
    assert!(bench.run("cp1", get).await.out.contains("\nkubernetesVersion: v1.37.2\n"));
    let again = bench.run("cp1", "kubeadm upgrade apply v1.37.2 --yes").await;
    assert!(
        again.out.contains(
            "[upgrade/staticpods] Current and new manifests of etcd are equal, skipping upgrade\n"
        ),
        "{again:?}"
    );
    worker(&bench).await;
}

async fn worker(bench: &Bench) {
    install(bench, "w1", "kubeadm=1.37.2-1.1").await;
    let left = bench.run("w1", "kubeadm upgrade node").await;
    assert_eq!(left.code, 0, "{left:?}");
    assert_eq!(
        steady(&left.out),
        format!(
            "{READ}[upgrade/preflight] Running pre-flight checks\n[upgrade/preflight] Skipping prepull. Not a control plane node.\n\
             [upgrade/control-plane] Skipping phase. Not a control plane node.\n[upgrade/kubeconfig] Skipping phase. Not a control plane \
             node.\n[upgrade] Backing up kubelet config file to /etc/kubernetes/tmp/kubeadm-kubelet-config-TIME/config.yaml\n\
             [kubelet-start] Writing kubelet configuration to file \"/var/lib/kubelet/config.yaml\"\n\
             [upgrade/kubelet-config] The kubelet configuration for this node was successfully upgraded!\n\
             [upgrade/addon] Skipping the addon/coredns phase. Not a control plane node.\n\
             [upgrade/addon] Skipping the addon/kube-proxy phase. Not a control plane node.\n"
        )
    );
    install(bench, "w1", "kubelet=1.37.2-1.1 kubectl=1.37.2-1.1").await;
    let started = |bench: &Bench| {
        bench.machine("w1").kubelet.borrow().clone().map(|kubelet| kubelet.version.to_string())
    };
    assert_eq!(started(bench).as_deref(), Some("1.36.3"), "the package does not restart it");
    assert_eq!(bench.run("w1", "systemctl restart kubelet").await.code, 0);
    bench.until(|bench| started(bench).as_deref() == Some("1.37.2")).await;
}

#[tokio::test]
async fn three_control_planes() {
    let bench = Bench::of(3, 0, "1.36.3").await;
    for (node, command, addons) in [
        (
            "cp1",
            "kubeadm upgrade apply v1.37.2 -y",
            "[upgrade/addon] Skipping upgrade of addons because control plane instances [cp2 cp3] have not been upgraded\n",
        ),
        (
            "cp2",
            "kubeadm upgrade node",
            "[upgrade/addon] Skipping upgrade of addons because control plane instances [cp3] have not been upgraded\n",
        ),
        ("cp3", "kubeadm upgrade node", "[addons] Applied essential addon: kube-proxy\n"),
    ] {
        install(&bench, node, "kubeadm=1.37.2-1.1").await;
        let left = bench.run(node, command).await;
        assert!(left.code == 0 && left.out.contains(addons), "{node} {left:?}");
        assert_eq!(*bench.machine(node).apiserver.borrow(), parse_version("1.37.2"));
    }
    let proxy = "/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy";
    let image = bench.outside.objects.lock().unwrap()[proxy]
        .pointer("/spec/template/spec/containers/0/image")
        .cloned();
    assert_eq!(image.unwrap(), "registry.k8s.io/kube-proxy:v1.37.2");
}

#[tokio::test]
async fn what_is_refused() {
    let bench = Bench::of(1, 1, "1.36.3").await;
    let end = "\nTo see the stack trace of this error execute with --v=5 or higher\n";
    let left = bench.run("cp1", "kubeadm upgrade apply v1.37.2 --yes").await;
    let text = "error: error execution phase preflight: the version argument is invalid due to these fatal errors:\n\n\t- Specified version to \
                upgrade to \"v1.37.2\" is at least one minor release higher than the kubeadm minor release (37 > 36). Such an upgrade is not \
                supported\n\nPlease fix the misalignments highlighted above and try upgrading again";
    assert_eq!((left.err, left.code), (format!("{text}{end}"), 1));
    let left = bench.run("w1", "kubeadm upgrade apply v1.37.2 --yes").await;
    let text = "error: couldn't create a Kubernetes client from file \"/etc/kubernetes/admin.conf\": failed to load admin kubeconfig: open \
                /etc/kubernetes/admin.conf: no such file or directory";
    assert_eq!((left.err, left.code), (format!("{text}{end}"), 1));
    let left = bench.run_as("cp1", "kubeadm upgrade apply v1.36.3 --yes", (1000, 1000), b"").await;
    assert!(left.err.starts_with("[preflight] Some fatal errors occurred:\n\t[ERROR IsPrivilegedUser]: user is not running as root\n"), "{left:?}");
    assert_eq!(image(&bench, "cp1", "kube-apiserver"), "v1.36.3");
}

#[tokio::test]
async fn a_failure_leaves_everything_as_it_was() {
    for (phase, component) in [("etcd", "etcd"), ("control-plane", "kube-apiserver")] {
        let bench = Bench::of(1, 0, "1.36.3").await;
        install(&bench, "cp1", "kubeadm=1.37.2-1.1").await;
        bench.fault(&format!("cp1:kubeadm-fail={phase}"));
        let left = bench.run("cp1", "kubeadm upgrade apply v1.37.2 --yes").await;
        let why = format!(
            "static Pod hash for component {component} on Node cp1 did not change after 5m0s"
        );
        assert!(left.code == 1 && left.err.contains(&why), "{left:?}");
        assert_eq!(image(&bench, "cp1", "kube-apiserver"), "v1.36.3");
        let configured = bench.outside.objects.lock().unwrap()["/api/v1/namespaces/kube-system/configmaps/kubeadm-config"].to_string();
        assert!(configured.contains("v1.36.3"));
        bench.site.faults.retain(|_| false);
        let left = bench.run("cp1", "kubeadm upgrade apply v1.37.2 --yes").await;
        assert_eq!(
            (left.code, image(&bench, "cp1", "kube-apiserver").as_str()),
            (0, "v1.37.2"),
            "{left:?}"
        );
    }
}

#[tokio::test]
async fn without_a_kubelet_nothing_comes() {
    let bench = Bench::of(1, 0, "1.36.3").await;
    install(&bench, "cp1", "kubeadm=1.37.2-1.1").await;
    assert_eq!(bench.run("cp1", "systemctl stop kubelet").await.code, 0);
    bench.until(|bench| bench.machine("cp1").kubelet.borrow().is_none()).await;
    assert!(bench.machine("cp1").apiserver.borrow().is_some(), "containers outlive their kubelet");
    let left = bench.run("cp1", "kubeadm upgrade apply v1.37.2 --yes").await;
    assert!(left.code == 1 && left.err.contains("did not change after 5m0s"), "{left:?}");
}

#[tokio::test]
async fn tokens() {
    let bench = Bench::of(1, 0, "1.36.3").await;
    let left = bench.run("cp1", "kubeadm token create 8rk47p.wpy86i1ohkgq7n74").await;
    assert_eq!((left.out.as_str(), left.code), ("8rk47p.wpy86i1ohkgq7n74\n", 0), "{left:?}");
    let left = bench.run("cp1", "kubeadm token list").await;
    assert!(
        left.out.starts_with("TOKEN                     TTL         EXPIRES                USAGES"),
        "{left:?}"
    );
    assert!(left.out.contains("8rk47p.wpy86i1ohkgq7n74   24h         "), "{left:?}");
    let left = bench.run("cp1", "kubeadm token delete 8rk47p").await;
    assert_eq!(left.out, "bootstrap token \"8rk47p\" deleted\n");
}
