//! What a pod's containers would do, as far as that can be told from what is written in the pod, and when.
//!
//! Everything runs and goes on running, except: an image of the domain `.invalid` (RFC 2606) cannot be pulled; the command
//! `true` ends well and `false` does not; a readiness probe that executes `false` never passes. `sleep` as process 1
//! ignores SIGTERM, as in a real container, and is killed at the end of the grace.

use crate::store::Json;
use serde_json::Value;
use std::time::Duration;

/// An image that is not on the node yet.
const PULL: Duration = Duration::from_secs(2);

/// From the sandbox to a running process.
const START: Duration = Duration::from_millis(800);

/// A process that handles SIGTERM.
const STOP: Duration = Duration::from_millis(600);

/// What will become of a pod, counted from when its kubelet has seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Course {
    /// Its images are there; nothing if one cannot be pulled.
    pub(super) pulled: Option<Duration>,
    /// All init containers have ended.
    pub(super) initialised: Duration,
    /// The containers run.
    pub(super) running: Duration,
    /// The pod is ready; nothing if never.
    pub(super) ready: Option<Duration>,
    /// Exit code of containers that end on their own, as soon as they run.
    pub(super) ends: Option<i64>,
}

pub(super) fn course(pod: &Value, on_node: impl Fn(&str) -> bool) -> Course {
    let containers = pod.list("spec.containers");
    let all = pod.list("spec.initContainers").iter().chain(containers);
    let images: Vec<&str> = all.map(|container| container.text("image")).collect();
    let pull = images.iter().filter(|image| !on_node(image)).map(|_| PULL).sum();
    let count = u32::try_from(pod.list("spec.initContainers").len()).unwrap_or(0);
    let initialised = pull + START * count;
    let running = initialised + START;
    let waits = containers.iter().map(readiness).collect::<Option<Vec<_>>>();
    let ends = containers.iter().map(exit_code).collect::<Option<Vec<_>>>();
    let ends = ends.map(|codes| codes.into_iter().max().unwrap_or(0));
    let crashes = containers.iter().any(|container| exit_code(container).is_some());
    Course {
        pulled: (!images.iter().any(|image| image_is_nowhere(image))).then_some(pull),
        initialised,
        running,
        ready: waits
            .filter(|_| !crashes)
            .map(|waits| running + waits.into_iter().max().unwrap_or_default()),
        ends,
    }
}

/// From running to ready; nothing if its probe never passes.
fn readiness(container: &Value) -> Option<Duration> {
    let seconds = |path: &str| {
        Duration::from_secs(container.int(path).and_then(|n| u64::try_from(n).ok()).unwrap_or(0))
    };
    let Some(probe) = container.at("readinessProbe") else { return Some(Duration::ZERO) };
    let executed = probe.list("exec.command").first().and_then(Value::as_str).unwrap_or_default();
    if executed.rsplit('/').next() == Some("false") {
        return None;
    }
    Some(
        seconds("startupProbe.initialDelaySeconds")
            + seconds("readinessProbe.initialDelaySeconds")
            + Duration::from_millis(300),
    )
}

fn program(container: &Value) -> &str {
    let first = container.list("command").first().or_else(|| container.list("args").first());
    first.and_then(Value::as_str).and_then(|path| path.rsplit('/').next()).unwrap_or_default()
}

fn exit_code(container: &Value) -> Option<i64> {
    match program(container) {
        "true" => Some(0),
        "false" => Some(1),
        _ => None,
    }
}

fn image_is_nowhere(image: &str) -> bool {
    image
        .split('/')
        .next()
        .is_some_and(|host| host.split(':').next().is_some_and(|host| host.ends_with(".invalid")))
}

/// How long the pod takes to end, within its grace.
pub(super) fn stopping(pod: &Value) -> Duration {
    let grace = pod
        .int("metadata.deletionGracePeriodSeconds")
        .and_then(|seconds| u64::try_from(seconds).ok());
    let grace = Duration::from_secs(grace.unwrap_or(30));
    let of = |container: &Value| {
        let hook = container
            .int("lifecycle.preStop.sleep.seconds")
            .and_then(|seconds| u64::try_from(seconds).ok());
        if program(container) == "sleep" {
            grace
        } else {
            Duration::from_secs(hook.unwrap_or(0)) + STOP
        }
    };
    pod.list("spec.containers").iter().map(of).max().unwrap_or_default().min(grace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(container: &Value) -> Value {
        json!({"spec": {"containers": [container]}})
    }

    #[test]
    fn what_is_written_decides() {
        let course = |container: Value| course(&pod(&container), |image| image == "here");
        let plain = course(json!({"image": "here"}));
        assert_eq!(
            (plain.pulled, plain.ready, plain.ends),
            (Some(Duration::ZERO), Some(START), None)
        );
        assert_eq!(course(json!({"image": "there"})).running, PULL + START);
        assert_eq!(course(json!({"image": "registry.invalid/a:1"})).pulled, None);
        let unready =
            json!({"image": "here", "readinessProbe": {"exec": {"command": ["/bin/false"]}}});
        assert_eq!(course(unready).ready, None);
        assert_eq!(course(json!({"image": "here", "command": ["false"]})).ends, Some(1));
    }

    #[test]
    fn a_pod_ends_within_its_grace() {
        let stop = |container: Value, grace: i64| {
            let mut pod = pod(&container);
            pod.put("metadata.deletionGracePeriodSeconds", grace);
            stopping(&pod)
        };
        assert_eq!(stop(json!({}), 30), STOP);
        assert_eq!(stop(json!({"command": ["/bin/sleep", "1d"]}), 30), Duration::from_secs(30));
        assert_eq!(
            stop(json!({"lifecycle": {"preStop": {"sleep": {"seconds": 20}}}}), 30),
            Duration::from_secs(20) + STOP
        );
        assert_eq!(
            stop(json!({"lifecycle": {"preStop": {"sleep": {"seconds": 20}}}}), 5),
            Duration::from_secs(5)
        );
    }
}
