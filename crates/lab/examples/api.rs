//! Serves the lab's API with its controllers and three nodes until its standard input ends, for `tests/real/run api` and for
//! trying out: `cargo run -p mainstay-lab --example api -- KUBECONFIG`, which it writes.

use mainstay_lab::api::{ApiServer, Authority};
use mainstay_lab::controllers::{self, KubeletView};
use mainstay_lab::fault::Faults;
use mainstay_lab::pace::Pace;
use mainstay_lab::store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::io::AsyncReadExt;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: api KUBECONFIG")?;
    let (pace, faults) = (Pace::faster(20), Arc::<Faults>::default());
    let store = Store::with_faults(pace, Arc::clone(&faults));
    let authority = Authority::new()?;
    let version = semver::Version::new(1, 36, 3);
    let server = ApiServer::start("127.0.0.1:0".parse()?, &authority, Arc::clone(&store), version, Arc::clone(&faults), "cp1").await?;
    let _controllers = controllers::start(Arc::clone(&store), pace, Arc::clone(&faults));
    let mut kubelets = Vec::new();
    for number in 1..=3 {
        let capacity = [("cpu", "2"), ("memory", "4Gi"), ("pods", "110")];
        let view = KubeletView {
            version: "1.36.3".into(),
            ready: true,
            addresses: vec![format!("127.0.0.{number}")],
            boot_id: "1".into(),
            os_image: "Debian GNU/Linux 12 (bookworm)".into(),
            kernel: "6.1.0".into(),
            runtime_version: "containerd://2.0.0".into(),
            capacity: capacity.map(|(name, amount)| (name.to_owned(), amount.to_owned())).into_iter().collect::<BTreeMap<_, _>>(),
            ..KubeletView::default()
        };
        let (view, views) = tokio::sync::watch::channel(Some(view));
        let kubelet = controllers::kubelet(Arc::clone(&store), &format!("w{number}"), views, pace, Arc::clone(&faults));
        kubelets.push((view, kubelet));
    }
    tokio::fs::write(&path, authority.admin_kubeconfig(&format!("https://{}", server.address()))?).await?;
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    server.stop().await;
    Ok(())
}
