//! The recap: a fold over events.

use super::{Event, HostOutcome, Stats, TaskResult, Verdict};

impl Stats {
    /// Counts one event.
    pub fn fold(&mut self, event: &Event) {
        match event {
            Event::TaskDone { result } => self.count(result),
            Event::Rescued { host } => {
                let line = self.hosts.entry(host.clone()).or_default();
                line.failed = line.failed.saturating_sub(1);
                line.rescued += 1;
            }
            Event::HostFailed { host, .. } => {
                self.hosts.entry(host.clone()).or_default().failed += 1;
            }
            Event::Included { hosts, .. } => {
                for host in hosts {
                    self.hosts.entry(host.clone()).or_default().ok += 1;
                }
            }
            _ => {}
        }
    }

    fn count(&mut self, result: &TaskResult) {
        let line: &mut HostOutcome = self.hosts.entry(result.host.clone()).or_default();
        match result.verdict {
            Verdict::Skipped => line.skipped += 1,
            Verdict::Ok => {
                line.ok += 1;
                line.changed += u64::from(result.changed);
            }
            Verdict::Failed | Verdict::Unreachable if result.ignored => {
                line.ok += 1;
                line.ignored += 1;
                line.changed += u64::from(result.changed);
            }
            Verdict::Failed => line.failed += 1,
            Verdict::Unreachable => line.unreachable += 1,
        }
    }
}
