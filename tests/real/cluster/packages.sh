# shellcheck shell=bash
# kubeadm, kubelet and kubectl as Debian packages, in one repository for each minor version: the paths below it are those
# of the community's, /core:/stable:/v1.N/deb/.

repository() { echo "$BUILT/repository/core:/stable:/v${1%.*}/deb"; } # VERSION

build_packages() { # VERSION
	local repository program
	repository=$(repository "$1")
	[ ! -s "$repository/Release" ] || return 0
	say "packing $1"
	mkdir -p "$repository"
	for program in kubeadm kubelet kubectl; do package "$program" "$1" "$repository"; done
	(
		cd "$repository" || exit
		dpkg-scanpackages --multiversion . >Packages 2>/dev/null
		apt-ftparchive release . >Release.part
		mv Release.part Release
	)
}

package() { # PROGRAM VERSION DIRECTORY
	local root file
	file=${1}_$2-1.1_$(dpkg --print-architecture).deb
	root=$(mktemp -d)
	chmod 755 "$root"
	mkdir -p "$root/DEBIAN"
	install -D -t "$root/usr/bin" "$BUILT/kubernetes-$2/$1"
	case $1 in
	kubelet) install -D -m 644 -t "$root/usr/lib/systemd/system" "$BED/packages/kubelet.service" ;;
	kubeadm) install -D -m 644 -t "$root/usr/lib/systemd/system/kubelet.service.d" "$BED/packages/10-kubeadm.conf" ;;
	esac
	{
		printf 'Package: %s\nVersion: %s-1.1\nArchitecture: %s\n' "$1" "$2" "$(dpkg --print-architecture)"
		printf 'Maintainer: the tests of mainstay <nobody@example.org>\nSection: admin\nPriority: optional\nDescription: %s, for tests\n' "$1"
	} >"$root/DEBIAN/control"
	dpkg-deb -Zgzip -z1 --root-owner-group -b "$root" "$3/$file" >/dev/null
	rm -rf "$root"
}
