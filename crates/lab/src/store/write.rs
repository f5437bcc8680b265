//! Writing: create, replace, patch. Everything that is written is checked, completed and stored in one step.

use super::json::{self, Json};
use super::state::{Key, State};
use super::status::Status;
use super::{Patch, Resource, Store, rules, schema};
use serde_json::{Value, json};
use std::sync::Arc;

/// What is written to.
#[derive(Debug, Clone)]
pub struct Target {
    /// Of which resource.
    pub resource: &'static Resource,
    /// In which namespace; empty for what has none.
    pub namespace: String,
    /// Which object; empty for a creation.
    pub name: String,
    /// Which part of it.
    pub part: Part,
}

/// The part of an object that a write may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All but what belongs to the `status` subresource.
    Whole,
    /// The `status` subresource.
    Status,
    /// The `finalize` subresource of a namespace.
    Finalize,
}

/// The write.
#[derive(Debug, Clone)]
pub enum Change {
    /// A new object.
    Create(Value),
    /// The object as it shall be.
    Replace(Value),
    /// What shall be different.
    Patch(Patch),
}

/// What becomes of fields that a kind does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Validation {
    /// They are dropped.
    Ignore,
    /// They are dropped, with a warning.
    #[default]
    Warn,
    /// They are refused.
    Strict,
}

/// How to write.
#[derive(Debug, Clone, Copy, Default)]
pub struct WriteOptions {
    /// Check everything, store nothing.
    pub dry_run: bool,
    /// About fields that the kind does not have.
    pub validation: Validation,
}

/// What was written.
#[derive(Debug, Clone)]
pub struct Written {
    /// As it is now.
    pub object: Arc<Value>,
    /// What the client should know.
    pub warnings: Vec<String>,
}

impl Store {
    /// Any write.
    ///
    /// # Errors
    /// The API's: 400, 403, 404, 409, 422.
    pub fn write(
        &self,
        target: &Target,
        change: Change,
        options: WriteOptions,
    ) -> Result<Written, Status> {
        let mut state = self.lock();
        let written = match change {
            Change::Create(object) => create(&mut state, target, object, options),
            Change::Replace(object) => replace(&mut state, target, object, options),
            Change::Patch(patch) => {
                let mut object =
                    Value::clone(state.get(target.resource, &target.namespace, &target.name)?);
                let kind = target.resource.kind;
                // A patch may name the revision that it is for; otherwise it is for whatever is there.
                patch.apply(kind, &mut object)?;
                let old = state.get(target.resource, &target.namespace, &target.name)?;
                rules::patch_keeps_identity(target, old, &object)?;
                replace(&mut state, target, object, options)
                    .map_err(|status| as_of_patch(status, options))
            }
        }?;
        self.tell(&state);
        Ok(written)
    }

    /// A new object; its name may be generated.
    ///
    /// # Errors
    /// 400, 403, 404 (namespace), 409, 422.
    pub fn create(
        &self,
        resource: &str,
        namespace: &str,
        object: Value,
    ) -> Result<Arc<Value>, Status> {
        let target = Self::target(resource, namespace, "", Part::Whole)?;
        self.write(&target, Change::Create(object), WriteOptions::default())
            .map(|written| written.object)
    }

    /// The object as it shall be; checked against its `resourceVersion` if it names one.
    ///
    /// # Errors
    /// 400, 404, 409, 422.
    pub fn update(
        &self,
        resource: &str,
        namespace: &str,
        object: Value,
    ) -> Result<Arc<Value>, Status> {
        let target = Self::target(resource, namespace, json::name(&object), Part::Whole)?;
        self.write(&target, Change::Replace(object), WriteOptions::default())
            .map(|written| written.object)
    }

    /// The same for the status alone.
    ///
    /// # Errors
    /// 400, 404, 409, 422.
    pub fn update_status(
        &self,
        resource: &str,
        namespace: &str,
        object: Value,
    ) -> Result<Arc<Value>, Status> {
        let target = Self::target(resource, namespace, json::name(&object), Part::Status)?;
        self.write(&target, Change::Replace(object), WriteOptions::default())
            .map(|written| written.object)
    }

    /// What shall be different.
    ///
    /// # Errors
    /// 400, 404, 409, 422.
    pub fn patch(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
        part: Part,
        patch: Patch,
    ) -> Result<Arc<Value>, Status> {
        let target = Self::target(resource, namespace, name, part)?;
        self.write(&target, Change::Patch(patch), WriteOptions::default())
            .map(|written| written.object)
    }

    /// Reads, changes and writes with nobody in between.
    ///
    /// # Errors
    /// 400, 404, 422.
    pub fn edit(
        &self,
        resource: &str,
        namespace: &str,
        name: &str,
        part: Part,
        change: impl FnOnce(&mut Value),
    ) -> Result<Arc<Value>, Status> {
        let target = Self::target(resource, namespace, name, part)?;
        let mut state = self.lock();
        let mut object = Value::clone(state.get(target.resource, namespace, name)?);
        change(&mut object);
        let written = replace(&mut state, &target, object, WriteOptions::default())?;
        self.tell(&state);
        Ok(written.object)
    }

    /// Puts a pod on a node.
    ///
    /// # Errors
    /// 404, or 409 if it is on one.
    pub fn bind(&self, namespace: &str, name: &str, node: &str) -> Result<(), Status> {
        let target = Self::target("pods", namespace, name, Part::Whole)?;
        let mut state = self.lock();
        let mut pod = Value::clone(state.get(target.resource, namespace, name)?);
        let on = pod.text("spec.nodeName");
        if json::terminating(&pod) {
            return Err(Status::conflict(
                "",
                "pods/binding",
                name,
                &format!("pod {name} is being deleted, cannot be assigned to a host"),
            ));
        }
        if !on.is_empty() {
            let why = format!("pod {name} is already assigned to node \"{on}\"");
            return Err(Status::conflict("", "pods/binding", name, &why));
        }
        pod.put("spec.nodeName", node);
        json::set_condition(&mut pod, "PodScheduled", "True", "", "");
        state.put(Key::new(target.resource, namespace, name), pod);
        self.tell(&state);
        Ok(())
    }

    pub(super) fn target(
        resource: &str,
        namespace: &str,
        name: &str,
        part: Part,
    ) -> Result<Target, Status> {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        Ok(Target { resource: Self::resource(resource)?, namespace, name, part })
    }
}

fn create(
    state: &mut State,
    target: &Target,
    mut object: Value,
    options: WriteOptions,
) -> Result<Written, Status> {
    let resource = target.resource;
    let warnings = checked(resource, &mut object, options)?;
    if !object.text("metadata.resourceVersion").is_empty() {
        let message = "resourceVersion should not be set on objects to be created".to_owned();
        return Err(Status { code: 500, reason: "", message, details: Value::Null });
    }
    rules::name_and_namespace(target, &mut object)?;
    let (namespace, name) = (json::namespace(&object).to_owned(), json::name(&object).to_owned());
    if resource.namespaced {
        rules::namespace_takes_new(state, resource, &namespace, &name)?;
    }
    rules::prepare_new(state, resource, &mut object)?;
    let key = Key::new(resource, &namespace, &name);
    if state.objects.contains_key(&key) {
        return Err(Status::exists(resource.group, resource.plural, &name));
    }
    let object = if options.dry_run { Arc::new(object) } else { state.put(key, object) };
    Ok(Written { object, warnings })
}

fn replace(
    state: &mut State,
    target: &Target,
    mut object: Value,
    options: WriteOptions,
) -> Result<Written, Status> {
    let resource = target.resource;
    let warnings = checked(resource, &mut object, options)?;
    let old = Arc::clone(state.get(resource, &target.namespace, &target.name)?);
    rules::same_object(target, &old, &mut object)?;
    rules::prepare_changed(target, &old, &mut object)?;
    if object == *old {
        return Ok(Written { object: old, warnings });
    }
    if options.dry_run {
        return Ok(Written { object: Arc::new(object), warnings });
    }
    let key = Key::new(resource, &target.namespace, &target.name);
    let object = if rules::nothing_holds(resource, &object) {
        state.remove(key, object)
    } else {
        state.put(key, object)
    };
    Ok(Written { object, warnings })
}

/// Unknown fields are wrong in the patch, not in the object.
fn as_of_patch(status: Status, options: WriteOptions) -> Status {
    match status.message.split_once("strict decoding error: ") {
        Some((_, unknown)) if options.validation == Validation::Strict => {
            let text = format!("Invalid value: strict decoding error: {unknown}");
            Status::invalid("", "", "", &[("patch".to_owned(), "FieldValueInvalid", text)])
        }
        _ => status,
    }
}

/// The object is of this kind and has nothing that the kind does not have.
fn checked(
    resource: &Resource,
    object: &mut Value,
    options: WriteOptions,
) -> Result<Vec<String>, Status> {
    let (version, kind) = (object.text("apiVersion").to_owned(), object.text("kind").to_owned());
    if !(kind.is_empty() || kind == resource.kind)
        || !(version.is_empty() || version == resource.api_version())
    {
        return Err(Status::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as a {}",
            resource.kind
        )));
    }
    let unknown = schema::prune(resource.kind, object)?;
    if options.validation == Validation::Strict && !unknown.is_empty() {
        return Err(Status::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: strict decoding error: {}",
            resource.kind,
            resource.version,
            resource.kind,
            unknown.join(", ")
        )));
    }
    // Kind and version first, as everybody is used to reading them.
    let mut whole =
        json!({"apiVersion": resource.api_version(), "kind": resource.kind, "metadata": {}});
    if let (Some(whole), Value::Object(members)) = (whole.as_object_mut(), std::mem::take(object)) {
        let others = members.into_iter().filter(|(name, _)| name != "apiVersion" && name != "kind");
        whole.extend(others);
    }
    *object = whole;
    Ok(if options.validation == Validation::Warn { unknown } else { Vec::new() })
}
