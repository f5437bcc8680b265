//! `slurp`: a file's content, in Base64; at most 32 MiB of it.

use super::common::expand;
use super::spec::{Args, BUILTIN, Kind, Param, Spec};
use super::{Ctx, Failure, Module, Outcome};
use crate::transport::files::{self, FileError};
use async_trait::async_trait;
use base64::Engine;

pub(super) struct Slurp;

static SPEC: Spec = Spec {
    names: &["slurp"],
    params: &[Param::new("src", Kind::Path).required().aliases(&["path"])],
    ..BUILTIN
};

/// What a result may hold: it goes to every report and the journal.
const MOST: usize = 32 << 20;

#[async_trait]
impl Module for Slurp {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    async fn run(&self, args: Args, ctx: &mut Ctx<'_>) -> Result<Outcome, Failure> {
        let path = expand(ctx.host, args.text("src").unwrap_or_default()).await?;
        let mut bytes = Vec::new();
        let read = files::stream(ctx.host, &path, |part| {
            if bytes.len() + part.len() > MOST {
                let most = MOST >> 20;
                let message = format!("{path} is larger than {most} MiB: use fetch for it");
                return Err(FileError::Refused(message));
            }
            bytes.extend_from_slice(part);
            Ok(())
        });
        match read.await {
            Ok(()) => {}
            Err(FileError::Refused(why)) => return Err(Failure::msg(why)),
            Err(other) => return Err(other.into()),
        }
        Ok(Outcome::ok()
            .with("content", base64::engine::general_purpose::STANDARD.encode(bytes))
            .with("source", path)
            .with("encoding", "base64"))
    }
}

#[cfg(test)]
mod tests {
    use crate::modules::testing::Bench;
    use base64::Engine;
    use serde_json::json;

    #[tokio::test]
    async fn slurps_here_up_to_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let bench = Bench::here();
        let name = path.display().to_string();
        let args = json!({"src": name});
        for size in [0, 3, 5 << 20, super::MOST] {
            let bytes: Vec<u8> = (0..size).map(|at| (at % 256) as u8).collect();
            std::fs::write(&path, &bytes).unwrap();
            let got = bench.json("slurp", args.clone()).await;
            let content = got["content"].as_str().unwrap();
            let content = base64::engine::general_purpose::STANDARD.decode(content).unwrap();
            assert!(content == bytes, "{size}");
            assert_eq!((&got["source"], &got["encoding"]), (&json!(name), &json!("base64")));
        }
        std::fs::File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .set_len(super::MOST as u64 + 1)
            .unwrap();
        let told = format!("{name} is larger than 32 MiB: use fetch for it");
        assert_eq!(bench.json("slurp", args.clone()).await["msg"], told);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(bench.json("slurp", args).await["msg"], format!("File not found: {name}"));
    }
}
