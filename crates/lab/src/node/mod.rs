//! One pretend machine: packages, units, kubeadm, etcd, images.

mod configuration;
mod etcd;
mod files;
mod kubelet;
mod machine;
mod manifest;
mod outside;
mod package;
mod provision;
mod release;
mod site;
mod source;
mod unit;
mod unitfile;
mod version;

pub use configuration::{Cluster, coredns, kubelet_configuration, proxy};
pub use etcd::{Broken, Etcd, Member, Snapshot, size};
pub use files::Files;
pub use kubelet::{cannot_run, follow, start as start_kubelet};
pub use machine::{Container, Kubelet, Line, Machine, Role, State};
pub use manifest::{
    ControlPlane, DIRECTORY as MANIFESTS, StaticPod, all as manifests, read as read_manifest,
};
pub use outside::{
    Accept, Answer, Api, Database, Ended, Identity, NoAnswer, Processes, Program, Request, Running,
};
pub use package::{Installed, Leave, List, Package, Packages, Transaction, Unknown, Verb};
pub use provision::{Provision, boot, provision, repository, switch_off};
pub use release::{COMPONENTS, Release, Releases, parse as parse_version};
pub use site::{API_PORT, Site};
pub use source::{CONTAINERD, Malformed, Origin, sources};
pub use unit::{Active, Kind, Unit, full_name};
pub use unitfile::load_units;
pub use version::{compare, matches};
