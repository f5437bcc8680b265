# shellcheck shell=bash disable=SC2153
# The tier `api`, read by tests/real/run: a real kube-apiserver with etcd and kube-controller-manager, built from their Go
# modules, on loopback ports that are free; what the lab's API server claims is asked of both.

KUBERNETES=1.36.3
ETCD=3.6.8
PROGRAMS=(kube-apiserver kube-controller-manager kubectl)

# kubernetes: ordinary `go build`, once every staging repository is replaced by its release.
build_kubernetes() {
	local dir=$CACHE/kubernetes-$KUBERNETES mod program version=k8s.io/component-base/version
	[ ! -x "$dir/bin/kubectl" ] || return 0
	echo "api: building Kubernetes $KUBERNETES (10 minutes, once)"
	mkdir -p "$dir/bin"
	(
		cd "$dir"
		mod=$(go mod download -json "k8s.io/kubernetes@v$KUBERNETES" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
		{
			printf 'module programs\n'
			grep -E '^go ' "$mod"
			printf 'require k8s.io/kubernetes v%s\n' "$KUBERNETES"
			sed -nE "s#^\s*(replace )?(k8s.io/[a-z0-9-]+) => ./staging/.*#replace \2 => \2 v0.${KUBERNETES#1.}#p" "$mod"
		} >go.mod
		{
			printf '//go:build tools\n\npackage tools\n\nimport (\n'
			for program in "${PROGRAMS[@]}"; do printf '\t_ "k8s.io/kubernetes/cmd/%s"\n' "$program"; done
			printf ')\n'
		} >tools.go
		go mod tidy -e >tidy.log 2>&1 || true # it also complains about tests of modules that are not needed
		for program in "${PROGRAMS[@]}"; do
			CGO_ENABLED=0 go build -ldflags "-s -w -X $version.gitVersion=v$KUBERNETES -X $version.gitMajor=1 -X $version.gitMinor=36" \
				-o bin/ "k8s.io/kubernetes/cmd/$program"
		done
	)
}

build_etcd() {
	local dir=$CACHE/etcd-$ETCD
	[ ! -x "$dir/etcd" ] || return 0
	echo "api: building etcd $ETCD"
	mkdir -p "$dir"
	(
		cd "$dir"
		printf 'module programs\n\ngo 1.24.0\n' >go.mod
		printf '//go:build tools\n\npackage tools\n\nimport _ "go.etcd.io/etcd/server/v3"\n' >tools.go
		go get "go.etcd.io/etcd/server/v3@v$ETCD" 2>/dev/null
		CGO_ENABLED=0 go build -ldflags '-s -w' -o etcd go.etcd.io/etcd/server/v3
	)
}

# sign NAME SUBJECT EXTENSIONS: a key and a certificate of the cluster.
sign() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$BED/$1.key" -out "$BED/$1.csr" -subj "$2" 2>/dev/null
	printf '%b' "$3" >"$BED/$1.ext"
	openssl x509 -req -in "$BED/$1.csr" -CA "$BED/ca.crt" -CAkey "$BED/ca.key" -CAcreateserial -days 2 -out "$BED/$1.crt" \
		-extfile "$BED/$1.ext" 2>/dev/null
}

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start NAME COMMAND…: in the background, with a log; its process is ended with the bed.
start() {
	local name=$1
	shift
	"$@" >"$BED/$name.log" 2>&1 </dev/null &
	echo $! >"$BED/$name.pid"
}

stop() {
	[ ! -f "$BED/$1.pid" ] || { kill "$(cat "$BED/$1.pid")" 2>/dev/null || true; wait "$(cat "$BED/$1.pid")" 2>/dev/null || true; rm -f "$BED/$1.pid"; }
}

# await NAME COMMAND…: until it succeeds; NAME's log is shown if it does not.
await() {
	local name=$1 n
	shift
	for n in $(seq 300); do
		! "$@" >/dev/null 2>&1 || return 0
		[ "$n" != 300 ] || { echo "api: $name does not answer:" >&2; tail -n 20 "$BED/$name.log" >&2; exit 1; }
		sleep 0.2
	done
}

close_api() {
	local code=$? name
	[ "$code" = 0 ] || ! [ -f "$BED/apiserver.log" ] || { echo 'api: the last of the server:' >&2; tail -n 20 "$BED/apiserver.log" >&2; }
	for name in lab controllers apiserver etcd; do stop "$name"; done
	rm -rf "$BED"
}

# In its own file, because a test kills the server and starts it again.
write_apiserver() {
	cat >"$BED/apiserver" <<-END
		#!/bin/sh
		exec "$CACHE/kubernetes-$KUBERNETES/bin/kube-apiserver" --etcd-servers=http://127.0.0.1:$1 \\
			--bind-address=127.0.0.1 --secure-port=$2 --tls-cert-file=$BED/server.crt --tls-private-key-file=$BED/server.key \\
			--client-ca-file=$BED/ca.crt --service-account-issuer=https://kubernetes.default.svc \\
			--service-account-key-file=$BED/sa.key --service-account-signing-key-file=$BED/sa.key \\
			--service-cluster-ip-range=10.96.0.0/16 --authorization-mode=RBAC --disable-admission-plugins=ServiceAccount \\
			--endpoint-reconciler-type=none --shutdown-delay-duration=0s
	END
	# The port is free when the old one is wholly gone: one that came too early ends, and the next is tried.
	cat >"$BED/restart" <<-END
		#!/bin/sh
		kill -9 "\$(cat $BED/apiserver.pid)"
		for one in 1 2 3 4 5; do
			setsid $BED/apiserver >>$BED/apiserver.log 2>&1 </dev/null &
			echo \$! >$BED/apiserver.pid
			while kill -0 \$! 2>/dev/null; do
				! "$CACHE/kubernetes-$KUBERNETES/bin/kubectl" --kubeconfig $BED/admin.conf get --raw /readyz >/dev/null 2>&1 || exit 0
				sleep 0.2
			done
		done
		exit 1
	END
	chmod +x "$BED/apiserver" "$BED/restart"
}

write_kubeconfig() {
	cat >"$BED/admin.conf" <<-END
		apiVersion: v1
		kind: Config
		clusters:
		- name: real
		  cluster:
		    certificate-authority-data: $(base64 -w0 "$BED/ca.crt")
		    server: https://localhost:$1
		contexts:
		- name: real
		  context: {cluster: real, user: admin}
		current-context: real
		users:
		- name: admin
		  user:
		    client-certificate-data: $(base64 -w0 "$BED/admin.crt")
		    client-key-data: $(base64 -w0 "$BED/admin.key")
	END
}

# controllers NAME…: these and no others.
controllers() {
	stop controllers
	local IFS=,
	start controllers "$CACHE/kubernetes-$KUBERNETES/bin/kube-controller-manager" --kubeconfig "$BED/admin.conf" \
		--leader-elect=false --secure-port=0 --controllers="$*"
}

start_real() {
	local client peer port
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$BED/ca.key" -out "$BED/ca.crt" \
		-subj /CN=kubernetes -days 2 2>/dev/null
	sign server /CN=kube-apiserver 'subjectAltName=DNS:localhost,DNS:kubernetes,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n'
	sign admin /O=system:masters/CN=admin 'extendedKeyUsage=clientAuth\n'
	openssl genrsa -out "$BED/sa.key" 2048 2>/dev/null
	client=$(free_port) peer=$(free_port) port=$(free_port)
	start etcd "$CACHE/etcd-$ETCD/etcd" --data-dir "$BED/etcd" --listen-client-urls "http://127.0.0.1:$client" \
		--advertise-client-urls "http://127.0.0.1:$client" --listen-peer-urls "http://127.0.0.1:$peer"
	write_apiserver "$client" "$port"
	write_kubeconfig "$port"
	start apiserver "$BED/apiserver"
	await apiserver kube get --raw /readyz
}

kube() { "$CACHE/kubernetes-$KUBERNETES/bin/kubectl" --kubeconfig "$BED/${CONFIG:-admin.conf}" "$@"; }

# refused TEXT COMMAND…: it fails and says so.
refused() {
	local text=$1 said
	shift
	! said=$("$@" 2>&1) || { echo "api: done, but should have been refused: $*" >&2; exit 1; }
	grep -qF "$text" <<<"$said" || { echo "api: $* said: $said" >&2; exit 1; }
}

# What people type, against the lab; each line must succeed and take effect.
stock_kubectl() {
	local CONFIG=lab.conf node
	mkfifo "$BED/held"
	start lab sh -c 'exec "$0" "$1" <"$2"' "$1" "$BED/lab.conf" "$BED/held"
	exec 3>"$BED/held" # the example serves until its standard input ends
	await lab kube wait --for=condition=Ready node --all --timeout=5s
	kube create deployment web --image=registry.example/web:1 --replicas=3
	kube rollout status deployment/web --timeout=60s
	kube create poddisruptionbudget web --selector=app=web --max-unavailable=1
	kube cordon w1
	kube get nodes | grep -q '^w1 *Ready,SchedulingDisabled'
	kube drain w2 --timeout=120s
	[ -z "$(kube get pods --field-selector spec.nodeName=w2 -o name)" ]
	kube uncordon w1 w2
	kube set image deployment/web web=registry.example/web:2
	kube rollout status deployment/web --timeout=60s
	kube rollout undo deployment/web
	kube scale deployment/web --replicas=1
	kube wait --for=jsonpath='{.status.readyReplicas}'=1 deployment/web --timeout=60s
	printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n' | kube apply -f -
	printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {c: d}\n' | kube apply -f -
	[ "$(kube get configmap c -o jsonpath='{.data}')" = '{"c":"d"}' ]
	kube label node w3 zone=a
	kube annotate node w3 note=b
	kube taint node w3 key=value:NoSchedule
	kube taint node w3 key-
	kube describe node w3 | grep -q '^Taints: *<none>'
	kube patch deployment web -p '{"spec":{"replicas":2}}'
	# What drain refuses it refuses here, and a budget keeps it waiting.
	kube run alone --image=registry.example/alone:1
	kube wait --for=condition=Ready pod/alone --timeout=60s
	node=$(kube get pod alone -o jsonpath='{.spec.nodeName}')
	refused 'cannot delete Pods that declare no controller' kube drain "$node"
	kube drain "$node" --force --timeout=60s
	kube uncordon "$node"
	kube patch poddisruptionbudget web -p '{"spec":{"maxUnavailable":0}}'
	kube wait --for=jsonpath='{.status.disruptionsAllowed}'=0 poddisruptionbudget/web --timeout=20s
	node=$(kube get pods -l app=web -o jsonpath='{.items[0].spec.nodeName}')
	refused "would violate the pod's disruption budget" kube drain "$node" --timeout=3s
	kube uncordon "$node"
	refused 'pods/log is not supported by the lab' kube logs "$(kube get pods -l app=web -o name | head -n 1)"
	kube delete deployment web --timeout=60s
	kube wait --for=delete pod -l app=web --timeout=60s
	kube create namespace n
	kube delete namespace n --timeout=60s
	exec 3>&-
}

api() {
	need go golang
	need openssl openssl
	need python3 python3
	mkdir -p "$CACHE"
	build_etcd
	build_kubernetes
	BED=$(mktemp -d)
	trap close_api EXIT
	cd "$HERE"
	local target
	target=$(realpath -m "${CARGO_TARGET_DIR:-$HERE/target}")
	cargo build -p mainstay-lab --example api
	stock_kubectl "$target/debug/examples/api"
	start_real
	controllers disruption-controller replicaset-controller deployment-controller daemonset-controller namespace-controller \
		garbage-collector-controller
	MAINSTAY_TEST_KUBECONFIG=$BED/admin.conf cargo test -p mainstay-lab --test api -- --test-threads=4
	controllers disruption-controller replicaset-controller daemonset-controller
	export MAINSTAY_TEST_KUBECONFIG=$BED/admin.conf MAINSTAY_TEST_RESTART=$BED/restart
	cargo test -p mainstay --lib cluster::live_tests -- --ignored --skip restart
	cargo test -p mainstay --lib cluster::live_tests::a_drain_and_a_lease_outlive_a_restart -- --ignored
}

# The shapes of objects, crates/lab/src/store/schema.json, of the server in KUBECONFIG: what its OpenAPI document says of the
# kinds that the lab serves and of what they consist of; and crates/lab/src/api/numbers.txt, the numbers of their fields in
# protobuf, from the modules of that release: NAME=NUMBER, and NAME=NUMBER:TYPE where the fields of TYPE are the message's own.
schema() {
	need jq jq
	need kubectl kubernetes-client
	need go golang
	local module dirs=() package
	for module in api apimachinery; do
		dirs+=("$(cd / && go mod download -json "k8s.io/$module@v0.${KUBERNETES#1.}" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')")
	done
	for package in core apps batch coordination policy storage scheduling autoscaling; do
		cat "${dirs[0]}/$package/v1/generated.proto"
	done | cat - "${dirs[1]}/pkg/apis/meta/v1/generated.proto" | awk '
		/^package / { package = $2; gsub(/;/, "", package); sub(/^k8s\.io\./, "", package) }
		/^message / { line = package "." $2 }
		/^  (optional|repeated|map<)/ {
			sub(/^  map<[^>]*>/, "  map map"); gsub(/;/, "")
			own = $3 ~ /^(localObjectReference|volumeSource|handler|persistentVolumeSource|ephemeralContainerCommon)$/
			line = line " " $3 "=" $5 (own ? ":" package "." $2 : "")
		}
		/^}/ { if (line) print line; line = "" }' >"$HERE/crates/lab/src/api/numbers.txt"
	kubectl get --raw /openapi/v2 | jq -c '
		def short: ltrimstr("#/definitions/") | ltrimstr("io.k8s.");
		def words: ["$ref", "type", "format", "properties", "items", "additionalProperties", "required",
			"x-kubernetes-patch-merge-key", "x-kubernetes-patch-strategy"];
		def cut: . as $s | [words[] as $w | select($s | has($w)) | {key: $w, value: $s[$w]} |
			if .key == "$ref" then .value |= short
			elif .key == "properties" then .value |= map_values(cut)
			elif .key == "items" or .key == "additionalProperties" then .value |= cut
			else . end] | from_entries;
		def refs: [.. | objects | .["$ref"]? | strings];
		(.definitions | with_entries(.key |= ltrimstr("io.k8s.") | .value |= (cut + {kinds: .["x-kubernetes-group-version-kind"]}))) as $all |
		"ConfigMap Endpoints Event Namespace Node PersistentVolumeClaim PersistentVolume Pod ReplicationController Secret
			ServiceAccount Service Binding DeleteOptions" as $core |
		([$core | splits("\\s+") | {kind: ., group: ""}] +
		[["ControllerRevision", "apps"], ["DaemonSet", "apps"], ["Deployment", "apps"], ["ReplicaSet", "apps"],
			["StatefulSet", "apps"], ["Job", "batch"], ["Lease", "coordination.k8s.io"], ["PodDisruptionBudget", "policy"],
			["Eviction", "policy"], ["StorageClass", "storage.k8s.io"], ["VolumeAttachment", "storage.k8s.io"],
			["PriorityClass", "scheduling.k8s.io"], ["Scale", "autoscaling"] | {kind: .[0], group: .[1]}]) as $kinds |
		([$kinds[] | . as $k | {key: .kind, value: ($all | to_entries | map(select(.value.kinds // [] |
			any(. == {group: $k.group, version: "v1", kind: $k.kind}))) | .[0].key)}] | from_entries) as $roots |
		def reach: . as $have | ([$have[] | $all[.] | refs[]] + $have | unique) as $more |
			if ($more | length) == ($have | length) then $have else ($more | reach) end;
		{roots: $roots, definitions: ([$roots[]] | unique | reach | map({key: ., value: ($all[.] | del(.kinds))}) | from_entries)}' \
		>"$HERE/crates/lab/src/store/schema.json"
}
