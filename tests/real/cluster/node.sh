# shellcheck shell=bash
# The image of a node: a Debian of its own, and on it what node/Dockerfile says.

# As a file, so that it is made once; and as an image of docker's.
build_debian() {
	local packages=systemd,systemd-sysv,dbus,openssh-server,sudo,procps,kmod,iproute2,iptables,nftables,conntrack
	packages+=,socat,ethtool,runc,libseccomp2,containernetworking-plugins
	if [ ! -s "$BUILT/debian.tar" ]; then
		say "debootstrap $DEBIAN"
		local root
		root=$(mktemp -d)
		as_root debootstrap --variant=minbase --keyring="$KEYRING" --include="$packages" "$DEBIAN" "$root/debian" >"$BUILT/debootstrap.log" 2>&1 || {
			as_root rm -rf "$root"
			fail "debootstrap failed: $(tail -n 3 "$BUILT/debootstrap.log")"
		}
		as_root tar -C "$root/debian" --exclude=./var/cache/apt/archives/*.deb --exclude='./dev/*' -c . >"$BUILT/debian.tar.part"
		as_root rm -rf "$root"
		mv "$BUILT/debian.tar.part" "$BUILT/debian.tar"
	fi
	docker image inspect "$NAME-debian" >/dev/null 2>&1 || docker import - "$NAME-debian" <"$BUILT/debian.tar" >/dev/null
}

# Docker does again only what has changed.
build_node() {
	local context
	context=$(mktemp -d)
	cp -r "$BED/node/." "$context"
	mkdir -p "$context/containerd" "$context/packages"
	cp "$BUILT/containerd-$CONTAINERD"/{containerd,containerd-shim-runc-v2,ctr} "$context/containerd/"
	cp "$(repository "$FROM")"/*.deb "$context/packages/"
	sed -i "s#@PAUSE@#registry.k8s.io/pause:$(tag "$FROM" pause)#" "$context/files/etc/containerd/config.toml"
	docker build --quiet --network none --build-arg "DEBIAN=$NAME-debian" --build-arg "MINOR=${FROM%.*}" --tag "$NAME-node" "$context" \
		>"$BUILT/node.log" 2>&1 || { rm -rf "$context"; cat "$BUILT/node.log" >&2; fail "the image of a node could not be built"; }
	rm -rf "$context"
}
