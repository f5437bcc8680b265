#!/usr/bin/env bash
# Makes a Debian machine ready for kubeadm. May be run again.
# MINOR, NUMBER, HOSTS and ROUTES are explained in the Vagrantfile.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

kernel() {
	swapoff -a
	sed -i '/\sswap\s/d' /etc/fstab
	printf 'overlay\nbr_netfilter\n' >/etc/modules-load.d/kubernetes.conf
	modprobe -a overlay br_netfilter
	echo 'net.ipv4.ip_forward = 1' >/etc/sysctl.d/90-kubernetes.conf
	sysctl --quiet --system
}

# Each node knows all by name, and none of them as 127.0.1.1.
names() {
	sed -i "/^127\.0\.1\.1\s/d; /# nodes$/d" /etc/hosts
	while read -r line; do echo "$line # nodes"; done <<<"$HOSTS" >>/etc/hosts
}

repository() { # NAME KEY-URL LINE
	install -d -m 755 /etc/apt/keyrings
	curl --fail --silent --show-error --location --retry 5 "$2" | gpg --dearmor --yes --output "/etc/apt/keyrings/$1.gpg"
	echo "deb [signed-by=/etc/apt/keyrings/$1.gpg] $3" >"/etc/apt/sources.list.d/$1.list"
}

# Kubernetes from 1.36 on wants containerd 2, which Debian 12 does not have; Docker's repository does.
packages() {
	local release
	release=$(sed -nE 's/^VERSION_CODENAME=//p' /etc/os-release)
	apt-get update -qq
	apt-get install -y -qq curl gpg ca-certificates iptables
	repository docker https://download.docker.com/linux/debian/gpg "https://download.docker.com/linux/debian $release stable"
	repository kubernetes "https://pkgs.k8s.io/core:/stable:/v$MINOR/deb/Release.key" "https://pkgs.k8s.io/core:/stable:/v$MINOR/deb/ /"
	apt-get update -qq
	apt-get install -y -qq containerd.io
	apt-mark unhold kubeadm kubelet kubectl >/dev/null || true
	apt-get install -y -qq "kubeadm=$MINOR.*" "kubelet=$MINOR.*" "kubectl=$MINOR.*"
	apt-mark hold kubeadm kubelet kubectl >/dev/null
}

# The packaged configuration switches off what Kubernetes talks to.
runtime() {
	containerd config default | sed -e 's/SystemdCgroup = false/SystemdCgroup = true/' >/etc/containerd/config.toml
	systemctl enable --quiet containerd
	systemctl restart containerd
}

# A bridge for the pods of this node, and a route to those of every other one. The plugins came with the kubelet.
pod_network() {
	install -d /etc/cni/net.d
	cat >/etc/cni/net.d/10-bridge.conflist <<-JSON
		{
		  "cniVersion": "0.4.0",
		  "name": "bridge",
		  "plugins": [
		    {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true,
		     "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.$NUMBER.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
		    {"type": "portmap", "capabilities": {"portMappings": true}}
		  ]
		}
	JSON
	{
		echo '#!/bin/sh -e'
		grep -v "^10\.244\.$NUMBER\." <<<"$ROUTES" | sed -E 's/^(\S+) (\S+)$/ip route replace \1 via \2/'
	} >/usr/local/sbin/pod-routes
	chmod 755 /usr/local/sbin/pod-routes
	cat >/etc/systemd/system/pod-routes.service <<-UNIT
		[Unit]
		Description=routes to the pods of other nodes
		After=network-online.target
		Wants=network-online.target
		Before=kubelet.service
		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/usr/local/sbin/pod-routes
		[Install]
		WantedBy=multi-user.target
	UNIT
	systemctl daemon-reload
	systemctl enable --quiet pod-routes
	systemctl restart pod-routes
}

kernel
names
packages
runtime
pod_network
