//! The programs of a node, thin faces of its model.
