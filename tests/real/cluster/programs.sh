# shellcheck shell=bash
# Kubernetes, etcd, CoreDNS and containerd, built from their Go modules: static binaries of the real programs.

KUBERNETES=(kubeadm kubelet kubectl kube-apiserver kube-controller-manager kube-scheduler kube-proxy)

# compile DIRECTORY PROGRAM PACKAGE [FLAG…]: in the module of that directory, whose go.mod is completed on the way. Never
# half a program.
compile() {
	local directory=$1 program=$2 package=$3
	shift 3
	[ ! -x "$directory/$program" ] || return 0
	need_go
	say "building $program in ${directory##*/}"
	(cd "$directory" && CGO_ENABLED=0 go build -mod=mod "$@" -o "$program.part" "$package") ||
		fail "$package could not be built; once more: tests/real/run cluster build"
	mv "$directory/$program.part" "$directory/$program"
}

# The module requires Kubernetes as any program may. Its staging repositories, which it replaces by directories of its own,
# are published as versions v0.N.P.
kubernetes_module() { # VERSION
	local file
	file=$(go mod download -json "k8s.io/kubernetes@v$1" | jq -r .GoMod)
	echo 'module bed'
	grep -E '^go ' "$file"
	echo "require k8s.io/kubernetes v$1"
	sed -nE "s#^[[:space:]]*(replace )?(k8s\.io/[a-z0-9-]+) => \./staging/.*#replace \2 => \2 v0.${1#1.}#p" "$file"
}

build_kubernetes() { # VERSION
	local version=$1 directory=$BUILT/kubernetes-$1 program stamp=k8s.io/component-base/version
	local minor=${1#1.}
	local flags="-s -w -X $stamp.gitVersion=v$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=${minor%%.*}
		-X $stamp.gitTreeState=clean -X $stamp.gitCommit=unknown -X $stamp.buildDate=2026-01-01T00:00:00Z"
	mkdir -p "$directory"
	for program in "${KUBERNETES[@]}"; do
		[ ! -x "$directory/$program" ] || continue
		need_go
		[ -s "$directory/go.mod" ] || kubernetes_module "$version" >"$directory/go.mod.part"
		[ ! -e "$directory/go.mod.part" ] || mv "$directory/go.mod.part" "$directory/go.mod"
		compile "$directory" "$program" "k8s.io/kubernetes/cmd/$program" -ldflags "$flags"
	done
}

# tag VERSION IMAGE: the tag with which that release of kubeadm wants an image, such as 3.7.0-0 for etcd.
tag() {
	"$BUILT/kubernetes-$1/kubeadm" config images list --kubernetes-version "v$1" 2>/dev/null |
		sed -nE "s#^.*/$2:(.*)\$#\1#p" | grep .
}

# module NAME MODULE@VERSION…: a directory with a module that requires these.
module() {
	local directory=$BUILT/$1 one
	shift
	mkdir -p "$directory"
	[ -s "$directory/go.mod" ] || {
		printf 'module bed\n\ngo 1.24.0\n\n'
		for one in "$@"; do echo "require ${one/@/ }"; done
	} >"$directory/go.mod"
}

# What a release of Kubernetes is run with.
build_companions() { # VERSION
	local etcd dns directory program
	etcd=$(tag "$1" etcd) dns=$(tag "$1" coredns)
	etcd=${etcd%-*}
	directory=$BUILT/etcd-$etcd
	module "etcd-$etcd" "go.etcd.io/etcd/server/v3@v$etcd" "go.etcd.io/etcd/etcdctl/v3@v$etcd" "go.etcd.io/etcd/etcdutl/v3@v$etcd"
	compile "$directory" etcd go.etcd.io/etcd/server/v3 -ldflags "-s -w"
	for program in etcdctl etcdutl; do compile "$directory" $program "go.etcd.io/etcd/$program/v3" -ldflags "-s -w"; done
	module "coredns-$dns" "github.com/coredns/coredns@$dns"
	compile "$BUILT/coredns-$dns" coredns github.com/coredns/coredns -ldflags "-s -w"
}

build_containerd() {
	local program module=github.com/containerd/containerd/v2
	module "containerd-$CONTAINERD" "$module@v$CONTAINERD"
	for program in containerd containerd-shim-runc-v2 ctr; do
		compile "$BUILT/containerd-$CONTAINERD" $program "$module/cmd/$program" \
			-tags "no_btrfs no_devmapper no_zfs" -ldflags "-s -w -X $module/version.Version=$CONTAINERD"
	done
}
