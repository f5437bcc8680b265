//! What the modules about files share: mode, owner and group, results, and where relative controller files are.

use super::spec::{Kind, Param};
use super::{Args, Ctx, Failure, Outcome, words};
use crate::transport::Host;
use crate::transport::files::{self, FileError, FileStatus, FileType};
use mainstay_language::value::{Map, Value};
use std::path::{Path, PathBuf};

/// Parameters of every module that sets rights.
pub(super) const RIGHTS: [Param; 9] = [
    Param::new("mode", Kind::Mode),
    Param::new("owner", Kind::Text),
    Param::new("group", Kind::Text),
    Param::new("seuser", Kind::Text),
    Param::new("serole", Kind::Text),
    Param::new("setype", Kind::Text),
    Param::new("selevel", Kind::Text),
    Param::new("attributes", Kind::Text).aliases(&["attr"]),
    Param::new("unsafe_writes", Kind::Bool),
];

/// A list of parameters with those of [`RIGHTS`].
macro_rules! with_rights {
    ($($param:expr),* $(,)?) => {
        &[
            $($param,)*
            $crate::modules::common::RIGHTS[0], $crate::modules::common::RIGHTS[1],
            $crate::modules::common::RIGHTS[2], $crate::modules::common::RIGHTS[3],
            $crate::modules::common::RIGHTS[4], $crate::modules::common::RIGHTS[5],
            $crate::modules::common::RIGHTS[6], $crate::modules::common::RIGHTS[7],
            $crate::modules::common::RIGHTS[8],
        ]
    };
}
pub(super) use with_rights;

/// Mode, owner and group that are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rights {
    pub(super) mode: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) group: Option<String>,
}

/// What has to change about them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RightsChange {
    pub(super) mode: Option<u32>,
    pub(super) owner: Option<String>,
    pub(super) group: Option<String>,
}

impl RightsChange {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Rights {
    /// From arguments; what is not supported is refused by name.
    pub(super) fn of(args: &Args) -> Result<Self, Failure> {
        for name in ["seuser", "serole", "setype", "selevel", "attributes"] {
            if args.get(name).is_some() {
                return Err(Failure::msg(format!("{name} is not supported")));
            }
        }
        if args.flag("unsafe_writes") {
            return Err(Failure::msg("unsafe_writes is not supported: files are replaced whole"));
        }
        let text = |name: &str| args.text(name).filter(|t| !t.is_empty()).map(str::to_owned);
        let rights = Self { mode: text("mode"), owner: text("owner"), group: text("group") };
        if let Some(mode) = rights.mode.as_deref().filter(|m| *m != "preserve") {
            files::apply_mode(mode, 0, false, 0).map_err(Failure::msg)?;
        }
        Ok(rights)
    }

    /// What differs from a file as it is.
    pub(super) fn change(&self, now: &FileStatus, umask: u32) -> Result<RightsChange, Failure> {
        let mode = match &self.mode {
            // The mode of a link itself cannot be set.
            Some(spec) if !now.is(FileType::Link) => {
                let wanted = files::apply_mode(spec, now.mode, now.is(FileType::Directory), umask)
                    .map_err(Failure::msg)?;
                Some(wanted).filter(|mode| *mode != now.mode)
            }
            _ => None,
        };
        let differs = |wanted: &Option<String>, id: u32, name: &Option<String>| {
            wanted.clone().filter(|w| w.parse() != Ok(id) && Some(w) != name.as_ref())
        };
        Ok(RightsChange {
            mode,
            owner: differs(&self.owner, now.uid, &now.owner),
            group: differs(&self.group, now.gid, &now.group),
        })
    }

    /// The mode of a file that does not exist yet.
    pub(super) fn new_mode(&self, directory: bool, umask: u32) -> Result<Option<u32>, Failure> {
        let base = if directory { 0o777 } else { 0o666 } & !umask;
        self.mode
            .as_deref()
            .map(|spec| files::apply_mode(spec, base, directory, umask).map_err(Failure::msg))
            .transpose()
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Transport(error) => Self::Transport(error),
            FileError::Invalid { code, stdout, stderr } => Outcome::ok()
                .with("exit_status", code)
                .streams(&stdout, &stderr, false)
                .failed("failed to validate"),
            other => Self::msg(other.to_string()),
        }
    }
}

impl Outcome {
    /// `uid`, `gid`, `owner`, `group`, `mode`, `size` and `state` of a file.
    pub(super) fn file(mut self, status: &FileStatus) -> Self {
        let text = |name: &Option<String>, id: u32| name.clone().unwrap_or_else(|| id.to_string());
        self.fields.insert("uid", status.uid);
        self.fields.insert("gid", status.gid);
        self.fields.insert("owner", text(&status.owner, status.uid));
        self.fields.insert("group", text(&status.group, status.gid));
        self.fields.insert("mode", status.octal());
        self.fields.insert("size", status.size);
        self.fields.insert("state", state(status));
        self
    }
}

/// As results name what a path is.
pub(super) fn state(status: &FileStatus) -> &'static str {
    match status.kind {
        FileType::Link => "link",
        FileType::Directory => "directory",
        _ if status.links > 1 => "hard",
        _ => "file",
    }
}

/// A path of the host with `~` and variables replaced; asks the host only if there are any.
pub(super) async fn expand(host: &Host, path: &str) -> Result<String, Failure> {
    if !words::expands(path) {
        return Ok(path.to_owned());
    }
    let script = format!("printf '%s\\0' {}", words::expanding(path));
    let output = host.script(&script).await?;
    output
        .stdout
        .text()
        .strip_suffix('\0')
        .map(str::to_owned)
        .ok_or_else(|| Failure::msg(format!("the host could not expand {path}")))
}

/// A file or directory of the controller: as it is if absolute, else under the search directories, in their `kind`
/// (`files`, `templates`, `vars`) first.
pub(super) fn find_local(ctx: &Ctx<'_>, kind: &str, name: &str) -> Result<PathBuf, Failure> {
    let name_path = match name.strip_prefix("~/") {
        Some(rest) => PathBuf::from(ctx.outside.env("HOME").unwrap_or_default()).join(rest),
        None => PathBuf::from(name),
    };
    let mut tried = Vec::new();
    if name_path.is_absolute() {
        tried.push(name_path);
    } else {
        for dir in ctx.search.iter().cloned().chain([ctx.outside.directory()]) {
            for path in [dir.join(kind).join(&name_path), dir.join(&name_path)] {
                if !tried.contains(&path) {
                    tried.push(path);
                }
            }
        }
    }
    if let Some(found) = tried.iter().find(|path| ctx.outside.status(path).is_some()) {
        return Ok(found.clone());
    }
    let list: Vec<String> = tried.iter().map(|p| format!("\t{}", p.display())).collect();
    Err(Failure::msg(format!(
        "Could not find or access '{name}' on the controller; searched in:\n{}",
        list.join("\n")
    )))
}

/// The bytes of a controller file.
pub(super) fn read_local(ctx: &Ctx<'_>, path: &Path) -> Result<Vec<u8>, Failure> {
    ctx.outside.read(path).map_err(|e| Failure::msg(format!("{}: {e}", path.display())))
}

/// Hexadecimal SHA-1.
pub(super) fn sha1(bytes: &[u8]) -> String {
    use sha1::Digest;
    hex(&sha1::Sha1::digest(bytes))
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Larger contents are not shown in a diff, as in Ansible.
const DIFF_MAX_BYTES: usize = 104_448;

/// One entry of a text diff.
pub(super) fn text_diff(before: (&str, Option<&[u8]>), after: (&str, Option<&[u8]>)) -> Value {
    let mut map = Map::new();
    for (side, (header, bytes)) in [("before", before), ("after", after)] {
        let Some(bytes) = bytes else {
            map.insert(side, "");
            continue;
        };
        if bytes.len() > DIFF_MAX_BYTES {
            map.insert(if side == "before" { "dst_larger" } else { "src_larger" }, DIFF_MAX_BYTES);
        } else if bytes.contains(&0) {
            map.insert(if side == "before" { "dst_binary" } else { "src_binary" }, 1);
        } else {
            map.insert(side, String::from_utf8_lossy(bytes).into_owned());
        }
        map.insert(format!("{side}_header"), header);
    }
    Value::Map(map)
}

/// One entry of a diff of attributes: the keys that change, before and after.
pub(super) fn state_diff(path: &str, changes: &[(&str, Value, Value)]) -> Value {
    let side = |after: bool| {
        let mut map = Map::new();
        map.insert("path", path);
        for (key, old, new) in changes {
            map.insert(*key, if after { new.clone() } else { old.clone() });
        }
        map
    };
    let mut map = Map::new();
    map.insert("before", side(false));
    map.insert("after", side(true));
    Value::Map(map)
}

/// Shell lines and the answer that most changes end with: the umask, as `say` writes it.
pub(super) const UMASK: &str = "say \"$(umask)\"\n";

/// Reads what [`UMASK`] said.
pub(super) fn umask(answer: &mut files::Answer) -> Result<u32, Failure> {
    let text = answer.text()?;
    u32::from_str_radix(text.trim(), 8).map_err(|_| Failure::msg(format!("umask says {text}")))
}
