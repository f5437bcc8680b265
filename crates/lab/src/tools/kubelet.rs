//! kubelet, as a program: it tells its version. The unit is another matter.

use super::session::{Done, Failed, Session};

pub(super) async fn run(session: &Session) -> Done {
    let Some(version) = session.machine.state().kubernetes("kubelet") else {
        return Err(Failed::new(127, "kubelet: command not found"));
    };
    match session.words() {
        [word] if word.starts_with("--version") => {
            session.line(format!("Kubernetes v{version}")).await;
            Ok(0)
        }
        _ => Err(Failed::new(
            1,
            "kubelet: only --version is supported by the lab; the unit kubelet runs it",
        )),
    }
}
