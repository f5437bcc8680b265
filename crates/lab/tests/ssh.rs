//! The SSH server of a node as a client sees it that does unusual things: many channels, no reading, wrong keys, faults.

#![allow(
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod support;

use mainstay_lab::fault::Fault;
use russh::keys::{PrivateKeyWithHashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelMsg, ChannelOpenFailure, Sig, client};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::ssh::{Host, new_key};

/// A client that takes every host key, and remembers it.
struct Trusting(Arc<Mutex<Option<PublicKey>>>);

impl client::Handler for Trusting {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        key: &PublicKeyOrCertificate,
    ) -> Result<bool, Self::Error> {
        if let PublicKeyOrCertificate::PublicKey { key, .. } = key {
            *self.0.lock().unwrap() = Some(key.clone());
        }
        Ok(true)
    }
}

type Client = client::Handle<Trusting>;

async fn connect(host: &Host) -> (Client, PublicKey) {
    let seen = Arc::default();
    let config = Arc::new(client::Config { nodelay: true, ..client::Config::default() });
    let address = host.server.address();
    let client = client::connect(config, address, Trusting(Arc::clone(&seen))).await.unwrap();
    let key = seen.lock().unwrap().clone().unwrap();
    (client, key)
}

async fn login(host: &Host) -> Client {
    let (mut client, _) = connect(host).await;
    let key = PrivateKeyWithHashAlg::new(Arc::new(host.key.clone()), None);
    assert!(client.authenticate_publickey("root", key).await.unwrap().success());
    client
}

async fn exec(client: &Client, command: &str) -> Channel<client::Msg> {
    let channel = client.channel_open_session().await.unwrap();
    channel.exec(true, command).await.unwrap();
    channel
}

/// What came on a channel until its end: output, and the messages after it by name.
async fn read(channel: &mut Channel<client::Msg>) -> (Vec<u8>, Vec<String>) {
    let (mut output, mut rest) = (Vec::new(), Vec::new());
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => output.extend_from_slice(&data),
            ChannelMsg::ExitStatus { exit_status } => rest.push(format!("status {exit_status}")),
            ChannelMsg::ExitSignal { signal_name, .. } => {
                rest.push(format!("signal {signal_name:?}"));
            }
            ChannelMsg::Eof => rest.push("eof".to_owned()),
            ChannelMsg::Close => rest.push("close".to_owned()),
            ChannelMsg::Failure => rest.push("failure".to_owned()),
            _ => {}
        }
    }
    (output, rest)
}

async fn run(client: &Client, command: &str) -> (String, Vec<String>) {
    let (output, rest) = read(&mut exec(client, command).await).await;
    (String::from_utf8(output).unwrap(), rest)
}

#[tokio::test]
async fn the_status_comes_before_the_close() {
    let host = Host::new("w1").await;
    let client = login(&host).await;
    for _ in 0..20 {
        let (output, rest) = run(&client, "echo here; exit 7").await;
        assert_eq!((output.as_str(), rest.join(" ").as_str()), ("here\n", "status 7 eof close"));
    }
    let (_, rest) = run(&client, "kill -KILL $$").await;
    assert_eq!(rest.join(" "), "signal KILL eof close");
    assert_eq!(host.server.commands(), 21);
    host.finish().await;
}

#[tokio::test]
async fn only_those_log_in_who_may() {
    let host = Host::new("w1").await;
    let other = PrivateKeyWithHashAlg::new(Arc::new(new_key()), None);
    let (mut client, key) = connect(&host).await;
    assert_eq!(&key, host.door.public_key());
    assert!(!client.authenticate_publickey("root", other).await.unwrap().success());
    assert!(!client.authenticate_none("root").await.unwrap().success());
    assert!(!client.authenticate_password("ann", "guess").await.unwrap().success());
    assert!(!client.authenticate_password("root", "open sesame").await.unwrap().success());
    let known = PrivateKeyWithHashAlg::new(Arc::new(host.key.clone()), None);
    assert!(!client.authenticate_publickey("nobody", known).await.unwrap().success());
    assert!(client.authenticate_password("ann", "open sesame").await.unwrap().success());
    let (output, _) = run(&client, "echo $USER $HOME $SHELL; pwd").await;
    assert_eq!(output, "ann /home/ann /bin/sh\n/home/ann\n");
    host.finish().await;
}

#[tokio::test]
async fn the_eleventh_session_is_refused_and_an_ended_one_makes_room() {
    let host = Host::new("w1").await;
    let client = login(&host).await;
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(exec(&client, "read line").await);
    }
    let refused = client.channel_open_session().await;
    let reason = ChannelOpenFailure::ConnectFailed;
    assert!(matches!(refused, Err(russh::Error::ChannelOpenFailure(why)) if why == reason));
    held[0].eof().await.unwrap();
    assert_eq!(read(&mut held[0]).await.1.join(" "), "status 1 eof close");
    assert_eq!(run(&client, "echo room").await.0, "room\n");
    host.finish().await;
}

#[tokio::test]
async fn a_program_that_does_not_read_stops_nobody() {
    let host = Host::new("w1").await;
    let client = login(&host).await;
    let mut deaf = exec(&client, "sleep 1000").await;
    let bytes = vec![7; 5 << 20];
    deaf.data(&bytes[..]).await.unwrap();
    // Both ways at once, more than any window.
    let mut echo = exec(&client, "cat").await;
    let writer = {
        let half = echo.make_writer();
        let bytes = bytes.clone();
        tokio::spawn(async move {
            let mut half = half;
            tokio::io::AsyncWriteExt::write_all(&mut half, &bytes).await.unwrap();
            tokio::io::AsyncWriteExt::shutdown(&mut half).await.unwrap();
        })
    };
    let (output, rest) = read(&mut echo).await;
    assert!(output == bytes, "{} bytes came back", output.len());
    assert_eq!(rest.join(" "), "status 0 eof close");
    writer.await.unwrap();
    deaf.signal(Sig::TERM).await.unwrap();
    assert_eq!(read(&mut deaf).await.1.join(" "), "signal TERM eof close");
    host.finish().await;
}

#[tokio::test]
async fn unknown_requests_fail_and_harm_nothing() {
    let host = Host::new("w1").await;
    let client = login(&host).await;
    let mut channel = client.channel_open_session().await.unwrap();
    channel.request_subsystem(true, "netconf").await.unwrap();
    assert!(matches!(channel.wait().await, Some(ChannelMsg::Failure)));
    channel.set_env(true, "LD_PRELOAD", "x").await.unwrap();
    assert!(matches!(channel.wait().await, Some(ChannelMsg::Failure)));
    channel
        .exec(true, "trap 'echo heard; exit 4' TERM; echo ok; while :; do read x; done")
        .await
        .unwrap();
    while !matches!(channel.wait().await.unwrap(), ChannelMsg::Data { data } if data == b"ok\n"[..])
    {
    }
    channel.exec(true, "echo twice").await.unwrap();
    assert!(matches!(channel.wait().await, Some(ChannelMsg::Failure)));
    // The program is still the channel's.
    channel.signal(Sig::TERM).await.unwrap();
    let (output, rest) = read(&mut channel).await;
    assert_eq!((&output[..], rest.join(" ").as_str()), (&b"heard\n"[..], "status 4 eof close"));
    assert!(client.channel_open_direct_tcpip("127.0.0.1", 1, "127.0.0.1", 1).await.is_err());
    assert_eq!(run(&client, "echo on").await.0, "on\n");
    host.finish().await;
}

#[tokio::test]
async fn a_connection_is_cut_after_so_many_bytes_once() {
    let host = Host::new("w1").await;
    host.faults.add(Fault::CutBytes { node: "w2".to_owned(), bytes: 1 });
    host.faults.add(Fault::CutBytes { node: "w1".to_owned(), bytes: 100_000 });
    let client = login(&host).await;
    let mut channel = exec(&client, "head -c 1000000 /dev/zero; touch /var/done; sleep 1000").await;
    let (output, rest) = read(&mut channel).await;
    assert!((60_000..100_000).contains(&output.len()), "{}", output.len());
    assert!(!rest.contains(&"close".to_owned()), "{rest:?}");
    let client = login(&host).await;
    assert_eq!(run(&client, "head -c 1000000 /dev/zero").await.0.len(), 1_000_000);
    host.finish().await;
}

#[tokio::test]
async fn a_connection_is_cut_with_its_nth_command_which_goes_on() {
    let host = Host::new("w1").await;
    host.faults.add(Fault::CutExec { node: "w1".to_owned(), nth: 2 });
    let client = login(&host).await;
    assert_eq!(run(&client, "echo first").await.0, "first\n");
    let mut cut = exec(&client, "mkfifo /var/f; echo went on > /var/f").await;
    assert_eq!(read(&mut cut).await.1, Vec::<String>::new());
    let client = login(&host).await;
    let wait = "while [ ! -p /var/f ]; do :; done; cat /var/f";
    assert_eq!(run(&client, wait).await.0, "went on\n");
    host.finish().await;
}

#[tokio::test]
async fn delays_are_felt_and_end() {
    let host = Host::new("w1").await;
    let client = login(&host).await;
    let took = async || {
        let start = Instant::now();
        run(&client, "true").await;
        start.elapsed()
    };
    let by = Duration::from_millis(150);
    host.faults.add(Fault::Delay { node: "w1".to_owned(), by });
    // Opening, starting: two round trips, each delayed twice.
    assert!(took().await >= by * 4);
    host.faults.retain(|_| false);
    assert!(took().await < by * 4);
    host.finish().await;
}

#[tokio::test]
async fn keys_change_for_those_who_come_later_and_a_stop_cuts_all() {
    let host = Host::new("w1").await;
    let client = login(&host).await;
    let changed = new_key();
    host.server.change_host_key(changed.clone());
    assert_eq!(&connect(&host).await.1, changed.public_key());
    assert_eq!(run(&client, "echo still").await.0, "still\n");
    let mut running = exec(&client, "sleep 1000").await;
    let address = host.server.address();
    host.server.stop().await;
    assert_eq!(read(&mut running).await.1, Vec::<String>::new());
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    host.node.stop().await;
    host.bench.clean().await;
}

#[tokio::test]
async fn a_terminal_hangs_up_with_its_connection() {
    let host = Host::new("w1").await;
    let client = login(&host).await;
    let mut channel = client.channel_open_session().await.unwrap();
    channel.request_pty(true, "vt100", 80, 24, 0, 0, &[]).await.unwrap();
    let script = "trap 'echo hung up > /var/f; exit' HUP; mkfifo /var/f; echo ready; while :; do read x; done";
    channel.exec(true, script).await.unwrap();
    while !matches!(channel.wait().await.unwrap(), ChannelMsg::Data { data } if data.starts_with(b"ready"))
    {
    }
    channel.window_change(100, 30, 0, 0).await.unwrap();
    drop((channel, client));
    let client = login(&host).await;
    assert_eq!(run(&client, "cat /var/f").await.0, "hung up\n");
    host.finish().await;
}
