//! Access and modification times for `file`: given as local time of the host, in a format of `strptime`.

use super::common::state_diff;
use super::spec::Args;
use super::{Ctx, Failure, Outcome};
use crate::transport::files::{self, Answer, FileError, FileStatus};
use crate::transport::quote;
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use mainstay_language::value::Value;

/// What one time shall be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Time {
    Preserve,
    Now,
    /// Local time of the host, and its seconds since 1970 once the host has said them.
    At(DateTime, Option<f64>),
}

/// Access and modification, in the order of [`FileStatus::times`].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Times([(&'static str, Time); 2]);

impl Times {
    /// What is not given is now for `touch`, and stays as it is for every other state.
    ///
    /// # Errors
    /// A time does not fit its format.
    pub(super) fn of(args: &Args) -> Result<Self, Failure> {
        let usual = if args.text("state") == Some("touch") { Time::Now } else { Time::Preserve };
        let read = |name: &'static str| {
            let format = args.text(&format!("{name}_format")).unwrap_or_default().to_owned();
            match args.text(name) {
                None => Ok((name, usual)),
                Some("now") => Ok((name, Time::Now)),
                Some("preserve") => Ok((name, Time::Preserve)),
                Some(text) => parse(&format, text).map(|at| (name, Time::At(at, None))).map_err(|why| {
                    Failure::msg(format!(
                        "Error while obtaining timestamp for time {text} using format {format}: {why}"
                    ))
                }),
            }
        };
        Ok(Self([read("access_time")?, read("modification_time")?]))
    }

    /// Shell lines that answer what [`Times::hear`] reads.
    pub(super) fn question(&self) -> String {
        let ask = |(_, time): &(_, Time)| match time {
            Time::At(at, _) => {
                let local = at.strftime("%Y-%m-%d %H:%M:%S");
                format!("e=$(date -d '{local}' +%s 2>&1) || fail \"$e\"\nsay \"$e\"\n")
            }
            Time::Preserve | Time::Now => String::new(),
        };
        self.0.iter().map(ask).collect()
    }

    /// Reads the answers to [`Times::question`].
    pub(super) fn hear(&mut self, answer: &mut Answer) -> Result<(), FileError> {
        for (_, time) in &mut self.0 {
            if let Time::At(_, seconds) = time {
                *seconds = Some(answer.number()?);
            }
        }
        Ok(())
    }

    /// Shell lines that set the times that differ; empty if none does. `seen` is the file as it is; without it all
    /// given times are set.
    pub(super) fn lines(&self, path: &str, seen: Option<&FileStatus>, follow: bool) -> String {
        let link = if follow { "" } else { "-h " };
        let flags = ["-a", "-m"].into_iter().zip(self.changes(seen));
        flags
            .filter_map(|(flag, change)| {
                let time = match change? {
                    Time::Preserve => return None,
                    Time::Now => String::new(),
                    Time::At(at, _) => format!("-t {} ", at.strftime("%Y%m%d%H%M.%S")),
                };
                Some(format!("try touch {link}{flag} {time}-- {}\n", quote(path)))
            })
            .collect()
    }

    fn changes(&self, seen: Option<&FileStatus>) -> [Option<Time>; 2] {
        let mut at = 0;
        self.0.map(|(_, time)| {
            let was = seen.and_then(|status| status.times.get(at).copied());
            at += 1;
            match time {
                Time::Preserve => None,
                // What was just made has these times.
                Time::Now if was.is_none() => None,
                Time::At(_, seconds) if seconds == was => None,
                other => Some(other),
            }
        })
    }

    /// Sets the times of what is there, for every state but `touch`; says so in the outcome.
    ///
    /// # Errors
    /// The host refuses, or the transport's.
    pub(super) async fn apply(
        &self,
        path: &str,
        seen: Option<&FileStatus>,
        follow: bool,
        outcome: &mut Outcome,
        ctx: &Ctx<'_>,
    ) -> Result<(), Failure> {
        let lines = self.lines(path, seen, follow);
        if lines.is_empty() {
            return Ok(());
        }
        outcome.changed = true;
        if let (true, Some(status)) = (ctx.diff, seen) {
            outcome.diff.push(self.diff(path, status, ctx));
        }
        if !ctx.check {
            files::ask(ctx.host, &lines, Vec::new()).await?;
        }
        Ok(())
    }

    fn diff(&self, path: &str, seen: &FileStatus, ctx: &Ctx<'_>) -> Value {
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970")]
        let now = ctx.clock.now().as_second() as f64;
        let names = ["atime", "mtime"].into_iter().zip(seen.times).zip(self.changes(Some(seen)));
        let changes: Vec<(&str, Value, Value)> = names
            .filter_map(|((name, was), change)| {
                let to = match change? {
                    Time::At(_, seconds) => seconds.unwrap_or_default(),
                    _ => now,
                };
                Some((name, Value::Float(was), Value::Float(to)))
            })
            .collect();
        state_diff(path, &changes)
    }
}

/// As Python's `time.strptime`: what the format does not say is that of 1900-01-01 00:00:00.
fn parse(format: &str, text: &str) -> Result<DateTime, String> {
    let tm = BrokenDownTime::parse(format, text).map_err(|error| error.to_string())?;
    DateTime::new(
        tm.year().unwrap_or(1900),
        tm.month().unwrap_or(1),
        tm.day().unwrap_or(1),
        tm.hour().unwrap_or(0),
        tm.minute().unwrap_or(0),
        tm.second().unwrap_or(0),
        0,
    )
    .map_err(|error| error.to_string())
}
