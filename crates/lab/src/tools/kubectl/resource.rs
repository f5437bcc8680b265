//! Which resource a word means: what the server's discovery says, as kubectl asks for it.

use crate::store::Json;
use crate::tools::client::Client;
use serde_json::Value;

/// A kind of object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resource {
    /// `nodes`
    pub(super) plural: String,
    /// `node`
    pub(super) singular: String,
    /// `Node`
    pub(super) kind: String,
    /// Empty, or `apps`
    pub(super) group: String,
    /// `/api/v1` or `/apis/apps/v1`
    pub(super) root: String,
    pub(super) namespaced: bool,
    short: Vec<String>,
}

/// An object, or all of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) resource: Resource,
    pub(super) name: Option<String>,
}

impl Resource {
    /// Where its objects are; `None`: of all namespaces.
    pub(super) fn path(&self, namespace: Option<&str>, name: Option<&str>) -> String {
        let namespace = namespace
            .filter(|_| self.namespaced)
            .map(|n| format!("/namespaces/{n}"))
            .unwrap_or_default();
        let name = name.map(|name| format!("/{name}")).unwrap_or_default();
        format!("{}{namespace}/{}{name}", self.root, self.plural)
    }

    /// `node/w1`, `deployment.apps/web`
    pub(super) fn label(&self, name: &str) -> String {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        format!("{}{group}/{name}", self.singular)
    }

    fn answers_to(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        let (name, group) =
            word.split_once('.').map_or((word.as_str(), None), |(n, g)| (n, Some(g)));
        let known = name == self.plural
            || name == self.singular
            || self.short.iter().any(|short| short == name)
            || name == self.kind.to_lowercase();
        // `deployments.apps` and `deployments.v1.apps`.
        known
            && group.is_none_or(|group| {
                group == self.group || group.ends_with(&format!(".{}", self.group))
            })
    }
}

fn read(list: &Value, root: &str, group: &str) -> Vec<Resource> {
    let all = list.list("resources").to_vec();
    let text = |of: &Value, name: &str| of.text(name).to_owned();
    all.iter()
        .filter(|resource| !text(resource, "name").contains('/'))
        .map(|resource| {
            let kind = text(resource, "kind");
            let singular = Some(text(resource, "singularName")).filter(|name| !name.is_empty());
            Resource {
                plural: text(resource, "name"),
                singular: singular.unwrap_or_else(|| kind.to_lowercase()),
                kind,
                group: group.to_owned(),
                root: root.to_owned(),
                namespaced: resource.flag("namespaced"),
                short: resource
                    .list("shortNames")
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            }
        })
        .collect()
}

/// Everything that the server has, the core group first.
pub(super) async fn discover(client: &Client<'_>) -> Result<Vec<Resource>, String> {
    let mut all = read(&client.get("/api/v1").await?, "/api/v1", "");
    let groups = client.get("/apis").await?;
    for group in groups.list("groups") {
        let name = group.text("name");
        let Some(version) = group.at("preferredVersion.groupVersion").and_then(Value::as_str)
        else {
            continue;
        };
        let root = format!("/apis/{version}");
        all.extend(read(&client.get(&root).await?, &root, name));
    }
    Ok(all)
}

/// Objects that words mean: `nodes`, `node w1 w2`, `node/w1 deployment/web`, `nodes,pods`.
pub(super) fn targets(resources: &[Resource], words: &[String]) -> Result<Vec<Target>, String> {
    let find = |word: &str| {
        let found = resources.iter().find(|resource| resource.answers_to(word)).cloned();
        found.ok_or_else(|| format!("error: the server doesn't have a resource type \"{word}\""))
    };
    let mut all = Vec::new();
    if words.iter().any(|word| word.contains('/')) {
        for word in words {
            let (kind, name) = word.split_once('/').ok_or_else(|| {
                "error: there is no need to specify a resource type as a separate argument when passing arguments in \
                 resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource \
                 resource/<resource_name>'"
                    .to_owned()
            })?;
            all.push(Target { resource: find(kind)?, name: Some(name.to_owned()) });
        }
        return Ok(all);
    }
    let Some((kinds, names)) = words.split_first() else { return Ok(all) };
    for kind in kinds.split(',') {
        let resource = find(kind)?;
        if names.is_empty() {
            all.push(Target { resource: resource.clone(), name: None });
        }
        all.extend(
            names
                .iter()
                .map(|name| Target { resource: resource.clone(), name: Some(name.clone()) }),
        );
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_mean_resources() {
        let core = json!({"resources": [
            {"name": "nodes", "singularName": "node", "kind": "Node", "namespaced": false, "shortNames": ["no"]},
            {"name": "nodes/status", "kind": "Node"},
            {"name": "pods", "singularName": "pod", "kind": "Pod", "namespaced": true, "shortNames": ["po"]},
        ]});
        let apps = json!({"resources": [{"name": "deployments", "singularName": "deployment", "kind": "Deployment", "namespaced": true, "shortNames": ["deploy"]}]});
        let mut all = read(&core, "/api/v1", "");
        all.extend(read(&apps, "/apis/apps/v1", "apps"));
        let of =
            |line: &str| targets(&all, &line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        let label = |line: &str| {
            of(line)
                .unwrap()
                .iter()
                .map(|t| t.resource.label(t.name.as_deref().unwrap_or("*")))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(label("no w1 w2"), "node/w1 node/w2");
        assert_eq!(label("deploy/web pod/a"), "deployment.apps/web pod/a");
        assert_eq!(label("nodes,pods"), "node/* pod/*");
        assert_eq!(label("deployments.apps"), "deployment.apps/*");
        assert_eq!(
            of("nosuch").unwrap_err(),
            "error: the server doesn't have a resource type \"nosuch\""
        );
        let deployment = &of("deploy").unwrap()[0].resource;
        assert_eq!(
            deployment.path(Some("default"), Some("web")),
            "/apis/apps/v1/namespaces/default/deployments/web"
        );
        assert_eq!(deployment.path(None, None), "/apis/apps/v1/deployments");
    }
}
