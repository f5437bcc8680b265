//! The Kubernetes API over TLS, on top of the store.
