//! apt-get: update, install, remove, purge, upgrade, dist-upgrade, autoremove, clean, check.

use super::options::Options;
use super::{lock, show, unpack, update};
use crate::node::{Leave, Transaction, Unknown, Verb};
use crate::tools::session::{Done, Failed, Session};
use std::time::Duration;

pub(in crate::tools) async fn run(session: &Session) -> Done {
    if session.words().iter().any(|word| word == "--version" || word == "-v") {
        session.line("apt 2.6.1 (amd64)").await;
        return Ok(0);
    }
    let options = Options::parse(session.words())?;
    let Some((verb, words)) = options.words.split_first() else {
        return Err(Failed::new(1, "apt 2.6.1 (amd64)\nUsage: apt-get [options] command"));
    };
    match verb.as_str() {
        "update" => update::update(session, &options).await,
        "install" | "reinstall" => change(session, &options, Verb::Install, words).await,
        "remove" | "purge" => change(session, &options, Verb::Remove, words).await,
        "upgrade" => change(session, &options, Verb::Upgrade, words).await,
        "dist-upgrade" | "full-upgrade" => {
            change(session, &options, Verb::DistUpgrade, words).await
        }
        "autoremove" | "autopurge" => change(session, &options, Verb::Autoremove, words).await,
        "clean" | "autoclean" => Ok(0),
        "check" => {
            said(session, &options, READING).await;
            Ok(0)
        }
        other => Err(Failed::new(100, format!("E: Invalid operation {other}"))),
    }
}

const READING: &str =
    "Reading package lists...\nBuilding dependency tree...\nReading state information...\n";

/// Unless `-qq`.
async fn said(session: &Session, options: &Options, text: &str) {
    if options.quiet < 2 {
        session.out(text).await;
    }
}

async fn change(session: &Session, options: &Options, verb: Verb, words: &[String]) -> Done {
    let simulated = options.has("simulate");
    let _held = if simulated {
        None
    } else {
        Some(lock::take_patiently(session, options.patience(), options.quiet < 2).await?)
    };
    said(session, options, READING).await;
    session.seconds(0.5).await;
    let whole = matches!(verb, Verb::Upgrade | Verb::DistUpgrade);
    if whole {
        said(session, options, "Calculating upgrade...\n").await;
    }
    let transaction = plan(session, options, verb, words).await?;
    let purge = options.words.first().is_some_and(|verb| verb == "purge" || verb == "autopurge")
        || options.has("purge");
    said(session, options, &show::changes(&transaction, purge)).await;
    if transaction.is_empty() {
        session.machine.state().packages.apply(&transaction);
        return Ok(0);
    }
    forbidden(options, &transaction)?;
    if simulated {
        let text = unpack::simulated(&session.machine.state().packages, &transaction);
        session.out(text).await;
        return Ok(0);
    }
    fetch(session, options, &transaction).await?;
    unpack::carry_out(session, &transaction).await?;
    Ok(0)
}

async fn plan(
    session: &Session,
    options: &Options,
    verb: Verb,
    words: &[String],
) -> Result<Transaction, Failed> {
    let verb = if options.has("with-new-pkgs") && verb == Verb::Upgrade {
        Verb::DistUpgrade
    } else {
        verb
    };
    let reinstall =
        options.has("reinstall") || options.words.first().is_some_and(|verb| verb == "reinstall");
    let leave = Leave {
        only_upgrade: options.has("only-upgrade"),
        reinstall,
        autoremove: options.has("auto-remove"),
    };
    let planned = session.machine.state().packages.plan(verb, words, leave);
    match planned {
        Ok(transaction) => Ok(transaction),
        Err(Unknown::Package(name)) => {
            Err(Failed::new(100, format!("E: Unable to locate package {name}")))
        }
        Err(Unknown::Version(name, version)) => {
            said(
                session,
                options,
                &format!(
                    "Package {name} is not available, but is referred to by another package.\n\
                     This may mean that the package is missing, has been obsoleted, or\nis only available from another source\n\n"
                ),
            )
            .await;
            Err(Failed::new(100, format!("E: Version '{version}' for '{name}' was not found")))
        }
        Err(Unknown::Unmet(package, needed, least)) => {
            let text = format!(
                "Some packages could not be installed. This may mean that you have\nrequested an impossible situation or if \
                 you are using the unstable\ndistribution that some required packages have not yet been created\nor been moved \
                 out of Incoming.\nThe following information may help to resolve the situation:\n\nThe following packages have \
                 unmet dependencies:\n {package} : Depends: {needed} (>= {least}) but it is not going to be installed\n"
            );
            said(session, options, &text).await;
            Err(Failed::new(100, "E: Unable to correct problems, you have held broken packages."))
        }
    }
}

/// What `-y` alone does not allow, and what nobody answers.
fn forbidden(options: &Options, transaction: &Transaction) -> Result<(), Failed> {
    let forced = options.has("force-yes");
    if options.has("no-remove") && !transaction.removed.is_empty() {
        return Err(Failed::new(100, "E: Packages need to be removed but remove is disabled."));
    }
    if options.has("simulate") {
        return Ok(());
    }
    if !options.has("yes") {
        let asks = !transaction.new.is_empty()
            || !transaction.removed.is_empty()
            || !transaction.is_empty();
        return if asks { Err(Failed { text: "Abort.\n".to_owned(), code: 1 }) } else { Ok(()) };
    }
    if !transaction.held_changed.is_empty() && !options.has("allow-change-held-packages") && !forced
    {
        return Err(Failed::new(
            100,
            "E: Held packages were changed and -y was used without --allow-change-held-packages.",
        ));
    }
    if !transaction.downgraded.is_empty() && !options.has("allow-downgrades") && !forced {
        return Err(Failed::new(
            100,
            "E: Packages were downgraded and -y was used without --allow-downgrades.",
        ));
    }
    Ok(())
}

/// The archives come over the network, or are files already.
async fn fetch(
    session: &Session,
    options: &Options,
    transaction: &Transaction,
) -> Result<(), Failed> {
    let packages = transaction.unpacked();
    let bytes: u64 = packages.iter().map(|package| package.size).sum();
    let (mut text, mut over_network) = (String::new(), 0);
    for (index, package) in packages.iter().enumerate() {
        let state = session.machine.state();
        let offers = state.packages.offers(&package.name);
        let Some((_, list)) = offers.iter().find(|(offered, _)| offered.version == package.version)
        else {
            continue;
        };
        let origin = &list.origin;
        if !origin.uri.starts_with("file:") {
            over_network += package.size;
        }
        let (name, version) = (&package.name, &package.version);
        let place = if origin.components.is_empty() {
            format!("{} {name}", origin.label())
        } else {
            format!("{} amd64 {name} {}", origin.label(), package.architecture)
        };
        text.push_str(&format!(
            "Get:{} {place} {version} [{}]\n",
            index + 1,
            show::size(package.size)
        ));
    }
    if session.machine.disk_is_full() {
        return Err(Failed::new(
            100,
            "E: You don't have enough free space in /var/cache/apt/archives/.",
        ));
    }
    if !packages.is_empty() {
        let need = if over_network == bytes {
            show::size(bytes)
        } else {
            format!("{}/{}", show::size(over_network), show::size(bytes))
        };
        said(session, options, &format!("Need to get {need} of archives.\n")).await;
    }
    said(session, options, "After this operation, 0 B of additional disk space will be used.\n")
        .await;
    said(session, options, &text).await;
    session.wait(Duration::from_millis(400) * u32::try_from(packages.len()).unwrap_or(1)).await;
    if over_network > 0 {
        let rate = show::size(over_network);
        said(session, options, &format!("Fetched {rate} in 1s ({rate}/s)\n")).await;
    }
    Ok(())
}
