# shellcheck shell=bash
# The project's own bed: real kubeadm clusters in containers on this machine, and the upgrades that are tried on them.
# Sourced by tests/real/run, which says how it is used.
#
#   install.sh    what the machine needs
#   programs.sh   Kubernetes, etcd, CoreDNS and containerd, built from their Go modules
#   packages.sh   kubeadm, kubelet and kubectl as Debian packages in one repository for each minor version
#   images.sh     the container images of a release, as archives that containerd imports
#   node.sh       the image of a node: Debian with systemd, OpenSSH, containerd and the packages
#   up.sh         a running cluster
#   down.sh       nothing is left of it
#   observe.sh    what the API servers say while something is done to the cluster
#   upgrade.sh    the upgrade, and everything that must be true of it
#
# What stays for the next run: the directory BUILT, and docker's images mainstay-test-debian and mainstay-test-node.

# shellcheck disable=SC2034 # the parts use them
{
	BED=$HERE/tests/real/cluster
	FROM=1.36.3
	TO=1.37.2
	CONTAINERD=2.3.7
	DEBIAN=bookworm

	# Containers, network and images carry this name; the addresses are those of no other bed.
	NAME=mainstay-test
	BRIDGE=br-mainstay
	NET=172.31.77

	BUILT=$CACHE/cluster      # what is built once
	STATE=$BUILT/up           # keys, inventory and kubeconfig of the cluster that is up
	LOGS=$BUILT/logs          # of the last runs
}

# shellcheck source=/dev/null
for part in install programs packages images node up down observe upgrade; do . "$BED/$part.sh"; done

say() { printf '== %s\n' "$*" >&2; }
fail() { echo "$TIER: $*" >&2; exit 1; }

# as_root COMMAND…: with sudo, unless we are root already.
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# A kubectl of ours, on the cluster that is up.
kubectl() {
	"$BUILT/kubernetes-$TO/kubectl" --kubeconfig "$STATE/admin.conf" --cache-dir "$STATE/cache" --request-timeout 10s "$@"
}

# One command at a time: there is one set of names and addresses. Children must not inherit the lock (9>&-) if they stay.
alone() {
	mkdir -p "$BUILT"
	exec 9>"$BUILT/lock"
	flock -n 9 || fail "another run of it has not ended"
}

build() {
	install_missing
	start_docker
	build_containerd
	build_debian
	local version
	for version in "$FROM" "$TO"; do
		build_kubernetes "$version"
		build_companions "$version"
		build_packages "$version"
		build_images "$version"
	done
	build_node
}

# try CONTROL_PLANES WORKERS: a cluster of its own, upgraded and taken away again, whatever happens.
try() {
	! anything_up || fail "a cluster is up; first: tests/real/run cluster down"
	local begin=$SECONDS
	BINARY=$(binary)
	clean_up_at_exit
	up "$1" "$2"
	say "$1+$2 is up after $((SECONDS - begin)) s"
	upgrade
	end_background
	down
	trap - EXIT INT TERM
	echo "cluster: $1+$2 passed in $((SECONDS - begin)) s"
}

# Whatever ends it. A second Ctrl-C does not end the cleaning.
clean_up_at_exit() {
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'trap "" INT TERM; say "removing the cluster"; end_background; down' EXIT
}

cluster_command() {
	local command=${1:-all}
	[ $# = 0 ] || shift
	case $command in
	all | test | build | up | down) alone ;;
	esac
	case $command in
	all) build; try 1 2; try 3 3 ;;
	test) build; try "${1:-1}" "${2:-2}" ;;
	build) build ;;
	up)
		build
		! anything_up || fail "a cluster is up; first: tests/real/run cluster down"
		clean_up_at_exit
		up "${1:-1}" "${2:-2}"
		trap - EXIT
		kubectl get nodes
		echo "inventory, key, known_hosts and admin.conf are in $STATE"
		;;
	down) install_missing; start_docker; down ;;
	ssh) open_shell "$@" ;;
	*) usage >&2; exit 2 ;;
	esac
}
