//! The objects of the cluster, in memory: versions, watches, patches.
