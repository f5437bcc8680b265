//! journalctl: the journal of the model, by unit.

use crate::node::{Line, full_name};
use crate::tools::flags::{self, Flag, switch, value};
use crate::tools::session::{Done, Failed, Session};
use crate::tools::when;

const FLAGS: [Flag; 14] = [
    value("unit").or('u'),
    value("lines").or('n'),
    value("output").or('o'),
    value("since").or('S'),
    value("boot").or('b'),
    switch("no-pager"),
    switch("quiet").or('q'),
    switch("reverse").or('r'),
    switch("catalog").or('x'),
    switch("pager-end").or('e'),
    switch("follow").or('f'),
    switch("dmesg").or('k'),
    switch("no-hostname"),
    switch("utc"),
];

pub(in crate::tools) async fn run(session: &Session) -> Done {
    // `-b` alone is this boot, and `-xeu UNIT` a cluster that ends in a value: the parser knows both but `-b` alone.
    let words: Vec<String> = session.words().iter().filter(|word| *word != "-b").cloned().collect();
    let flags =
        flags::parse(&words, &FLAGS).map_err(|why| Failed::new(1, format!("journalctl: {why}")))?;
    if flags.on("follow") {
        return Err(Failed::new(1, "journalctl: --follow is not supported by the lab"));
    }
    if let Some(since) = flags.get("since") {
        return Err(Failed::new(
            1,
            format!("journalctl: --since={since} is not supported by the lab"),
        ));
    }
    let units: Vec<String> = flags.all("unit").iter().map(|name| full_name(name)).collect();
    let lines = match flags.get("lines") {
        Some("all") | None => usize::MAX,
        Some(number) => number
            .trim_start_matches('+')
            .parse()
            .map_err(|_| Failed::new(1, "Failed to parse lines"))?,
    };
    let mut found: Vec<Line> = {
        let state = session.machine.state();
        let of = state.journal.iter().filter(|line| units.is_empty() || units.contains(&line.unit));
        of.cloned().collect()
    };
    found.drain(..found.len().saturating_sub(lines));
    if flags.on("reverse") {
        found.reverse();
    }
    if found.is_empty() && !flags.on("quiet") {
        session.line("-- No entries --").await;
        return Ok(0);
    }
    let text: String = match flags.get("output") {
        Some("cat") => found.iter().map(|line| format!("{}\n", line.text)).collect(),
        None | Some("short") => {
            found.iter().map(|line| short(&session.machine.name, line)).collect()
        }
        Some("json") => found.iter().map(|line| json(&session.machine.name, line)).collect(),
        Some(other) => {
            return Err(Failed::new(
                1,
                format!("journalctl: -o {other} is not supported by the lab"),
            ));
        }
    };
    session.out(text).await;
    Ok(0)
}

fn short(node: &str, line: &Line) -> String {
    format!("{} {node} {}: {}\n", when::syslog(line.at), line.by, line.text)
}

fn json(node: &str, line: &Line) -> String {
    let (identifier, pid) = line.by.trim_end_matches(']').split_once('[').unwrap_or((&line.by, ""));
    let value = serde_json::json!({
        "__REALTIME_TIMESTAMP": (line.at * 1_000_000).to_string(), "_HOSTNAME": node, "_SYSTEMD_UNIT": line.unit,
        "SYSLOG_IDENTIFIER": identifier, "_PID": pid, "MESSAGE": line.text,
    });
    format!("{value}\n")
}

/// The last lines of a unit.
pub(super) fn of_unit(session: &Session, unit: &str, lines: usize) -> String {
    let state = session.machine.state();
    let all: Vec<&Line> = state.journal.iter().filter(|line| line.unit == unit).collect();
    all.iter()
        .skip(all.len().saturating_sub(lines))
        .map(|line| short(&session.machine.name, line))
        .collect()
}
