# shellcheck shell=bash
# The Vagrantfile is one that vagrant accepts, with as many machines as the inventories have hosts. No machine is started:
# that needs a hypervisor.

vagrant_command() {
	command -v vagrant >/dev/null || install_vagrant
	# A copy: vagrant writes beside the file.
	WORK=$(mktemp -d)
	trap 'rm -rf "$WORK"' EXIT
	cp -r "$HERE/vagrant" "$WORK/"
	BINARY=$(binary)
	accepted 1 "cp1 w1 w2" inventory.yml
	accepted 3 "cp1 cp2 cp3 w1 w2" inventory.yml more-control-planes.yml
	refused
	echo "vagrant: $(vagrant --version): the Vagrantfile is valid, and has the hosts of its inventories"
}

install_vagrant() {
	local line="apt-get install --no-install-recommends vagrant" root=()
	[ "$(id -u)" = 0 ] || root=(sudo)
	{
		command -v apt-get >/dev/null && "${root[@]}" apt-get update -qq &&
			"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends vagrant >/dev/null
	} || { echo "$TIER needs vagrant: $line" >&2; exit 1; }
}

# Machines, as vagrant names them while it validates.
machines() { sed -nE 's/^==> ([a-z0-9]+): Ignoring provider config.*/\1/p' "$WORK/output" | sort | paste -sd' '; }

accepted() { # CONTROL_PLANES NODES INVENTORY…
	local control_planes=$1 nodes=$2 inventory arguments=() hosts
	shift 2
	for inventory in "$@"; do arguments+=(--inventory "$WORK/vagrant/$inventory"); done
	(cd "$WORK/vagrant" && CONTROL_PLANES=$control_planes vagrant validate --no-color --ignore-provider) >"$WORK/output" 2>&1 ||
		{ cat "$WORK/output" >&2; exit 1; }
	hosts=$(cd "$WORK" && XDG_STATE_HOME=$WORK "$BINARY" inventory --list "${arguments[@]}" |
		jq -r '(.control_plane.hosts + .workers.hosts)[]' | sort | paste -sd' ')
	if [ "$(machines)" != "$nodes" ] || [ "$hosts" != "$nodes" ]; then
		echo "vagrant: wanted $nodes; the Vagrantfile has $(machines), the inventories have $hosts" >&2
		exit 1
	fi
}

# It would notice.
refused() {
	sed -i 's/vm\.hostname/vm.hostnam/' "$WORK/vagrant/Vagrantfile"
	if (cd "$WORK/vagrant" && vagrant validate --no-color --ignore-provider) >"$WORK/output" 2>&1 ||
		! grep -q "shouldn't exist: hostnam" "$WORK/output"; then
		echo "vagrant: a misspelt setting was not refused:" >&2
		cat "$WORK/output" >&2
		exit 1
	fi
}
