//! `kubectl exec` into etcd's pods: etcdctl and etcdutl are all that the lab has inside containers.

use super::Kubectl;
use crate::tools::flags::{Flag, switch, value};
use crate::tools::session::{Done, Failed, Session};
use crate::tools::wire::Call;
use crate::tools::{self, session::Says};
use std::sync::Arc;
use tokio::sync::mpsc;

pub(super) const FLAGS: [Flag; 4] = [
    switch("stdin").or('i'),
    switch("tty").or('t'),
    value("container").or('c'),
    switch("quiet").or('q'),
];

pub(super) async fn run(kubectl: &Kubectl<'_>) -> Done {
    let failed = |why: String| Failed::new(1, why);
    let Some(pod) = kubectl.words.first() else {
        return Err(Failed::new(1, "error: pod, type/name or --filename must be specified"));
    };
    let command = kubectl.flags.rest.clone().unwrap_or_default();
    if command.is_empty() {
        return Err(Failed::new(
            1,
            "error: you must specify at least one command for the container",
        ));
    }
    let pod = pod.trim_start_matches("pod/");
    let namespace = kubectl.namespace();
    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}");
    kubectl.client.get(&path).await.map_err(failed)?;
    let site = &kubectl.session.site;
    let machine = pod
        .strip_prefix("etcd-")
        .filter(|_| namespace == "kube-system")
        .and_then(|name| site.machine(name));
    let Some(machine) = machine else {
        return Err(Failed::new(
            1,
            format!(
                "error: exec into pod {pod} is not supported by the lab: only etcd's pods have programs"
            ),
        ));
    };
    let name = command
        .first()
        .map(|word| word.rsplit('/').next().unwrap_or(word).to_owned())
        .unwrap_or_default();
    if !["etcdctl", "etcdutl"].contains(&name.as_str()) {
        return Err(Failed::new(
            126,
            format!(
                "OCI runtime exec failed: exec failed: unable to start container process: exec: \"{name}\": executable file not found in \
                 $PATH\ncommand terminated with exit code 126"
            ),
        ));
    }
    if !machine.state().serves("etcd") {
        return Err(Failed::new(
            1,
            "error: unable to upgrade connection: container not found (\"etcd\")",
        ));
    }
    let call = Call {
        argv: std::iter::once(name).chain(command.into_iter().skip(1)).collect(),
        directory: "/".to_owned(),
        user: (0, 0),
        ..Call::default()
    };
    let code = inside(kubectl.session, Arc::clone(machine), call).await;
    if code == 0 {
        Ok(0)
    } else {
        Err(Failed::new(code, format!("command terminated with exit code {code}")))
    }
}

/// The tool in the other machine's place; what it says goes out here.
async fn inside(session: &Session, machine: Arc<crate::node::Machine>, call: Call) -> u8 {
    let (says, mut said) = mpsc::channel::<Says>(16);
    let (_, hears) = mpsc::channel(1);
    let inner = Session::new(machine, Arc::clone(&session.site), call, says, hears);
    let play = async move { Box::pin(tools::serve::run(&inner)).await };
    let forward = async {
        while let Some(says) = said.recv().await {
            session.say(says).await;
        }
    };
    tokio::join!(play, forward).0
}
