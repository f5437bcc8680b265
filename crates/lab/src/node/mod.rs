//! One pretend machine: packages, units, kubeadm, etcd, images.
