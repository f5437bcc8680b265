//! The plays of a run, one after another: hosts, facts, batches, strategy.

use super::batch;
use super::keywords::{as_bool, as_number};
use super::party::Party;
use super::playing::Playing;
use super::refused::Refused;
use super::run::{Gathering, Out, Run};
use super::start_at::{Name, Start};
use super::{bracket, prompt, vars_files};
use crate::event::Event;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use mainstay_language::diag::Diagnostic;
use mainstay_language::inventory::{Order, Shuffle};
use mainstay_language::playbook::{
    Action, BlockKind, Item, Keywords, Lineage, Play, Playbook, Section, Task,
};
use mainstay_language::value::{Map, Scope, Text, Value, string};
use std::sync::{Arc, OnceLock};

/// All sections of an ordinary play.
const SECTIONS: [Section; 3] = [Section::Pre, Section::Main, Section::Post];

/// The name of the implicit first task of a play.
const GATHERING: &str = "Gathering Facts";

/// Whether the run goes on with the next play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    StopRun,
}

/// Runs every play.
///
/// # Errors
/// Something that is written in a play's own keywords cannot be used; hosts' failures are not errors here.
pub async fn run_all(run: &Run, playbook: Playbook) -> Result<(), Refused> {
    for (index, play) in playbook.plays.into_iter().enumerate() {
        if run.interrupted() {
            break;
        }
        let flow = one(run, &play, index + 1).await?;
        if let Some(fatal) = run.take_fatal() {
            return Err(fatal);
        }
        if flow == Flow::StopRun || run.plays_stopped() {
            break;
        }
    }
    Ok(())
}

async fn one(run: &Run, play: &Arc<Play>, number: usize) -> Result<Flow, Refused> {
    run.world.enter(&play.directory);
    let vars = prompt::ask(run, play)?;
    let blank = Playing::new(play, number, String::new(), vars.clone(), Vec::new());
    let patterns = strings(&render(run, &blank, &play.hosts)?);
    let name = match &play.lineage.keywords.name {
        Some(name) => string(&render(run, &blank, &Value::Text(name.clone()))?),
        None => patterns.join(","),
    };
    let all = ordered(run, &blank, run.select_hosts(&patterns, play.hosts.place())?)?;
    if all.is_empty() {
        run.events.emit(Event::PlayStarted { name: name.clone(), hosts: Vec::new() });
        run.events.emit(Event::PlaySkipped { name });
        return Ok(Flow::Next);
    }
    let playing = Playing::new(play, number, name.clone(), vars, all.clone());
    playing.add_handlers(run, play.handlers.clone());
    for host in &all {
        run.world.prepare(host)?;
        if matches!(run.out(host), Some(Out::Failed | Out::Unreachable)) {
            playing.leave(host);
        }
    }
    let serial = only(run, &playing, "serial")?;
    let sizes = batch::sizes(serial.as_ref(), all.len())
        .map_err(|message| Diagnostic::error(message).at_opt(play.lineage.place_of("serial")))?;
    let mut rest = all.as_slice();
    let batched = sizes.len() > 1;
    for (nth, size) in sizes.into_iter().enumerate() {
        let (batch, later) = rest.split_at(size.min(rest.len()));
        rest = later;
        run.events.emit(Event::PlayStarted { name: name.clone(), hosts: batch.to_vec() });
        if batched {
            run.events.emit(Event::BatchStarted { number: nth + 1, hosts: batch.to_vec() });
        }
        let lost_before = lost(run, batch);
        run_batch(run, &playing, batch).await?;
        let ended = run.take_end_play();
        if lost(run, batch) - lost_before == batch.len() && !batch.is_empty() && lost_before == 0 {
            if batched || run.interrupted() {
                run.events.emit(Event::NoMoreHosts);
            }
            return Ok(Flow::StopRun);
        }
        if ended || run.interrupted() || run.plays_stopped() {
            break;
        }
    }
    Ok(Flow::Next)
}

fn lost(run: &Run, hosts: &[Arc<str>]) -> usize {
    hosts
        .iter()
        .filter(|host| matches!(run.out(host), Some(Out::Failed | Out::Unreachable)))
        .count()
}

async fn run_batch(run: &Run, playing: &Arc<Playing>, batch: &[Arc<str>]) -> Result<(), Refused> {
    let live: Vec<Arc<str>> = batch
        .iter()
        .filter(|host| !matches!(run.out(host), Some(Out::Failed | Out::Unreachable)))
        .cloned()
        .collect();
    if live.is_empty() {
        run.events.emit(Event::NoMoreHosts);
        return Ok(());
    }
    let start = match run.start_at() {
        None => None,
        Some(name) => match Start::find(run, playing, name) {
            None if !starts_with_facts(run, playing, &live, name)? => return Ok(()),
            start => {
                run.started();
                start
            }
        },
    };
    playing.begin_batch(&live, start);
    vars_files::load(run, playing, &live)?;
    if let Some(maintenance) = &playing.play.maintenance {
        return bracket::run(run, playing, &live, maintenance).await;
    }
    let strategy =
        only(run, playing, "strategy")?.map_or_else(|| "linear".to_owned(), |v| string(&v));
    match strategy.rsplit('.').next().unwrap_or(&strategy) {
        "linear" => {
            let mut party = prepared(run, playing, &live, &SECTIONS)?;
            party.walk().await;
        }
        "free" => side_by_side(run, playing, &live, usize::MAX).await?,
        "host_pinned" => side_by_side(run, playing, &live, run.options.forks).await?,
        other => {
            let message = format!("strategy {other:?} is not supported");
            return Err(Diagnostic::error(message)
                .at_opt(playing.play.lineage.place_of("strategy"))
                .hint("linear, free and host_pinned are")
                .into());
        }
    }
    Ok(())
}

/// A party about to walk these sections, facts first.
pub(super) fn prepared<'a>(
    run: &'a Run,
    playing: &'a Arc<Playing>,
    hosts: &[Arc<str>],
    sections: &[Section],
) -> Result<Party<'a>, Diagnostic> {
    let mut party = Party::new(run, playing, hosts, sections);
    party.max_fail = only(run, playing, "max_fail_percentage")?.as_ref().and_then(as_number);
    if let Some(start) = playing.start() {
        for member in &mut party.members {
            start.apply(run, playing, sections, &mut member.cursor);
        }
    }
    if sections.first() == Some(&Section::Pre) {
        let facts = facts_task(run, playing)?;
        for member in &mut party.members {
            if facts.wanted(run, &member.host) {
                member.cursor.prelude(vec![Item::Task(Arc::clone(&facts.task))]);
            }
        }
    }
    Ok(party)
}

/// Every host on its own, at most so many at once.
async fn side_by_side(
    run: &Run,
    playing: &Arc<Playing>,
    hosts: &[Arc<str>],
    at_once: usize,
) -> Result<(), Diagnostic> {
    let mut waiting = hosts.iter();
    let mut walking = FuturesUnordered::new();
    loop {
        while walking.len() < at_once
            && let Some(host) = waiting.next()
        {
            let mut party = prepared(run, playing, std::slice::from_ref(host), &SECTIONS)?;
            party.alone = true;
            walking.push(async move { party.walk().await });
        }
        if walking.next().await.is_none() {
            return Ok(());
        }
    }
}

/// Whether `--start-at-task` means the gathering of facts, which stands before all tasks.
fn starts_with_facts(
    run: &Run,
    playing: &Arc<Playing>,
    hosts: &[Arc<str>],
    name: &str,
) -> Result<bool, Diagnostic> {
    let facts = facts_task(run, playing)?;
    Ok(Name::new(name).is(GATHERING) && hosts.iter().any(|host| facts.wanted(run, host)))
}

struct Facts {
    task: Arc<Task>,
    never: bool,
}

impl Facts {
    fn wanted(&self, run: &Run, host: &str) -> bool {
        !self.never
            && (run.options.gathering != Gathering::Smart || !run.world.host(host).gathered())
    }
}

/// The implicit first task of a play.
fn facts_task(run: &Run, playing: &Arc<Playing>) -> Result<Facts, Diagnostic> {
    let said = only(run, playing, "gather_facts")?.as_ref().and_then(as_bool);
    let mut args = Map::new();
    for (keyword, argument) in [
        ("gather_subset", "gather_subset"),
        ("gather_timeout", "gather_timeout"),
        ("fact_path", "fact_path"),
    ] {
        if let Some(value) = playing.play.only.get(keyword) {
            args.insert(argument, value.clone());
        }
    }
    let place = playing.play.lineage.place.clone();
    let tagged = !playing.play.lineage.keywords.tags.is_empty();
    let keywords = Keywords {
        name: Some(Text::computed(GATHERING)),
        tags: if tagged { Vec::new() } else { vec![Text::computed("always")] },
        ..Keywords::default()
    };
    let lineage = Arc::new(Lineage {
        keywords,
        kind: BlockKind::Task,
        parent: Some(Arc::clone(&playing.play.lineage)),
        place,
        derived: OnceLock::new(),
    });
    let action = Action::Module {
        written: "gather_facts".to_owned(),
        name: "setup".to_owned(),
        args: Value::Map(args),
    };
    Ok(Facts {
        task: Arc::new(Task::plain(lineage, action)),
        never: said == Some(false)
            || (said.is_none() && run.options.gathering == Gathering::Explicit),
    })
}

/// The rendered value of a keyword of plays alone.
pub(super) fn only(
    run: &Run,
    playing: &Arc<Playing>,
    keyword: &str,
) -> Result<Option<Value>, Diagnostic> {
    match playing.play.only.get(keyword) {
        None => Ok(None),
        Some(raw) => {
            Ok(Some(render(run, playing, raw)?).filter(|v| !matches!(v, Value::Null | Value::Omit)))
        }
    }
}

fn render(run: &Run, playing: &Arc<Playing>, raw: &Value) -> Result<Value, Diagnostic> {
    let scope: Arc<dyn Scope> = playing.scope(&run.world);
    let site = playing.site();
    run.templar
        .render(raw, &scope, &site)
        .map_err(|error| error.diagnostic.at(raw.place().unwrap_or(&playing.play.lineage.place)))
}

/// The patterns of a play's `hosts`, rendered with its own and the extra variables.
///
/// # Errors
/// They cannot be rendered.
pub fn patterns(run: &Run, play: &Arc<Play>) -> Result<Vec<String>, Diagnostic> {
    let vars = play.lineage.keywords.vars.clone();
    let blank = Playing::new(play, 0, String::new(), vars, Vec::new());
    Ok(strings(&render(run, &blank, &play.hosts)?))
}

/// A text or a list of texts; commas split as in a pattern.
fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::List(list) => list.iter().map(string).collect(),
        one => vec![string(one)],
    }
}

fn ordered(
    run: &Run,
    playing: &Arc<Playing>,
    mut hosts: Vec<Arc<str>>,
) -> Result<Vec<Arc<str>>, Diagnostic> {
    let order = only(run, playing, "order")?.map_or_else(|| "inventory".to_owned(), |v| string(&v));
    let Some(order) = Order::by_name(&order) else {
        let message = format!(
            "order {order:?} is none of inventory, reverse_inventory, sorted, reverse_sorted, shuffle"
        );
        return Err(Diagnostic::error(message).at_opt(playing.play.lineage.place_of("order")));
    };
    order.apply(&mut hosts, &mut Dice(run.clock.now().as_nanosecond()));
    Ok(hosts)
}

/// Randomness for the order of hosts: a small generator seeded with the time.
struct Dice(i128);

impl Shuffle for Dice {
    fn up_to(&mut self, last: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let high = (self.0 >> 33).unsigned_abs();
        usize::try_from(high % (last as u128 + 1)).unwrap_or(0)
    }
}
