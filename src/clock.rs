//! Time, as everybody gets it.
//!
//! How durations are written is here too. Not here: any clock. The real one is in `cli`, pretended ones are in tests.

use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

/// Time, injected: nothing else in the product reads a clock or sleeps.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Wall clock, UTC.
    fn now(&self) -> jiff::Timestamp;
    /// Monotonic, from any start.
    fn monotonic(&self) -> Duration;
    /// Waits.
    async fn sleep(&self, duration: Duration);
    /// The same clock for something that outlives a task (a connection to a cluster that a task names itself); `None` if
    /// it cannot be shared.
    fn handle(&self) -> Option<Arc<dyn Clock>> {
        None
    }
}

/// A duration as people write it: numbers with units, `90s`, `15m`, `1h30m`, `2d`. A plain number is seconds.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = rest.split_at(digits);
        let factor = match unit.chars().next()? {
            's' => 1.0,
            'm' => 60.0,
            'h' => 3600.0,
            'd' => 86400.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
        rest = unit.get(1..)?;
    }
    if text.is_empty() { None } else { Duration::try_from_secs_f64(seconds).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_or_are_seconds() {
        let cases = [
            ("90s", Some(90)),
            (" 15m ", Some(900)),
            ("1h30m", Some(5400)),
            ("0s", Some(0)),
            ("2d", Some(172_800)),
            ("7", Some(7)),
            ("", None),
            ("5x", None),
            ("m", None),
            ("1m5", None),
            ("-5", None),
            ("1é", None),
        ];
        for (text, seconds) in cases {
            assert_eq!(duration(text), seconds.map(Duration::from_secs), "{text}");
        }
        assert_eq!(duration("0.5m"), Some(Duration::from_secs(30)));
    }
}
