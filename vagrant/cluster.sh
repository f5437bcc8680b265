#!/usr/bin/env bash
# Starts the cluster on cp1, and joins it everywhere else. Does nothing on a node that is a member already.
# ADDRESS, TOKEN and CERTIFICATE_KEY are explained in the Vagrantfile.
set -euo pipefail
umask 077

[ ! -e /etc/kubernetes/kubelet.conf ] || exit 0
configuration=$(mktemp)
trap 'rm -f "$configuration"' EXIT

start() {
	cat >"$configuration" <<-YAML
		apiVersion: kubeadm.k8s.io/v1beta4
		kind: InitConfiguration
		bootstrapTokens: [{token: "$TOKEN", ttl: 24h0m0s}]
		certificateKey: "$CERTIFICATE_KEY"
		localAPIEndpoint: {advertiseAddress: "$ADDRESS"}
		nodeRegistration: {kubeletExtraArgs: [{name: node-ip, value: "$ADDRESS"}]}
		---
		apiVersion: kubeadm.k8s.io/v1beta4
		kind: ClusterConfiguration
		kubernetesVersion: $(kubeadm version -o short)
		controlPlaneEndpoint: "api.lab:6443"
		networking: {podSubnet: 10.244.0.0/16}
	YAML
	kubeadm init --config "$configuration" --upload-certs
	install -d -o vagrant -g vagrant /home/vagrant/.kube
	install -o vagrant -g vagrant -m 600 /etc/kubernetes/admin.conf /home/vagrant/.kube/config
}

# It waits for cp1, if machines are started side by side. The token is known to these machines alone, and so is their
# network: the authority needs no other proof.
join() {
	cat >"$configuration" <<-YAML
		apiVersion: kubeadm.k8s.io/v1beta4
		kind: JoinConfiguration
		discovery:
		  bootstrapToken: {token: "$TOKEN", apiServerEndpoint: "api.lab:6443", unsafeSkipCAVerification: true}
		timeouts: {discovery: 15m0s}
		nodeRegistration: {kubeletExtraArgs: [{name: node-ip, value: "$ADDRESS"}]}
	YAML
	case $(uname -n) in
	cp*) printf 'controlPlane: {certificateKey: "%s", localAPIEndpoint: {advertiseAddress: "%s"}}\n' "$CERTIFICATE_KEY" "$ADDRESS" >>"$configuration" ;;
	esac
	kubeadm join --config "$configuration"
}

case $(uname -n) in
cp1) start ;;
*) join ;;
esac
