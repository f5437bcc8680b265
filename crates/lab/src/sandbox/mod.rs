//! Where a node's programs run: namespaces and a root of their own, or a chroot.
