use super::*;
use crate::transport::files::{Walk, Write, walk, write};
use crate::transport::testing::{Scripted, ThisMachine, answer, host as host_on, says};
use std::sync::Arc;

const LINE: &str = "81a0|0|0|7|1795404020|1795404019|1795404029|65024|11019366|1|4096|8|0|0|root|UNKNOWN|\
                    2026-11-23 03:20:20.021884700 +0000|2026-11-23 03:20:19.736805400 +0000|2026-11-23 03:20:29 +0000";

#[test]
fn lines_of_stat() {
    let status = FileStatus::from_line("/f".into(), LINE).unwrap();
    assert_eq!(status.kind, FileType::File);
    assert_eq!(status.octal(), "0640");
    assert_eq!(status.owner.as_deref(), Some("root"));
    assert_eq!(status.group, None);
    assert_eq!(status.times, [1_795_404_020.021_884_7, 1_795_404_019.736_805_4, 1_795_404_029.0]);
    for (raw, kind) in [
        ("41ed", FileType::Directory),
        ("a1ff", FileType::Link),
        ("61b0", FileType::Block),
        ("2190", FileType::Character),
        ("11a4", FileType::Fifo),
        ("c1ed", FileType::Socket),
    ] {
        let line = LINE.replacen("81a0", raw, 1);
        assert_eq!(FileStatus::from_line("/f".into(), &line).unwrap().kind, kind);
    }
    for wrong in ["", "x|0", "81a0|0|0|7", "stat: cannot stat"] {
        assert_eq!(FileStatus::from_line("/f".into(), wrong), None, "{wrong}");
    }
}

#[tokio::test]
async fn answers_of_the_host() {
    let host = |said| host_on(Scripted::new([said]));
    let query = [Query::of("/f")];
    let absent = stat(&host(says("absent\0/f\0end\0")), &query).await.unwrap();
    assert_eq!(absent, [None]);
    for (said, why) in [
        (says("error\0/f\0stat: permission denied\0end\0"), "stat: permission denied"),
        (says("failed\0no space\0"), "no space"),
        (says(""), "the host's script ended early with status 0"),
        (Ok(answer(2, b"", "sh: bad")), "sh: bad"),
        (says("found\0/f\0rubbish\0\0\0\0\0end\0"), "stat answered: rubbish"),
        (says("end\0"), "the host's answer is too short"),
    ] {
        assert_eq!(stat(&host(said), &query).await.unwrap_err().to_string(), why);
    }
}

#[tokio::test]
async fn writes_reads_and_lists_here() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap().to_owned();
    let host = host_on(Arc::new(ThisMachine));
    let path = format!("{root}/it's a \"file\"\n$x");
    let content = b"a\0b\nc\0".to_vec();
    let written = write(&host, Write::bytes(&path, content.clone())).await.unwrap();
    assert_eq!(
        written.status.checksum.as_deref(),
        Some("1a8803c23aed8d80ad49acc8d6f8c29a8c23d86f")
    );
    assert_eq!(written.status.size, 6);
    let (status, back) = read(&host, &path, true).await.unwrap().unwrap();
    assert_eq!((status.size, back), (6, content));
    assert!(read(&host, &format!("{root}/nope"), true).await.unwrap().is_none());
    assert!(read(&host, &root, true).await.unwrap_err().to_string().contains("not a regular file"));

    let mut again = Write::bytes(&path, b"new".to_vec());
    again.backup = true;
    again.mode = Some(0o600);
    let written = write(&host, again).await.unwrap();
    assert_eq!(written.status.octal(), "0600");
    assert_eq!(std::fs::read(written.backup.unwrap()).unwrap(), b"a\0b\nc\0");

    let mut refused = Write::bytes(&path, b"worse".to_vec());
    refused.validate = Some(vec!["sh".into(), "-c".into(), "echo no; exit 3 # %s".into()]);
    assert!(matches!(
        write(&host, refused).await,
        Err(FileError::Invalid { code: 3, stdout, .. }) if stdout == "no"
    ));
    assert_eq!(std::fs::read(&path).unwrap(), b"new");

    let roots = [root.clone(), format!("{root}/nope")];
    let found =
        walk(&host, &Walk { roots: &roots, follow: false, depth: None, with_roots: false }).await;
    let found = found.unwrap();
    assert_eq!((found[0].files.len(), found[1].missing), (2, true));
    assert!(found[0].files.iter().any(|f| f.path == path && f.size == 3));
}
