//! `kubectl apply -f`, `create -f`, `replace -f`, `delete`.

use super::Kubectl;
use super::resource::{Resource, Target, targets};
use crate::node::Request;
use crate::store::Json;
use crate::tools::client::server_error;
use crate::tools::flags::{Flag, switch, value};
use serde_json::{Value, json};
use tokio::time::Instant;

pub(super) const FLAGS: [Flag; 11] = [
    value("filename").or('f'),
    value("selector").or('l'),
    value("grace-period"),
    value("timeout"),
    value("wait"),
    value("cascade"),
    value("dry-run"),
    switch("force"),
    switch("now"),
    switch("all"),
    switch("ignore-not-found"),
];

const LAST: &str = "kubectl.kubernetes.io/last-applied-configuration";

pub(super) async fn run(kubectl: &Kubectl<'_>, command: &str) -> Result<u8, String> {
    for refused in ["dry-run", "cascade", "all"] {
        if kubectl.flags.get(refused).is_some() {
            return Err(format!("error: --{refused} is not supported by the lab"));
        }
    }
    if kubectl.flags.get("filename").is_none() {
        return match command {
            "delete" if !kubectl.words.is_empty() => delete_named(kubectl).await,
            _ => Err(format!(
                "error: must specify one of -f and -k\nSee 'kubectl {command} -h' for help and examples"
            )),
        };
    }
    let documents = documents(kubectl).await?;
    let resources = kubectl.resources().await?;
    let mut code = 0;
    for object in documents {
        let done = match find(&resources, kubectl, &object) {
            Ok(place) => one(kubectl, command, &place, &object).await,
            Err(why) => Err(why),
        };
        if let Err(why) = done {
            kubectl.session.complain(why).await;
            code = 1;
        }
    }
    Ok(code)
}

/// Objects of all files, lists taken apart.
async fn documents(kubectl: &Kubectl<'_>) -> Result<Vec<Value>, String> {
    let mut all = Vec::new();
    for file in kubectl.flags.all("filename") {
        let text = if file == "-" {
            String::from_utf8_lossy(&kubectl.session.input().await).into_owned()
        } else {
            let path = kubectl.session.call.path(&file);
            let read = kubectl.session.machine.files.text(&path);
            read.map_err(|_| format!("error: the path \"{file}\" does not exist"))?
        };
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).map_err(|error| {
            format!("error: error parsing {file}: error converting YAML to JSON: yaml: {error}")
        })?;
        for document in documents {
            match document.at("items").and_then(Value::as_array) {
                Some(items)
                    if document
                        .at("kind")
                        .and_then(Value::as_str)
                        .is_some_and(|kind| kind.ends_with("List")) =>
                {
                    all.extend(items.clone());
                }
                _ if document.is_null() => {}
                _ => all.push(document),
            }
        }
    }
    if all.is_empty() { Err("error: no objects passed to apply".to_owned()) } else { Ok(all) }
}

struct Place {
    resource: Resource,
    namespace: String,
    name: String,
}

impl Place {
    fn path(&self) -> String {
        self.resource.path(Some(&self.namespace), Some(&self.name))
    }

    fn label(&self) -> String {
        self.resource.label(&self.name)
    }
}

fn find(resources: &[Resource], kubectl: &Kubectl<'_>, object: &Value) -> Result<Place, String> {
    let text =
        |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (version, kind, name) = (text("/apiVersion"), text("/kind"), text("/metadata/name"));
    let root =
        if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    let resource = resources.iter().find(|resource| resource.kind == kind && resource.root == root);
    let resource = resource.cloned().ok_or_else(|| {
        format!(
            "error: resource mapping not found for name: \"{name}\" namespace: \"{}\" from \"STDIN\": no matches for kind \"{kind}\" in \
             version \"{version}\"\nensure CRDs are installed first",
            text("/metadata/namespace")
        )
    })?;
    let own = text("/metadata/namespace");
    let namespace = if own.is_empty() { kubectl.namespace().to_owned() } else { own };
    Ok(Place { resource, namespace, name })
}

async fn one(
    kubectl: &Kubectl<'_>,
    command: &str,
    place: &Place,
    object: &Value,
) -> Result<(), String> {
    let mut object = object.clone();
    if place.resource.namespaced {
        object.put("metadata.namespace", place.namespace.as_str());
    }
    let collection = place.resource.path(Some(&place.namespace), None);
    let word = match command {
        "create" => {
            let answer = kubectl.client.ask(Request::with("POST", collection, object)).await?;
            if !answer.ok() {
                return Err(server_error(&answer));
            }
            "created"
        }
        "replace" => {
            kubectl.client.send(Request::with("PUT", place.path(), object)).await?;
            "replaced"
        }
        "delete" => return delete(kubectl, place).await,
        _ => apply(kubectl, place, object, collection).await?,
    };
    kubectl.session.line(format!("{} {word}", place.label())).await;
    Ok(())
}

/// Creates it, or changes what was applied before and is different now.
async fn apply(
    kubectl: &Kubectl<'_>,
    place: &Place,
    mut object: Value,
    collection: String,
) -> Result<&'static str, String> {
    let applied = format!("{object}\n");
    object.default("metadata.annotations", json!({}));
    if let Some(annotations) = object.place("metadata.annotations").as_object_mut() {
        annotations.insert(LAST.to_owned(), applied.into());
    }
    let Some(present) = kubectl.client.find(&place.path()).await? else {
        kubectl.client.send(Request::with("POST", collection, object)).await?;
        return Ok("created");
    };
    let before =
        present.key("metadata.annotations", LAST).and_then(|text| serde_json::from_str(text).ok());
    let mut patch = object;
    if let Some(before) = before {
        forget(&mut patch, &before);
    }
    let mut request = Request::with("PATCH", place.path(), patch);
    request.content_type = "application/merge-patch+json";
    let after = kubectl.client.send(request).await?;
    let version = |object: &Value| object.text("metadata.resourceVersion").to_owned();
    Ok(if version(&present) == version(&after) { "unchanged" } else { "configured" })
}

/// What was applied before and is not any more goes.
fn forget(patch: &mut Value, before: &Value) {
    let (Some(patch), Some(before)) = (patch.as_object_mut(), before.as_object()) else { return };
    for (key, old) in before {
        match patch.get_mut(key) {
            None => drop(patch.insert(key.clone(), Value::Null)),
            Some(new) => forget(new, old),
        }
    }
}

async fn delete_named(kubectl: &Kubectl<'_>) -> Result<u8, String> {
    let resources = kubectl.resources().await?;
    let mut code = 0;
    for Target { resource, name } in targets(&resources, &kubectl.words)? {
        let names = match (name, kubectl.flags.get("selector")) {
            (Some(name), _) => vec![name],
            (None, Some(selector)) => {
                let query = selector.replace('=', "%3D").replace(',', "%2C");
                let path = format!(
                    "{}?labelSelector={query}",
                    resource.path(Some(kubectl.namespace()), None)
                );
                let list = kubectl.client.get(&path).await?;
                let items = list.list("items").to_vec();
                items
                    .iter()
                    .filter_map(|item| {
                        item.at("metadata.name").and_then(Value::as_str).map(str::to_owned)
                    })
                    .collect()
            }
            (None, None) => {
                return Err(
                    "error: resource(s) were provided, but no name was specified".to_owned()
                );
            }
        };
        for name in names {
            let place = Place {
                resource: resource.clone(),
                namespace: kubectl.namespace().to_owned(),
                name,
            };
            if let Err(why) = delete(kubectl, &place).await {
                kubectl.session.complain(why).await;
                code = 1;
            }
        }
    }
    Ok(code)
}

async fn delete(kubectl: &Kubectl<'_>, place: &Place) -> Result<(), String> {
    let grace: Option<i64> = match (kubectl.flags.on("now"), kubectl.flags.get("grace-period")) {
        (true, _) => Some(1),
        (false, Some(grace)) => grace.parse().ok(),
        (false, None) => None,
    };
    let forced = kubectl.flags.on("force");
    let grace = if forced && grace.is_none() { Some(0) } else { grace.filter(|grace| *grace >= 0) };
    let mut options = json!({"propagationPolicy": "Background"});
    if let Some(grace) = grace {
        options.put("gracePeriodSeconds", grace);
    }
    let answer = kubectl.client.ask(Request::with("DELETE", place.path(), options)).await?;
    if answer.code == 404 && kubectl.flags.on("ignore-not-found") {
        return Ok(());
    }
    if !answer.ok() {
        return Err(server_error(&answer));
    }
    let word = if grace == Some(0) { "force deleted" } else { "deleted" };
    let namespace = if place.resource.namespaced {
        format!(" from {} namespace", place.namespace)
    } else {
        String::new()
    };
    let group = if place.resource.group.is_empty() {
        String::new()
    } else {
        format!(".{}", place.resource.group)
    };
    kubectl
        .session
        .line(format!("{}{group} \"{}\" {word}{namespace}", place.resource.singular, place.name))
        .await;
    if kubectl.flags.get("wait") == Some("false") || grace == Some(0) {
        return Ok(());
    }
    gone(kubectl, place).await
}

/// Waits until it is gone.
async fn gone(kubectl: &Kubectl<'_>, place: &Place) -> Result<(), String> {
    let timeout = kubectl.flags.get("timeout").map(super::wait::duration).transpose()?;
    let deadline = timeout
        .filter(|t| !t.is_zero())
        .map(|timeout| Instant::now() + kubectl.session.site.pace.of(timeout));
    while kubectl.client.find(&place.path()).await?.is_some() {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Err(format!(
                "error: timed out waiting for the condition on {}/{}",
                place.resource.plural, place.name
            ));
        }
        kubectl.session.seconds(0.5).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_longer_applied_goes() {
        let mut patch = json!({"spec": {"a": 1}, "metadata": {"labels": {"x": "1"}}});
        forget(
            &mut patch,
            &json!({"spec": {"a": 1, "b": 2}, "metadata": {"labels": {"x": "1", "y": "2"}}, "data": {}}),
        );
        assert_eq!(
            patch,
            json!({"spec": {"a": 1, "b": null}, "metadata": {"labels": {"x": "1", "y": null}}, "data": null})
        );
    }
}
