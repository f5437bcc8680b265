//! A node's operator becomes root, as playbooks do with `become`.

#![allow(
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use mainstay_lab::lab::{Config, Lab, Place};
use mainstay_lab::pace::Pace;
use russh::keys::{PrivateKeyWithHashAlg, PublicKeyOrCertificate, load_secret_key};
use russh::{ChannelMsg, client};
use std::path::PathBuf;
use std::sync::Arc;

struct Trusting;

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sudo_leaves_the_rest_of_a_script_to_its_shell() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config {
        place: Place::new(dir.path().join("lab")),
        player: PathBuf::from(env!("CARGO_BIN_EXE_mainstay-lab-player")),
        control_planes: 1,
        workers: 0,
        version: "1.36.3".parse().unwrap(),
        pace: Pace::faster(100),
        faults: Vec::new(),
    };
    let lab = Lab::start(config).await.unwrap();
    let node = lab.nodes().next().unwrap().clone();
    let sudoers = lab.place().directory().join("nodes/cp1/root/etc/sudoers.d");
    std::fs::create_dir_all(&sudoers).unwrap();
    std::fs::write(sudoers.join("user"), format!("{} ALL=(ALL) NOPASSWD: ALL\n", node.user))
        .unwrap();
    let key = load_secret_key(lab.place().key(), None).unwrap();
    let mut client =
        client::connect(Arc::default(), (node.address, node.port), Trusting).await.unwrap();
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
    assert!(client.authenticate_publickey(&node.user, key).await.unwrap().success());
    let mut channel = client.channel_open_session().await.unwrap();
    channel.exec(true, "sh").await.unwrap();
    let script =
        "sudo -n id -u\nsudo -n sh -c 'exit 9'; echo $?\necho word | sudo -n cat\necho last\n";
    channel.data(script.as_bytes()).await.unwrap();
    channel.eof().await.unwrap();
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => output.extend_from_slice(&data),
            ChannelMsg::ExtendedData { data, .. } => errors.extend_from_slice(&data),
            _ => {}
        }
    }
    let output = String::from_utf8(output).unwrap();
    assert_eq!(output, "0\n9\nword\nlast\n", "{}", String::from_utf8_lossy(&errors));
    lab.stop().await.unwrap();
}
