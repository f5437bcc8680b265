# shellcheck shell=bash disable=SC2153
# The upgrade of a cluster that serves while it is upgraded, and everything that must be true of it. Every check is made,
# so that one run shows all that is wrong.

WRONG=0

expect() { # WHAT WANTED GOT
	if [ "$2" = "$3" ]; then
		echo "  right  $1: $3"
	else
		echo "  WRONG  $1: wanted «$2», got «$3»"
		WRONG=$((WRONG + 1))
	fi
}

expect_range() { # WHAT LEAST MOST GOT
	if [[ $4 =~ ^[0-9]+$ ]] && [ "$4" -ge "$2" ] && [ "$4" -le "$3" ]; then
		expect "$1 ($2 to $3)" "$4" "$4"
	else
		expect "$1" "$2 to $3" "$4"
	fi
}

# The cluster that is up: MASTERS, WORKERS and NODES are its nodes.
upgrade() {
	local last=${WORKERS[-1]} logs=$LOGS/${#MASTERS[@]}+${#WORKERS[@]} code=0 begin first_pods end
	prove_judgement
	rm -rf "$logs"
	mkdir -p "$logs/home"
	deploy
	kubectl cordon "$last" >/dev/null
	first_pods=$(pods_of_web)
	start_observing "$logs/observed"

	say "mainstay upgrade --to $TO; its output: $logs/first.log"
	begin=$SECONDS
	mainstay_upgrade "$logs" first || code=$?
	end=$(date +%s%3N)
	say "ended after $((SECONDS - begin)) s with exit code $code; load of the machine: $(cut -d" " -f1-3 /proc/loadavg), cores: $(nproc)"
	sleep 1
	end_background

	WRONG=0
	expect "exit code" 0 "$code"
	check_versions
	check_nodes "$last"
	check_commands
	check_service "$logs/observed" "$end" "$first_pods"
	check_second_run "$logs"
	[ "$WRONG" = 0 ] || fail "$WRONG things are wrong after the upgrade of ${#MASTERS[@]}+${#WORKERS[@]}; logs are in $logs"
}

deploy() {
	sed "s#@PAUSE@#registry.k8s.io/pause:$(tag "$FROM" pause)#" "$BED/workload.yml" | kubectl apply --filename - >/dev/null
	kubectl rollout status deployment/web --timeout 120s --request-timeout 0 >/dev/null
}

# With nothing of this machine's own settings. In the background, for what ends this script must not wait for it.
mainstay_upgrade() { # LOGS NAME
	in_background env -i PATH="$PATH" HOME="$1/home" XDG_STATE_HOME="$1/state" \
		"$BINARY" upgrade --to "$TO" --yes --inventory "$STATE/inventory.yml" >"$1/$2.log" 2>&1 </dev/null
	wait "${BACKGROUND[-1]}"
}

pods_of_web() { kubectl get pods --selector app=web --output json | jq -r '.items[].metadata.uid' | sort; }

distinct() { sort | uniq -c | awk '{ $1 = $1; print }' | paste -sd, ; }

check_versions() {
	local masters=${#MASTERS[@]} all=${#NODES[@]} pods program image
	expect "kubelets, as the nodes say" "$all v$TO" "$(kubectl get nodes --output json | jq -r '.items[].status.nodeInfo.kubeletVersion' | distinct)"
	pods=$(kubectl --namespace kube-system get pods --output json)
	for program in kube-apiserver kube-controller-manager kube-scheduler etcd; do
		image=$program:v$TO
		[ $program != etcd ] || image=etcd:$(tag "$TO" etcd)
		expect "$program, running and ready" "$masters registry.k8s.io/$image true" "$(jq -r --arg component "$program" '
			.items[] | select(.metadata.labels.component == $component) | .status.containerStatuses[]? | "\(.image) \(.ready)"' <<<"$pods" | distinct)"
	done
	expect "kube-proxy" "$all registry.k8s.io/kube-proxy:v$TO true" "$(jq -r '
		.items[] | select(.metadata.labels["k8s-app"] == "kube-proxy") | .status.containerStatuses[] | "\(.image) \(.ready)"' <<<"$pods" | distinct)"
}

check_nodes() { # HAND-CORDONED-NODE
	local nodes node
	nodes=$(kubectl get nodes --output json)
	expect "nodes that are cordoned" "$1" "$(jq -r '.items[] | select(.spec.unschedulable) | .metadata.name' <<<"$nodes" | paste -sd' ')"
	expect "nodes that are Ready" "${#NODES[@]}" "$(jq '[.items[] | select(.status.conditions[] | .type == "Ready" and .status == "True")] | length' <<<"$nodes")"
	expect "annotations left by mainstay" "0" "$(jq '[.items[].metadata.annotations // {} | keys[] | select(startswith("mainstay"))] | length' <<<"$nodes")"
	for node in "${NODES[@]}"; do
		expect "packages held on $node" "kubeadm kubectl kubelet" "$(on "$node" apt-mark showhold | sort | paste -sd' ')"
	done
}

# What systemd of each node says that it started. The first control plane is mainstay's choice.
check_commands() {
	local node masters workers
	masters=$(for node in "${MASTERS[@]}"; do kubeadm_commands "$node"; done | distinct)
	workers=$(for node in "${WORKERS[@]}"; do kubeadm_commands "$node"; done | distinct)
	if [ ${#MASTERS[@]} = 1 ]; then
		expect "kubeadm on control planes" "1 apply" "$masters"
	else
		expect "kubeadm on control planes" "1 apply,$((${#MASTERS[@]} - 1)) node" "$masters"
	fi
	expect "kubeadm on workers" "${#WORKERS[@]} node" "$workers"
}
kubeadm_commands() { # NODE
	on "$1" journalctl --output cat --unit mainstay-kubeadm-upgrade | sed -nE 's/^Started .*kubeadm upgrade ([a-z]+) .*/\1/p'
}

check_service() { # DIRECTORY END-IN-MS FIRST-PODS
	# Three, when a pod had to go: whoever has not seen that has not watched.
	expect "fewest ready pods, by the watches" 3 "$(fewest_ready "$1"/watch.*)"
	expect_range "fewest ready pods, when asked" 3 4 "$(fewest_ready "$1"/poll.*)"
	expect_range "seconds in which nobody asked" 0 10 "$(longest_silence "$2" "$1"/poll.*)"
	expect "API servers that were seen going away" "${#MASTERS[@]}" "$(went_away "$1"/poll.*)"
	[ ${#MASTERS[@]} = 1 ] || expect "times that two API servers were away" 0 "$(away_together "$1"/poll.*)"
	# Every node was drained, so every pod has moved.
	expect "pods of the beginning that are left" 0 "$(comm -12 <(echo "$3") <(pods_of_web) | wc -l)"
	expect "pods at the end" 4 "$(pods_of_web | wc -l)"
}

check_second_run() { # LOGS
	local code=0 before begin seconds
	wait_until_ready
	before=$(fingerprint)
	begin=$SECONDS
	mainstay_upgrade "$1" second || code=$?
	seconds=$((SECONDS - begin))
	end_background
	expect "exit code of the second run" 0 "$code"
	expect "times that it says so" 1 "$(grep -cx "every node is at v$TO: nothing to do" "$1/second.log")"
	expect_range "its seconds" 0 10 "$seconds"
	diff <(echo "$before") <(fingerprint) >"$1/second.diff" || true
	expect "lines of difference that it made" 0 "$(wc -l <"$1/second.diff")"
}

# What a run that changes nothing leaves as it is: nodes, pods, configuration, kubelets, packages.
fingerprint() {
	local node
	kubectl get nodes --output json | jq -cS '.items[] | {spec, m: (.metadata | {uid, labels, annotations}), v: .status.nodeInfo}'
	kubectl get pods --all-namespaces --output json | jq -cS '.items[] | [.metadata.uid, .spec.nodeName, (.status.containerStatuses[] | {image, restartCount, containerID})]'
	kubectl get configmaps,daemonsets,deployments --all-namespaces --output json | jq -cS '.items[] | [.kind, .metadata.name, .metadata.uid, (.data // .spec)]'
	for node in "${NODES[@]}"; do
		on "$node" sh -c 'systemctl show kubelet --property ExecMainStartTimestamp; dpkg -l kubeadm kubelet kubectl; apt-mark showhold
			ls -lR --full-time /etc/apt /etc/kubernetes'
	done
}
