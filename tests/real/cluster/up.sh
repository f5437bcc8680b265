# shellcheck shell=bash
# A running cluster of the version FROM: containers with systemd as process 1, joined by kubeadm.

# Checks of kubeadm that a container cannot pass.
IGNORED=SystemVerification,Swap,Mem,NumCPU,FileContent--proc-sys-net-bridge-bridge-nf-call-iptables

API=api.bed

# A node's number is the end of its address and the number of its pods' network: cp1 is 11, w3 is 23.
number() { case $1 in cp*) echo "1${1#cp}" ;; w*) echo "2${1#w}" ;; esac; }
address() { echo "$NET.$(number "$1")"; }
on() { docker exec -i "$NAME-$1" "${@:2}"; } # NODE COMMAND…

up() { # CONTROL_PLANES WORKERS
	[[ $1 =~ ^[1-9]$ && $2 =~ ^[0-9]$ ]] || fail "from 1 to 9 control planes, at most 9 workers; not $1 and $2"
	local node
	MASTERS=() WORKERS=()
	for node in $(seq "$1"); do MASTERS+=("cp$node"); done
	for node in $(seq "$2"); do WORKERS+=("w$node"); done
	NODES=("${MASTERS[@]}" "${WORKERS[@]}")
	down
	mkdir -p "$STATE" "$LOGS"
	ssh-keygen -q -t ed25519 -N '' -C "$NAME" -f "$STATE/id_ed25519"
	make_network
	for node in "${NODES[@]}"; do
		node_files "$node"
		start_node "$node"
	done
	wait_for_systemd
	import_images
	write_inventory "$@"
	start_kubernetes
	wait_until_ready
}

# Addresses of pods and services must never leave the machine, whatever a broken proxy does, and no node needs to.
make_network() {
	docker network create --subnet "$NET.0/24" --label "$NAME" --opt "com.docker.network.bridge.name=$BRIDGE" "$NAME" >/dev/null
	as_root iptables -I DOCKER-USER -i "$BRIDGE" ! -o "$BRIDGE" -j DROP
}

# What makes a node this one: its keys, its pods' network, and the way to those of the others. Mounted as /etc/bed.
node_files() { # NODE
	local directory=$STATE/nodes/$1 other
	mkdir -p "$directory"
	ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$directory/ssh_host_ed25519_key"
	echo "$(address "$1") $(cut -d' ' -f1,2 "$directory/ssh_host_ed25519_key.pub")" >>"$STATE/known_hosts"
	cp "$STATE/id_ed25519.pub" "$directory/authorized_keys"
	# For pods. The container's own name server is on a loopback address, at which CoreDNS would ask itself.
	echo "nameserver $NET.1" >"$directory/resolv.conf"
	sed "s/@NUMBER@/$(number "$1")/" "$BED/node/cni.conflist" >"$directory/cni.conflist"
	for other in "${NODES[@]}"; do
		[ "$other" = "$1" ] || echo "ip route replace 10.244.$(number "$other").0/24 via $(address "$other")"
	done >"$directory/routes"
}

# Capabilities by name, and no --privileged: the machine may lack some of them.
start_node() { # NODE
	local right rights=() master names=()
	for right in SYS_ADMIN NET_ADMIN NET_RAW SYS_PTRACE SYS_NICE IPC_LOCK DAC_READ_SEARCH LINUX_IMMUTABLE SYSLOG AUDIT_WRITE MKNOD; do
		rights+=(--cap-add "$right")
	done
	# Whoever wants the cluster tries one control plane after the other: a name with an address for each.
	for master in "${MASTERS[@]}"; do names+=(--add-host "$API:$(address "$master")"); done
	docker run --detach --name "$NAME-$1" --label "$NAME" --hostname "$1" --network "$NAME" --ip "$(address "$1")" "${rights[@]}" "${names[@]}" \
		--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined \
		--cgroupns private --device /dev/kmsg --device-cgroup-rule 'a *:* rwm' \
		--tmpfs /run --tmpfs /run/lock --tmpfs /tmp --volume /lib/modules:/lib/modules:ro \
		--volume "$STATE/nodes/$1:/etc/bed:ro" --volume "$BUILT/repository:/repository:ro" --volume "$BUILT/images:/images:ro" \
		"$NAME-node" >/dev/null
}

# eventually SECONDS WHAT COMMAND…: until the command succeeds, or fails at the deadline.
eventually() {
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >"$LOGS/eventually.log" 2>&1; do
		[ "$SECONDS" -lt "$end" ] || fail "$what: not in time; $(tail -n 3 "$LOGS/eventually.log")"
		sleep 0.5
	done
}

wait_for_systemd() {
	local node
	for node in "${NODES[@]}"; do
		eventually 60 "$node runs containerd and sshd" on "$node" systemctl is-active --quiet containerd ssh pod-routes
	done
}

# Of both versions, so that no registry is asked for any.
import_images() {
	local node version
	say "importing images"
	for version in "$FROM" "$TO"; do
		for node in "${NODES[@]}"; do import "$node" "$version" every-node; done
		for node in "${MASTERS[@]}"; do import "$node" "$version" control-plane; done
	done
}
import() { # NODE VERSION ARCHIVE
	on "$1" ctr -n k8s.io images import "/images/v$2/$3.tar" >"$LOGS/import.log" 2>&1 || fail "$1 cannot import $3 of $2; see $LOGS/import.log"
}

write_inventory() { # CONTROL_PLANES WORKERS
	local node
	{
		printf 'all:\n  vars:\n    ansible_user: ops\n'
		printf '    ansible_ssh_private_key_file: %s\n' "$STATE/id_ed25519"
		printf '    ansible_ssh_common_args: -o UserKnownHostsFile=%s\n' "$STATE/known_hosts"
		printf '    kubeadm_ignore_preflight_errors: [SystemVerification]   # the nodes are containers\n'
		printf '  children:\n    control_plane:\n      hosts:\n'
		for node in "${MASTERS[@]}"; do printf '        %s: {ansible_host: %s}\n' "$node" "$(address "$node")"; done
		printf '    workers:\n      hosts:\n'
		for node in "${WORKERS[@]}"; do printf '        %s: {ansible_host: %s}\n' "$node" "$(address "$node")"; done
	} >"$STATE/inventory.yml"
}

start_kubernetes() {
	local kubeadm=$BUILT/kubernetes-$FROM/kubeadm token key node more
	token=$("$kubeadm" token generate) key=$("$kubeadm" certs certificate-key)
	sed -e "s/@VERSION@/v$FROM/; s/@ENDPOINT@/$API:6443/; s/@TOKEN@/$token/; s/@KEY@/$key/; s/@IGNORED@/$IGNORED/" \
		"$BED/node/kubeadm.yaml" >"$STATE/kubeadm.yaml"
	say "kubeadm init"
	on cp1 sh -c 'umask 077; cat >/root/kubeadm.yaml' <"$STATE/kubeadm.yaml"
	kubeadm cp1 init --config /root/kubeadm.yaml --upload-certs
	(umask 077 && on cp1 sed "s/$API/$(address cp1)/" /etc/kubernetes/admin.conf >"$STATE/admin.conf")
	for node in "${NODES[@]:1}"; do
		say "joining $node"
		more=()
		[[ $node != cp* ]] || more=(--control-plane --certificate-key "$key")
		kubeadm "$node" join "$API:6443" --token "$token" --discovery-token-unsafe-skip-ca-verification \
			--ignore-preflight-errors "$IGNORED" "${more[@]}"
	done
}
kubeadm() { # NODE ARGUMENT…
	on "$1" kubeadm "${@:2}" >"$LOGS/kubeadm.$1.log" 2>&1 || { tail -n 5 "$LOGS/kubeadm.$1.log" >&2; fail "kubeadm $2 failed on $1; see $LOGS/kubeadm.$1.log"; }
}

wait_until_ready() {
	say "waiting for every pod"
	local patience=(--timeout 180s --request-timeout 0)
	{
		kubectl wait --for condition=Ready node --all "${patience[@]}"
		kubectl -n kube-system rollout status daemonset/kube-proxy "${patience[@]}"
		kubectl -n kube-system rollout status deployment/coredns "${patience[@]}"
		kubectl -n kube-system wait --for condition=Ready pod --all "${patience[@]}"
	} >"$LOGS/wait.log"
}

# A root shell on a node, or one command.
open_shell() { # [NODE [COMMAND…]]
	[ -e "$STATE/inventory.yml" ] || fail "no cluster is up: tests/real/run cluster up"
	local node=${1:-cp1} terminal=()
	[ $# = 0 ] || shift
	[ ! -t 0 ] || terminal=(-t)
	docker exec -i "${terminal[@]}" "$NAME-$node" "${@:-bash}"
}
