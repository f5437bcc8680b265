//! kubectl, as far as playbooks on a node call it; the API does the work. Compared with kubectl 1.36.3: messages of unknown
//! commands, flags, resources and objects, of a server that does not answer, jsonpath, drains (texts and order).

mod apply;
mod drain;
mod exec;
mod get;
mod jsonpath;
mod label;
mod output;
mod resource;
#[cfg(test)]
mod tests;
mod wait;

use super::client::{Client, Overrides};
use super::flags::{self, Flag, Flags, switch, value};
use super::session::{Done, Failed, Session};
use crate::node::Request;
use crate::store::Json;
use resource::Resource;
pub(super) use wait::duration;

/// Flags of all commands.
const COMMON: [Flag; 11] = [
    value("kubeconfig"),
    value("server").or('s'),
    value("tls-server-name"),
    value("context"),
    value("namespace").or('n'),
    value("request-timeout"),
    value("v").or('v'),
    switch("insecure-skip-tls-verify"),
    value("cluster"),
    value("user"),
    switch("help").or('h'),
];

/// A call of kubectl that has been read.
struct Kubectl<'a> {
    session: &'a Session,
    client: Client<'a>,
    flags: Flags,
    words: Vec<String>,
}

/// The flags of a command besides those of all; `None`: no such command.
fn flags_of(command: &str) -> Option<&'static [Flag]> {
    Some(match command {
        "get" => &get::FLAGS,
        "drain" | "cordon" | "uncordon" => &drain::FLAGS,
        "wait" => &wait::FLAGS,
        "exec" => &exec::FLAGS,
        "apply" | "create" | "delete" | "replace" => &apply::FLAGS,
        "label" | "annotate" | "taint" | "patch" | "scale" => &label::FLAGS,
        "version" | "cluster-info" => &VERSION,
        _ => return None,
    })
}

const VERSION: [Flag; 2] = [switch("client"), value("output").or('o')];

/// The first word that is no flag and no value of one.
fn command_of(words: &[String]) -> Option<String> {
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        if !word.starts_with('-') {
            return Some(word.clone());
        }
        let takes = [
            "--kubeconfig",
            "--server",
            "-s",
            "--tls-server-name",
            "--context",
            "-n",
            "--namespace",
            "--request-timeout",
            "-v",
            "--v",
            "--cluster",
            "--user",
        ];
        if takes.contains(&word.as_str()) {
            rest.next();
        }
    }
    None
}

pub(super) async fn run(session: &Session) -> Done {
    if session.machine.state().kubernetes("kubectl").is_none() {
        return Err(Failed::new(127, "kubectl: command not found"));
    }
    let Some(command) = command_of(session.words()) else {
        session.line("kubectl controls the Kubernetes cluster manager.").await;
        return Ok(0);
    };
    let Some(own) = flags_of(&command) else {
        return Err(Failed::new(
            1,
            format!("error: unknown command \"{command}\" for \"kubectl\""),
        ));
    };
    let known: Vec<Flag> = COMMON.iter().chain(own).copied().collect();
    let flags = flags::parse(session.words(), &known).map_err(|why| {
        Failed::new(1, format!("error: {why}\nSee 'kubectl {command} --help' for usage."))
    })?;
    for refused in ["cluster", "user", "help"] {
        if flags.get(refused).is_some() {
            return Err(Failed::new(1, format!("error: --{refused} is not supported by the lab")));
        }
    }
    let words = flags.words.get(1..).unwrap_or_default().to_vec();
    let client = client(session, &flags).map_err(|why| Failed::new(1, format!("error: {why}")))?;
    let kubectl = Kubectl { session, client, flags, words };
    let done = match command.as_str() {
        "get" => get::run(&kubectl).await,
        "drain" | "cordon" | "uncordon" => drain::run(&kubectl, &command).await,
        "wait" => wait::run(&kubectl).await,
        "exec" => return exec::run(&kubectl).await,
        "apply" | "create" | "delete" | "replace" => apply::run(&kubectl, &command).await,
        "version" => version(&kubectl).await,
        "cluster-info" => cluster_info(&kubectl).await,
        _ => label::run(&kubectl, &command).await,
    };
    done.map_err(|why| Failed::new(1, why))
}

fn client<'a>(session: &'a Session, flags: &Flags) -> Result<Client<'a>, String> {
    let overrides = Overrides {
        server: flags.get("server").map(str::to_owned),
        server_name: flags.get("tls-server-name").map(str::to_owned),
        insecure: flags.on("insecure-skip-tls-verify"),
        context: flags.get("context").map(str::to_owned),
    };
    let named = flags.get("kubeconfig").map(|path| session.call.path(path));
    let from_environment = session.call.variable("KUBECONFIG").filter(|paths| !paths.is_empty());
    let home = session.call.variable("HOME").unwrap_or("/root");
    let path = named
        .clone()
        .or_else(|| from_environment.map(str::to_owned))
        .unwrap_or_else(|| format!("{home}/.kube/config"));
    let text = match session.machine.files.text(&path) {
        Ok(text) => Some(text),
        Err(_) if named.is_some() => return Err(format!("stat {path}: no such file or directory")),
        // Without a file kubectl asks localhost:8080.
        Err(_) => None,
    };
    Client::new(session, text.as_deref(), &overrides)
}

impl Kubectl<'_> {
    /// The namespace of the call.
    fn namespace(&self) -> &str {
        self.flags.get("namespace").unwrap_or(&self.client.namespace)
    }

    async fn resources(&self) -> Result<Vec<Resource>, String> {
        resource::discover(&self.client).await
    }
}

async fn version(kubectl: &Kubectl<'_>) -> Result<u8, String> {
    let session = kubectl.session;
    let own =
        session.machine.state().kubernetes("kubectl").map(|v| format!("v{v}")).unwrap_or_default();
    let server =
        if kubectl.flags.on("client") { None } else { Some(kubectl.client.get("/version").await) };
    match kubectl.flags.get("output") {
        None => {
            session.line(format!("Client Version: {own}\nKustomize Version: v5.8.1")).await;
            if let Some(server) = server {
                let server = server?;
                session.line(format!("Server Version: {}", server.text("gitVersion"))).await;
            }
        }
        Some(format @ ("json" | "yaml")) => {
            let mut value = serde_json::json!({"clientVersion": {"gitVersion": own}, "kustomizeVersion": "v5.8.1"});
            if let Some(server) = server
                && let Some(fields) = value.as_object_mut()
            {
                fields.insert("serverVersion".to_owned(), server?);
            }
            session.out(output::structured(format, &value)).await;
        }
        Some(_) => return Err("error: --output must be 'yaml' or 'json'".to_owned()),
    }
    Ok(0)
}

async fn cluster_info(kubectl: &Kubectl<'_>) -> Result<u8, String> {
    kubectl.client.ask(Request::get("/version")).await?;
    let server = kubectl.client.server();
    let text = format!(
        "Kubernetes control plane is running at https://{server}\nCoreDNS is running at \
         https://{server}/api/v1/namespaces/kube-system/services/kube-dns:dns/proxy\n\nTo further debug and diagnose cluster \
         problems, use 'kubectl cluster-info dump'.\n"
    );
    kubectl.session.out(text).await;
    Ok(0)
}
