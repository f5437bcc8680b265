//! `stat`: what a path is.

use super::common::expand;
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use crate::transport::files::{self, FileStatus, FileType, Query};
use crate::transport::quote;
use async_trait::async_trait;
use mainstay_language::value::{Map, Value};

pub(super) struct Stat;

static SPEC: Spec = Spec {
    names: &["stat"],
    params: &[
        Param::new("path", Kind::Path).required().aliases(&["dest", "name"]),
        Param::new("follow", Kind::Bool).default("no"),
        Param::new("get_checksum", Kind::Bool).default("yes"),
        Param::new("get_mime", Kind::Bool).default("yes").aliases(&[
            "mime",
            "mime_type",
            "mime-type",
        ]),
        Param::new("get_attributes", Kind::Bool).default("yes").aliases(&["attr", "attributes"]),
        Param::new("get_selinux_context", Kind::Bool).default("no"),
        Param::new("get_md5", Kind::Bool).default("no"),
        Param::new("checksum_algorithm", Kind::Text)
            .default("sha1")
            .aliases(&["checksum", "checksum_algo"])
            .choices(&["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]),
    ],
    ..BUILTIN
};

/// The fields that `stat` and `find` share.
pub(super) fn describe(status: &FileStatus) -> Map {
    let mut map = Map::new();
    let mode = status.mode;
    map.insert("path", status.path.as_str());
    map.insert("mode", status.octal());
    for (name, kind) in [
        ("isdir", FileType::Directory),
        ("ischr", FileType::Character),
        ("isblk", FileType::Block),
        ("isreg", FileType::File),
        ("isfifo", FileType::Fifo),
        ("islnk", FileType::Link),
        ("issock", FileType::Socket),
    ] {
        map.insert(name, status.is(kind));
    }
    map.insert("uid", status.uid);
    map.insert("gid", status.gid);
    map.insert("size", status.size);
    map.insert("inode", status.inode);
    map.insert("dev", status.device);
    map.insert("nlink", status.links);
    let [access, modify, change] = status.times;
    map.insert("atime", access);
    map.insert("mtime", modify);
    map.insert("ctime", change);
    for (name, bit) in [
        ("wusr", 0o200),
        ("rusr", 0o400),
        ("xusr", 0o100),
        ("wgrp", 0o020),
        ("rgrp", 0o040),
        ("xgrp", 0o010),
        ("woth", 0o002),
        ("roth", 0o004),
        ("xoth", 0o001),
        ("isuid", 0o4000),
        ("isgid", 0o2000),
    ] {
        map.insert(name, mode & bit != 0);
    }
    if let Some(owner) = &status.owner {
        map.insert("pw_name", owner.as_str());
    }
    if let Some(group) = &status.group {
        map.insert("gr_name", group.as_str());
    }
    map
}

/// Names of the letters that `lsattr` prints.
const ATTRIBUTES: [(char, &str); 18] = [
    ('A', "noatime"),
    ('a', "append"),
    ('c', "compressed"),
    ('C', "nocow"),
    ('d', "nodump"),
    ('D', "dirsync"),
    ('e', "extents"),
    ('E', "encrypted"),
    ('h', "blocksize"),
    ('i', "immutable"),
    ('I', "indexed"),
    ('j', "journalled"),
    ('N', "inline"),
    ('s', "zero"),
    ('S', "synchronous"),
    ('t', "notail"),
    ('T', "blockroot"),
    ('u', "undelete"),
];

/// Whole answer of `stat`.
fn result(status: &FileStatus, extra: &Extra) -> Map {
    let mut map = describe(status);
    map.insert("exists", true);
    map.insert("block_size", status.block_size);
    map.insert("blocks", status.blocks);
    let (major, minor) = status.device_type;
    map.insert("device_type", major << 8 | minor & 0xff | (minor & !0xff) << 12);
    let [readable, writeable, executable] = status.access;
    map.insert("readable", readable);
    map.insert("writeable", writeable);
    map.insert("executable", executable);
    if status.is(FileType::Link) {
        if let Some(source) = &status.source {
            map.insert("lnk_source", source.as_str());
        }
        if let Some(target) = &status.target {
            map.insert("lnk_target", target.as_str());
        }
    }
    if let Some(checksum) = &status.checksum {
        map.insert("checksum", checksum.as_str());
    }
    if let Some(md5) = &extra.md5 {
        map.insert("md5", md5.as_str());
    }
    if let Some((mime, charset)) = &extra.mime {
        map.insert("mimetype", mime.as_str());
        map.insert("charset", charset.as_str());
    }
    if let Some((version, flags)) = &extra.attributes {
        map.insert("version", version.clone());
        map.insert("attr_flags", flags.as_str());
        let names: Vec<&str> = flags
            .chars()
            .filter_map(|c| ATTRIBUTES.iter().find(|(l, _)| *l == c).map(|(_, name)| *name))
            .collect();
        map.insert("attributes", names);
    }
    map
}

#[derive(Debug, Default, PartialEq)]
struct Extra {
    md5: Option<String>,
    mime: Option<(String, String)>,
    attributes: Option<(Value, String)>,
}

impl Extra {
    /// From what `file --mime-type --mime-encoding` and `lsattr -vd` print; nothing where the program is missing.
    fn parse(args: &Args, md5: &str, mime: &str, attributes: &str) -> Self {
        let mut extra = Self::default();
        if args.flag("get_md5") {
            extra.md5 = md5.split(' ').next().filter(|m| !m.is_empty()).map(str::to_owned);
        }
        if args.flag("get_mime") {
            let parts = mime.rsplit_once(": ").map_or(mime, |(_, tail)| tail);
            let (kind, charset) = parts.split_once("; charset=").unwrap_or(("unknown", "unknown"));
            extra.mime = Some((kind.trim().to_owned(), charset.trim().to_owned()));
        }
        if args.flag("get_attributes") {
            let mut words = attributes.split_whitespace();
            extra.attributes = Some(match (words.next(), words.next()) {
                (Some(version), Some(flags)) => (Value::text(version), flags.replace('-', "")),
                _ => (Value::Null, String::new()),
            });
        }
        extra
    }
}

#[async_trait]
impl Module for Stat {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        if args.flag("get_selinux_context") {
            return Err(Failure::msg("get_selinux_context is not supported"));
        }
        let path = expand(ctx.host, args.text("path").unwrap_or_default()).await?;
        let follow = args.flag("follow");
        let program = format!("{}sum", args.text("checksum_algorithm").unwrap_or("sha1"));
        let mut query = Query::of(&path).follow(follow);
        if args.flag("get_checksum") {
            query = query.checksum(&program);
        }
        let quoted = quote(&path);
        let ask = |wanted: bool, command: String| {
            if wanted { format!("say \"$({command} 2>/dev/null)\"\n") } else { "say ''\n".into() }
        };
        let script = [
            query.line(),
            format!("dot {quoted}\n"),
            ask(args.flag("get_md5"), "[ -f \"$p\" ] && md5sum < \"$p\"".into()),
            ask(args.flag("get_mime"), "file --mime-type --mime-encoding \"$p\"".into()),
            ask(args.flag("get_attributes"), "lsattr -vd \"$p\"".into()),
        ]
        .concat();
        let mut answer = files::ask(ctx.host, &script, Vec::new()).await?;
        let stat = match FileStatus::parse(&mut answer)? {
            None => [(Value::text("exists"), Value::Bool(false))].into_iter().collect(),
            Some(status) => {
                let (md5, mime, attributes) = (answer.text()?, answer.text()?, answer.text()?);
                result(&status, &Extra::parse(&args, &md5, &mime, &attributes))
            }
        };
        Ok(Outcome::ok().with("stat", stat))
    }
}
