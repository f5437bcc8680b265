# shellcheck shell=bash
# What the machine needs, installed by apt-get.

# Commands, each with its Debian package.
TOOLS=(
	docker=docker.io debootstrap=debootstrap dpkg-deb=dpkg dpkg-scanpackages=dpkg-dev apt-ftparchive=apt-utils
	iptables=iptables ssh=openssh-client ssh-keygen=openssh-client curl=curl jq=jq flock=util-linux openssl=openssl
)
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

install_missing() {
	local tool missing=()
	for tool in "${TOOLS[@]}"; do
		PATH=$PATH:/usr/sbin:/sbin command -v "${tool%%=*}" >/dev/null || missing+=("${tool#*=}")
	done
	[ -e "$KEYRING" ] || missing+=(debian-archive-keyring)
	[ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
}

apt_install() {
	local line="apt-get install --no-install-recommends $*"
	command -v apt-get >/dev/null || fail "needs what Debian installs by: $line"
	say "$line"
	as_root apt-get update -qq
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
		fail "could not install what it needs; type: $line"
}

# Go from 1.21 on fetches by itself, as a module, the version that a program asks for.
need_go() {
	command -v go >/dev/null || apt_install golang-go
	local minor
	minor=$(go env GOVERSION | sed -nE 's/^go1\.([0-9]+).*/\1/p')
	[ "${minor:-0}" -ge 21 ] ||
		fail "needs Go 1.21 or later, this is $(go env GOVERSION): apt-get install -t $DEBIAN-backports golang-go"
}

# Where docker is a service it is running, or is started; elsewhere (a container, say) the daemon is started by hand. It
# stays: others may be using it by the time that we end.
start_docker() {
	local try
	for try in $(seq 60); do
		if docker_answers; then return; fi
		[ "$try" != 1 ] || run_docker
		sleep 0.5
	done
	fail "docker does not start; see journalctl -u docker or $BUILT/dockerd.log"
}

DOCKER=(command docker)
docker() { "${DOCKER[@]}" "$@"; }

docker_answers() {
	DOCKER=(command docker)
	if docker info >/dev/null 2>&1; then return; fi
	[ "$(id -u)" != 0 ] || return 1
	DOCKER=(sudo docker)
	docker info >/dev/null 2>&1
}

run_docker() {
	say "starting docker"
	if [ -d /run/systemd/system ]; then
		as_root systemctl start docker
	else
		as_root sh -c "nohup dockerd >'$BUILT/dockerd.log' 2>&1 </dev/null &" 9>&-
	fi
}
