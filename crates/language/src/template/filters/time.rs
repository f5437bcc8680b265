//! `strftime` and `to_datetime`.

use super::call::{Args, Entry, entry, fail};
use super::{convert, python};
use crate::template::World;
use jiff::SignedDuration;
use jiff::civil::{DateTime, Time};
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use minijinja::value::{Object, ObjectRepr, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

pub(super) static ENTRIES: &[Entry] =
    &[entry("strftime", format_time), entry("to_datetime", to_datetime)];

fn format_time(state: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let format = args.text("string_format")?;
    let second = args.option("second")?.filter(|second| !second.is_none());
    let utc = args.flag("utc", false)?;
    let time = match second {
        None => World::of(state)?.outside().now(),
        Some(second) => instant(&second)?,
    };
    let zone = if utc { TimeZone::UTC } else { TimeZone::system() };
    let text = strtime::format(&format, &time.to_zoned(zone))
        .map_err(|error| fail(format!("'{format}' is not a format of time: {error}")))?;
    Ok(Value::from(text))
}

fn instant(second: &Value) -> Result<jiff::Timestamp, Error> {
    let wrong = || fail(format!("'{second}' is not a number of seconds since 1970"));
    let seconds = match (second.kind(), second.as_str()) {
        (ValueKind::String, Some(text)) => convert::parse_float(text),
        _ => python::float(second),
    };
    let seconds = seconds.filter(|seconds| seconds.abs() < 1e14).ok_or_else(wrong)?;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    let whole = seconds.floor() as i64;
    jiff::Timestamp::from_second(whole).map_err(|_| wrong())
}

fn to_datetime(_: &mut State<'_, '_>, args: &mut Args) -> Result<Value, Error> {
    let text = args.text("string")?;
    let format = args.text_option("format")?.unwrap_or_else(|| "%Y-%m-%d %H:%M:%S".to_owned());
    let wrong = |error: &dyn fmt::Display| {
        fail(format!("'{text}' is not a time in the format '{format}': {error}"))
    };
    let parts = BrokenDownTime::parse(&format, &text).map_err(|error| wrong(&error))?;
    let date = parts.to_date().map_err(|error| wrong(&error))?;
    let time = parts.to_time().unwrap_or(Time::midnight());
    Ok(Value::from_object(Moment(date.to_datetime(time))))
}

/// Python's `datetime` without a zone, as far as templates use it.
#[derive(Debug)]
pub(in crate::template) struct Moment(pub(in crate::template) DateTime);

/// The time from one to another: between two times, from a time back, or between two of its kind; `None` of anything
/// else.
pub(in crate::template) fn difference(left: &Value, right: &Value) -> Option<Value> {
    let moments = (left.downcast_object_ref::<Moment>(), right.downcast_object_ref::<Moment>());
    let spans = (left.downcast_object_ref::<Span>(), right.downcast_object_ref::<Span>());
    match (moments, spans) {
        ((Some(a), Some(b)), _) => Some(Value::from_object(Span(a.0.duration_since(b.0)))),
        ((Some(a), _), (_, Some(b))) => {
            Some(Value::from_object(Moment(a.0.checked_sub(b.0).ok()?)))
        }
        (_, (Some(a), Some(b))) => Some(Value::from_object(Span(a.0.checked_sub(b.0)?))),
        _ => None,
    }
}

/// Python's `timedelta`, as far as templates use it.
#[derive(Debug)]
struct Span(SignedDuration);

const DAY: i64 = 86_400;

impl Span {
    /// Days, seconds of the day and microseconds of the second; only days are ever negative.
    fn parts(&self) -> (i64, i64, i128) {
        let micros = self.0.as_micros();
        let (seconds, micros) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        (seconds.div_euclid(DAY), seconds.rem_euclid(DAY), micros)
    }
}

impl Object for Span {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let (days, seconds, micros) = self.parts();
        Some(match key.as_str()? {
            "days" => Value::from(days),
            "seconds" => Value::from(seconds),
            "microseconds" => Value::from(micros),
            _ => return None,
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match (name, args) {
            ("total_seconds", []) => Ok(Value::from(self.0.as_secs_f64())),
            _ => Err(Error::new(
                ErrorKind::UnknownMethod,
                format!("a difference of times has no method '{name}' with such arguments"),
            )),
        }
    }

    fn custom_cmp(self: &Arc<Self>, other: &minijinja::value::DynObject) -> Option<Ordering> {
        Some(self.0.cmp(&other.downcast_ref::<Self>()?.0))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, seconds, micros) = self.parts();
        match days {
            0 => {}
            1 | -1 => write!(f, "{days} day, ")?,
            _ => write!(f, "{days} days, ")?,
        }
        write!(f, "{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
        if micros == 0 { Ok(()) } else { write!(f, ".{micros:06}") }
    }
}

impl Moment {
    fn seconds(&self) -> f64 {
        let zoned = self.0.to_zoned(TimeZone::system());
        zoned.map_or(f64::NAN, |zoned| zoned.timestamp().as_duration().as_secs_f64())
    }

    fn text(&self, separator: char) -> String {
        let fraction = if self.0.subsec_nanosecond() == 0 { "" } else { ".%6f" };
        let format = format!("%Y-%m-%d{separator}%H:%M:%S{fraction}");
        strtime::format(&format, self.0).unwrap_or_else(|_| self.0.to_string())
    }
}

impl Object for Moment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let time = &self.0;
        Some(match key.as_str()? {
            "year" => Value::from(time.year()),
            "month" => Value::from(time.month()),
            "day" => Value::from(time.day()),
            "hour" => Value::from(time.hour()),
            "minute" => Value::from(time.minute()),
            "second" => Value::from(time.second()),
            "microsecond" => Value::from(time.subsec_nanosecond() / 1000),
            _ => return None,
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        name: &str,
        args: &[Value],
    ) -> Result<Value, Error> {
        match (name, args) {
            ("strftime", [format]) => strtime::format(python::string(format)?, self.0)
                .map(Value::from)
                .map_err(|error| fail(format!("'{format}' is not a format of time: {error}"))),
            ("isoformat", []) => Ok(Value::from(self.text('T'))),
            ("timestamp", []) => Ok(Value::from(self.seconds())),
            ("weekday", []) => Ok(Value::from(self.0.weekday().to_monday_zero_offset())),
            ("isoweekday", []) => Ok(Value::from(self.0.weekday().to_monday_one_offset())),
            _ => Err(Error::new(
                ErrorKind::UnknownMethod,
                format!("a time has no method '{name}' with such arguments"),
            )),
        }
    }

    fn custom_cmp(self: &Arc<Self>, other: &minijinja::value::DynObject) -> Option<Ordering> {
        Some(self.0.cmp(&other.downcast_ref::<Self>()?.0))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(' '))
    }
}
