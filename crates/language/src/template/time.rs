//! `now()`: a point in time with the methods of Python's `datetime` that playbooks use. It prints as Python prints it.

use jiff::Zoned;
use minijinja::value::{Object, ObjectRepr};
use minijinja::{Error, ErrorKind, State, Value as Jinja};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A point in time in its zone.
#[derive(Debug)]
pub(super) struct Moment(pub(super) Zoned);

impl Moment {
    fn format(&self, format: &str) -> Result<String, Error> {
        jiff::fmt::strtime::format(format, &self.0).map_err(|e| {
            let message = format!("a time cannot be written as {format:?}: {e}");
            Error::new(ErrorKind::InvalidOperation, message)
        })
    }

    /// As `str()` prints it: with microseconds unless there are none.
    fn shown(&self, separator: char) -> String {
        let micro = self.0.subsec_nanosecond() / 1000;
        let time = self.0.datetime();
        let whole = format!(
            "{:04}-{:02}-{:02}{separator}{:02}:{:02}:{:02}",
            time.year(),
            time.month(),
            time.day(),
            time.hour(),
            time.minute(),
            time.second(),
        );
        if micro == 0 { whole } else { format!("{whole}.{micro:06}") }
    }
}

/// The time in this format, or as an object.
pub(super) fn formatted(time: Zoned, format: Option<&str>) -> Result<Jinja, Error> {
    let moment = Moment(time);
    match format {
        Some(format) => moment.format(format).map(Jinja::from),
        None => Ok(Jinja::from_object(moment)),
    }
}

impl Object for Moment {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        Some(match key.as_str()? {
            "year" => Jinja::from(self.0.year()),
            "month" => Jinja::from(self.0.month()),
            "day" => Jinja::from(self.0.day()),
            "hour" => Jinja::from(self.0.hour()),
            "minute" => Jinja::from(self.0.minute()),
            "second" => Jinja::from(self.0.second()),
            "microsecond" => Jinja::from(self.0.subsec_nanosecond() / 1000),
            _ => return None,
        })
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        args: &[Jinja],
    ) -> Result<Jinja, Error> {
        let none = |result: Jinja| match args {
            [] => Ok(result),
            _ => Err(Error::from(ErrorKind::TooManyArguments)),
        };
        match method {
            "strftime" => match args.first().and_then(Jinja::as_str) {
                Some(format) => self.format(format).map(Jinja::from),
                None => Err(Error::from(ErrorKind::MissingArgument)),
            },
            "isoformat" => none(Jinja::from(self.shown('T'))),
            "date" => none(Jinja::from(self.0.date().to_string())),
            "timestamp" => {
                let micros = self.0.timestamp().as_microsecond();
                #[expect(clippy::cast_precision_loss, reason = "Python gives a float too")]
                none(Jinja::from(micros as f64 / 1e6))
            }
            "weekday" => none(Jinja::from(self.0.weekday().to_monday_zero_offset())),
            "isoweekday" => none(Jinja::from(self.0.weekday().to_monday_one_offset())),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn custom_cmp(self: &Arc<Self>, other: &minijinja::value::DynObject) -> Option<Ordering> {
        Some(self.0.cmp(&other.downcast_ref::<Self>()?.0))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown(' '))
    }
}
