//! Programs and power of the nodes, as the model asks for them: a reboot is a plug that is pulled and put back.

use super::node::{Common, Node};
use super::programs;
use crate::node::{Processes, Program, Running, Site};
use crate::sandbox::Sandbox;
use async_trait::async_trait;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;
use tokio::task::JoinSet;

/// How long a machine takes from its last word to its first.
const BOOT: Duration = Duration::from_secs(30);

/// The switches of all nodes.
pub(super) struct Power {
    common: Arc<Common>,
    nodes: Arc<[Node]>,
    /// The site holds the switches; they must not hold it.
    site: OnceLock<Weak<Site>>,
    /// Nodes that are going down or coming back.
    moving: Mutex<Option<JoinSet<()>>>,
}

impl Power {
    pub(super) fn new(common: Arc<Common>, nodes: Arc<[Node]>) -> Self {
        let moving = Mutex::new(Some(JoinSet::new()));
        Self { common, nodes, site: OnceLock::new(), moving }
    }

    /// To what nodes belong that come back.
    pub(super) fn connect(&self, site: &Arc<Site>) {
        // The first one counts; there is only one.
        drop(self.site.set(Arc::downgrade(site)));
    }

    async fn sandbox(&self, node: &str) -> Result<Arc<Sandbox>, String> {
        let found = self.nodes.iter().find(|found| found.described.name == node);
        let sandbox = match found {
            Some(found) => found.sandbox().await,
            None => None,
        };
        sandbox.ok_or_else(|| format!("node {node} is down"))
    }

    /// Nobody comes back any more.
    pub(super) fn end(&self) {
        drop(self.moving.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

#[async_trait]
impl Processes for Power {
    async fn start(&self, node: &str, program: Program) -> Result<Box<dyn Running>, String> {
        programs::start(&*self.sandbox(node).await?, program).await
    }

    async fn ticket(&self, node: &str, program: Program) -> Result<String, String> {
        programs::ticket(&*self.sandbox(node).await?, program).await
    }

    fn power(&self, node: &str, delay: Duration, again: bool) {
        let (common, nodes, node) =
            (Arc::clone(&self.common), Arc::clone(&self.nodes), node.to_owned());
        let site = self.site.get().and_then(Weak::upgrade);
        let mut moving = self.moving.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(moving) = moving.as_mut() else { return };
        moving.spawn(async move {
            common.pace.wait(delay).await;
            let Some(found) = nodes.iter().find(|found| found.described.name == node) else {
                return;
            };
            found.off().await;
            let (true, Some(site)) = (again, site) else { return };
            common.pace.wait(BOOT).await;
            if let Err(error) = found.on(&common, &site).await {
                common.place.complain(&format!("{node} does not come back: {error}"));
            }
        });
    }
}
