//! Phases of kubeadm, and the faults that strike in them.

use super::error;
use crate::fault::Fault;
use crate::tools::session::{Failed, Session};

/// A phase begins: it may be told to hang, or to fail in the words that kubeadm would have.
pub(super) async fn enter(session: &Session, phase: &str) -> Result<bool, Failed> {
    let strikes = |name: &str, fault: &Fault| match fault {
        Fault::KubeadmHang { node, phase: in_phase } if node == name && in_phase == phase => {
            Some(true)
        }
        Fault::KubeadmFail { node, phase: in_phase } if node == name && in_phase == phase => {
            Some(false)
        }
        _ => None,
    };
    match session.machine.fault(strikes) {
        // Its process can be killed; by itself it does not end.
        Some(true) => std::future::pending().await,
        Some(false) => Ok(true),
        None => Ok(false),
    }
}

/// As [`enter`], for phases whose failure is one sentence.
pub(super) async fn enter_or(
    session: &Session,
    phase: &str,
    place: &str,
    why: &str,
) -> Result<(), Failed> {
    if enter(session, phase).await? {
        return Err(failed(place, why));
    }
    Ok(())
}

/// `error execution phase control-plane: …`
pub(super) fn failed(phase: &str, why: impl std::fmt::Display) -> Failed {
    error(format!("error execution phase {phase}: {why}"))
}
