//! The SSH server of a node.
