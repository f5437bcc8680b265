//! `template`: a rendered file of the controller.

use super::common::{find_local, read_local, with_rights};
use super::copy::{local_mode, template_of};
use super::put::{Put, basename, put};
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use async_trait::async_trait;
use mainstay_language::diag::Source;
use mainstay_language::template::{FileOptions, Site};
use mainstay_language::value::Text;

pub(super) struct Template;

static SPEC: Spec = Spec {
    names: &["template"],
    params: with_rights![
        Param::new("src", Kind::Path).required(),
        Param::new("dest", Kind::Path).required(),
        Param::new("backup", Kind::Bool).default("no"),
        Param::new("force", Kind::Bool).default("yes"),
        Param::new("follow", Kind::Bool).default("no"),
        Param::new("validate", Kind::Text),
        Param::new("newline_sequence", Kind::Text)
            .default("\n")
            .choices(&["\n", "\r", "\r\n", "\\n", "\\r", "\\r\\n"]),
        Param::new("output_encoding", Kind::Text).default("utf-8"),
        Param::new("trim_blocks", Kind::Bool).default("yes"),
        Param::new("lstrip_blocks", Kind::Bool).default("no"),
        Param::new("block_start_string", Kind::Text).default("{%"),
        Param::new("block_end_string", Kind::Text).default("%}"),
        Param::new("variable_start_string", Kind::Text).default("{{"),
        Param::new("variable_end_string", Kind::Text).default("}}"),
        Param::new("comment_start_string", Kind::Text).default("{#"),
        Param::new("comment_end_string", Kind::Text).default("#}"),
    ],
    ..BUILTIN
};

fn options(args: &Args) -> FileOptions {
    let text = |name: &str| args.text(name).unwrap_or_default().to_owned();
    let delimiters = [
        "block_start_string",
        "block_end_string",
        "variable_start_string",
        "variable_end_string",
        "comment_start_string",
        "comment_end_string",
    ]
    .map(text);
    let changed = delimiters != ["{%", "%}", "{{", "}}", "{#", "#}"];
    FileOptions {
        trim_blocks: args.flag("trim_blocks"),
        lstrip_blocks: args.flag("lstrip_blocks"),
        newline: text("newline_sequence").replace("\\n", "\n").replace("\\r", "\r"),
        delimiters: changed.then_some(delimiters),
    }
}

#[async_trait]
impl Module for Template {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let encoding = args.text("output_encoding").unwrap_or_default();
        if !encoding.eq_ignore_ascii_case("utf-8") && !encoding.eq_ignore_ascii_case("utf8") {
            return Err(Failure::msg(format!("output_encoding {encoding} is not supported")));
        }
        let path = find_local(ctx, "templates", args.text("src").unwrap_or_default())?;
        let name = path.display().to_string();
        let text = String::from_utf8(read_local(ctx, &path)?)
            .map_err(|_| Failure::msg(format!("{name} is not UTF-8")))?;
        let source = Source::new(name.clone(), text.clone());
        let mut search = ctx.search.to_vec();
        if let Some(parent) = path.parent() {
            search.insert(0, parent.to_path_buf());
        }
        let rendered = ctx
            .templar
            .file(
                &Text::written(text, source.start()),
                &ctx.scope,
                &Site { search: search.into() },
                &options(&args),
            )
            .map_err(|e| Failure::msg(e.diagnostic.to_string()))?;
        let mut shared = template_of(&args)?;
        if shared.rights.mode.as_deref() == Some("preserve") {
            shared.rights.mode = Some(local_mode(ctx, &path)?);
        }
        // In a directory the file keeps its name, ending and all.
        let file = basename(&name);
        let into = Put::bytes(rendered.into_bytes(), file.to_owned(), &shared.dest);
        let placed =
            Put { content: into.content, checksum: into.checksum, src: into.src, ..shared };
        let mut outcome = put(placed, ctx).await?;
        if outcome.fields.get("src").is_some() {
            outcome.fields.insert("src", name);
        }
        Ok(outcome)
    }
}
