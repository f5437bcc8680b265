# shellcheck shell=bash
# The container images of a release, each one layer with a static program, in two archives that containerd imports: what
# every node needs, and what a control plane needs besides. No image of docker's is made or changed.

build_images() { # VERSION
	local version=$1 directory=$BUILT/images/v$1 kubernetes=$BUILT/kubernetes-$1 work program etcd dns
	[ ! -s "$directory/control-plane.tar" ] || return 0
	say "packing images of $version"
	etcd=$(tag "$version" etcd) dns=$(tag "$version" coredns)
	work=$(mktemp -d)
	mkdir -p "$directory"

	program_root "$work/coredns" "$BUILT/coredns-$dns/coredns"
	add_image "$work/every-node" "coredns/coredns:$dns" "$work/coredns" '["/usr/local/bin/coredns"]'
	build_pause "$work/pause"
	add_image "$work/every-node" "pause:$(tag "$version" pause)" "$work/pause" '["/usr/local/bin/pause"]'
	proxy_root "$work/proxy" "$kubernetes/kube-proxy"
	add_image "$work/every-node" "kube-proxy:v$version" "$work/proxy" null
	archive "$work/every-node" "$directory/every-node.tar"

	for program in kube-apiserver kube-controller-manager kube-scheduler; do
		program_root "$work/$program" "$kubernetes/$program"
		add_image "$work/control-plane" "$program:v$version" "$work/$program" null
	done
	program_root "$work/etcd" "$BUILT/etcd-${etcd%-*}"/{etcd,etcdctl,etcdutl}
	add_image "$work/control-plane" "etcd:$etcd" "$work/etcd" null
	archive "$work/control-plane" "$directory/control-plane.tar"
	rm -rf "$work"
}

program_root() { # ROOT PROGRAM…
	mkdir -p "$1/tmp"
	install -D -t "$1/usr/local/bin" "${@:2}"
}

# kubeadm runs it with -v as a job, which must end.
build_pause() { # ROOT
	mkdir -p "$BUILT/pause"
	[ -s "$BUILT/pause/go.mod" ] || printf 'module pause\n\ngo 1.21\n' >"$BUILT/pause/go.mod"
	cp "$BED/images/pause.go" "$BUILT/pause/"
	compile "$BUILT/pause" pause . -ldflags "-s -w"
	program_root "$1" "$BUILT/pause/pause"
}

# kube-proxy calls iptables, which loads a plugin for each match and target: they come from the node's Debian, with every
# library that one of them is linked to.
proxy_root() { # ROOT PROGRAM
	program_root "$1" "$2"
	mkdir -p "$1/run"
	# shellcheck disable=SC2016
	docker run --rm --network none "$NAME-debian" sh -euc '
		cd /
		programs= plugins=$(echo usr/lib/*/xtables)
		for name in iptables iptables-save iptables-restore; do programs="$programs usr/sbin/$name usr/sbin/ip6${name#ip}"; done
		libraries=$(ldd $programs $plugins/*.so | sed -nE "s/.*[[:space:]]\/([^ ]*) \(0x.*/\1/p" | sort -u)
		tar --create --dereference $programs $plugins $libraries' | tar -x -C "$1"
}

# add_image STAGE NAME:TAG ROOT ENTRYPOINT: one layer, its configuration, and a line of the manifest.
add_image() {
	local layer config
	mkdir -p "$1"
	tar -C "$3" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf "$1/layer" .
	layer=$(sha256sum <"$1/layer" | cut -d' ' -f1)
	mv "$1/layer" "$1/$layer.tar"
	jq -nc --arg architecture "$(dpkg --print-architecture)" --arg layer "sha256:$layer" --argjson entrypoint "$4" '{
		$architecture, os: "linux", config: {Env: ["PATH=/usr/local/bin:/usr/sbin"], Entrypoint: $entrypoint},
		rootfs: {type: "layers", diff_ids: [$layer]}}' >"$1/config"
	config=$(sha256sum <"$1/config" | cut -d' ' -f1)
	mv "$1/config" "$1/$config.json"
	jq -nc --arg config "$config.json" --arg name "registry.k8s.io/$2" --arg layer "$layer.tar" \
		'{Config: $config, RepoTags: [$name], Layers: [$layer]}' >>"$1/manifest"
}

archive() { # STAGE FILE
	jq -sc . "$1/manifest" >"$1/manifest.json"
	rm "$1/manifest"
	tar -C "$1" -cf "$2.part" .
	mv "$2.part" "$2"
}
