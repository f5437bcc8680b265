//! The lab: a small cluster in one process tree. Its nodes are SSH servers on loopback addresses, each with a real shell
//! in a root of its own; their tools (`kubeadm`, `apt-get`, `systemctl`…) are faces of one model; the Kubernetes API is
//! served from memory.
//!
//! Nothing here knows mainstay: whoever has the inventory and the kubeconfig may use the lab with any SSH client, Ansible
//! or kubectl.
//!
//! The rooms, in their order: a room uses rooms above it, never below.

pub mod pace;
pub mod fault;
pub mod sandbox;
pub mod store;
pub mod api;
pub mod controllers;
pub mod node;
pub mod tools;
pub mod ssh;
pub mod lab;

/// First thing in the `main` of a program that plays a lab's nodes, before any thread: the exit code if this process was
/// started as a part of a node, `None` if it was not. `arguments` are all of them, with the name it was called by.
#[must_use]
pub fn entry(arguments: &[std::ffi::OsString]) -> Option<u8> {
    sandbox::entry(arguments).or_else(|| ssh::entry(arguments)).or_else(|| tools::entry(arguments))
}
