//! `ansible-config`: which settings there are, what they are set to, and by what.

use super::args::{Config, ConfigAction, Dump, Format, Which};
use super::exit;
use super::real::RealOutside;
use super::refusal::Refusal;
use super::terminal::say;
use crate::settings::{Kind, Origin, SETTINGS, Setting, Settings};
use mainstay_language::outside::Outside;
use mainstay_language::value::{Map, Value, repr, string};
use mainstay_language::yaml::{EmitOptions, emit};

/// Prints it and returns the exit code.
#[must_use]
pub(super) fn run(config: &Config) -> u8 {
    let text = match &config.action {
        ConfigAction::Dump(args) => load(&args.which).map(|settings| dump(&settings, args)),
        ConfigAction::List(which) => load(which).map(|_| list()),
        ConfigAction::View(which) => load(which).and_then(|settings| view(&settings)),
    };
    let told = text.and_then(|text| {
        let text = text.trim_end();
        if text.is_empty() {
            Ok(())
        } else {
            say(text).map_err(|e| Refusal::because(exit::JOURNAL, e.to_string()))
        }
    });
    told.map_or_else(Refusal::tell, |()| exit::DONE)
}

fn load(which: &Which) -> Result<Settings, Refusal> {
    let outside = RealOutside;
    let settings = match &which.config {
        Some(path) => Settings::load_file(&outside, &outside.directory().join(path)),
        None => Settings::load(&outside),
    };
    settings.map_err(|d| Refusal::new(exit::BAD_OPTION, d))
}

fn view(settings: &Settings) -> Result<String, Refusal> {
    let Some(path) = &settings.file else {
        return Err(Refusal::because(exit::GENERAL, "Invalid or no config file was supplied"));
    };
    let bytes = RealOutside.read(path).map_err(|e| {
        Refusal::because(exit::GENERAL, format!("cannot read {}: {e}", path.display()))
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The value as the program uses it.
fn value(settings: &Settings, setting: &Setting) -> Value {
    let name = setting.name;
    if settings.get(name).is_none() {
        return match setting.kind {
            Kind::List | Kind::PathList | Kind::Paths => Value::from(Vec::<String>::new()),
            _ => Value::Null,
        };
    }
    let shown = |paths: Vec<std::path::PathBuf>| {
        Value::from(paths.iter().map(|p| p.display().to_string()).collect::<Vec<_>>())
    };
    match setting.kind {
        Kind::Bool => Value::Bool(settings.flag(name)),
        Kind::Number => {
            settings.number(name).ok().flatten().map_or(Value::Null, |n| Value::Int(i128::from(n)))
        }
        Kind::Path => {
            settings.path(name).map_or(Value::Null, |p| Value::text(p.display().to_string()))
        }
        Kind::Paths => shown(settings.paths(name)),
        Kind::PathList => shown(settings.path_list(name)),
        Kind::List => Value::from(settings.list(name)),
        Kind::Text | Kind::Choice(_) => Value::text(settings.get(name).unwrap_or_default()),
    }
}

fn dump(settings: &Settings, args: &Dump) -> String {
    let wanted = |origin: &Origin| !args.only_changed || *origin != Origin::Default;
    let mut rows = Vec::new();
    let file = settings.file.as_ref().map_or(Value::Null, |p| Value::text(p.display().to_string()));
    rows.push(("CONFIG_FILE", String::new(), file));
    for setting in SETTINGS {
        let origin = settings.origin(setting.name);
        if wanted(&origin) {
            rows.push((setting.name, origin.to_string(), value(settings, setting)));
        }
    }
    if args.format == Format::Display {
        let line = |(name, origin, value): &(&str, String, Value)| match value {
            Value::Text(_) => format!("{name}({origin}) = {}\n", string(value)),
            other => format!("{name}({origin}) = {}\n", repr(other)),
        };
        return rows.iter().map(line).collect();
    }
    let entry = |(name, origin, value): (&str, String, Value)| {
        let mut map = Map::new();
        map.insert("name", name);
        map.insert("origin", origin);
        map.insert("value", value);
        Value::Map(map)
    };
    structured(&Value::list(rows.into_iter().map(entry).collect()), args.format)
}

fn list() -> String {
    let mut out = Map::new();
    for setting in SETTINGS {
        let mut map = Map::new();
        map.insert(
            "default",
            if setting.default.is_empty() { Value::Null } else { Value::text(setting.default) },
        );
        map.insert(
            "env",
            Value::from(setting.env.iter().map(ToString::to_string).collect::<Vec<_>>()),
        );
        let keys = setting.ini.iter().map(|(section, key)| format!("[{section}] {key}"));
        map.insert("ini", Value::from(keys.collect::<Vec<_>>()));
        if let Kind::Choice(words) = setting.kind {
            map.insert(
                "choices",
                Value::from(words.iter().map(ToString::to_string).collect::<Vec<_>>()),
            );
        }
        out.insert(setting.name, Value::Map(map));
    }
    structured(&Value::Map(out), Format::Yaml)
}

fn structured(value: &Value, format: Format) -> String {
    match format {
        Format::Yaml | Format::Display => emit(
            value,
            &EmitOptions { flow: Some(false), sort_keys: true, ..EmitOptions::default() },
        ),
        Format::Json => crate::report::dump_json(value, Some(4)),
    }
}
