//! A connection that a client wants forwarded: `ssh -J`, `ssh -L`, `ssh -W`.

use super::input::{Input, closed};
use russh::server::{ChannelOpenHandle, Msg};
use russh::{Channel, ChannelOpenFailure};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long an address of the lab may take to answer.
const CONNECT: Duration = Duration::from_secs(10);
/// Read at once.
const PART: usize = 32 << 10;

/// Connects, and carries both directions to their ends.
pub(super) async fn run(address: SocketAddr, channel: Channel<Msg>, reply: ChannelOpenHandle) {
    let connected = tokio::time::timeout(CONNECT, TcpStream::connect(address)).await;
    let Ok(Ok(stream)) = connected else {
        reply.reject(ChannelOpenFailure::ConnectFailed).await;
        return;
    };
    stream.set_nodelay(true).ok();
    reply.accept().await;
    let (mut from, mut to) = stream.into_split();
    let (read, write) = channel.split();
    let mut input = Input::new(read);
    let mut gone = input.closed.clone();
    let inward = async {
        while let Some(part) = input.next().await {
            if to.write_all(&part).await.is_err() {
                return;
            }
        }
        to.shutdown().await.ok();
    };
    let outward = async {
        let mut part = vec![0; PART];
        while let Ok(count @ 1..) = from.read(&mut part).await {
            let bytes = part.get(..count).unwrap_or_default().to_vec();
            if write.data_bytes(bytes).await.is_err() {
                return;
            }
        }
        write.eof().await.ok();
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(inward, outward) } => {}
        () = closed(&mut gone) => {}
    }
    // A client that is gone needs no answer.
    write.close().await.ok();
}
