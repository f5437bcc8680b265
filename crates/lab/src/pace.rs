//! How fast time passes for what the lab plays.

use std::time::Duration;

/// The pace of everything that is played: a kubeadm phase, a pod that starts, a heartbeat. Durations in the code are
/// those of a real cluster; a pace shortens all of them alike, so that what is longer stays longer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace(f64);

impl Pace {
    /// As long as on real machines.
    pub const REAL: Self = Self(1.0);

    /// So many times faster than real machines; at least 1.
    #[must_use]
    pub fn faster(times: u32) -> Self {
        Self(1.0 / f64::from(times.max(1)))
    }

    /// How long this takes here.
    #[must_use]
    pub fn of(self, real: Duration) -> Duration {
        real.mul_f64(self.0)
    }

    /// The same, but not less than `floor` of real time: what happens again and again costs the machine that plays it,
    /// and what waits for it must wait for more than one turn.
    #[must_use]
    pub fn at_least(self, real: Duration, floor: Duration) -> Duration {
        self.of(real).max(floor)
    }

    /// Waits as long as this takes here.
    pub async fn wait(self, real: Duration) {
        tokio::time::sleep(self.of(real)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_stays_longer() {
        let pace = Pace::faster(50);
        assert_eq!(pace.of(Duration::from_secs(10)), Duration::from_millis(200));
        assert!(pace.of(Duration::from_secs(2)) < pace.of(Duration::from_secs(3)));
        assert_eq!(Pace::REAL.of(Duration::from_secs(3)), Duration::from_secs(3));
        assert_eq!(Pace::faster(0), Pace::REAL);
    }
}
