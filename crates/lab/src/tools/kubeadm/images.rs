//! `kubeadm config images list` and `pull`.

use super::{argument, error, handles, klog, parse, release};
use crate::tools::flags::{Flag, switch, value};
use crate::tools::session::{Done, Failed, Session};
use semver::Version;

const FLAGS: [Flag; 5] = [
    value("kubernetes-version"),
    value("image-repository"),
    value("output").or('o'),
    value("cri-socket"),
    switch("experimental-output"),
];

async fn wanted(session: &Session, version: &Version) -> Result<Vec<String>, Failed> {
    let flags = parse(session, 3, &FLAGS)?;
    if let Some(output) = flags.get("output").filter(|output| *output != "text") {
        return Err(error(format!("-o {output} is not supported by the lab")));
    }
    let of = match flags.get("kubernetes-version") {
        Some(text) => argument(text)?,
        None => {
            // The newest release of all is looked up in the internet, which the lab has not.
            let why = "could not fetch a Kubernetes version from the internet: unable to get URL \
                       \"https://dl.k8s.io/release/stable-1.txt\": Get \"https://dl.k8s.io/release/stable-1.txt\": dial tcp: lookup \
                       dl.k8s.io: no such host";
            session.complain(klog(session, 'W', "version.go:108", why)).await;
            let text = format!("falling back to the local client version: v{version}");
            session.complain(klog(session, 'W', "version.go:109", &text)).await;
            version.clone()
        }
    };
    handles(version, &of)?;
    let images = release(session, version)?.images(&of);
    Ok(match flags.get("image-repository") {
        Some(repository) => images
            .iter()
            .map(|image| {
                let image = image.replace("registry.k8s.io/coredns/", "registry.k8s.io/");
                image.replace("registry.k8s.io", repository)
            })
            .collect(),
        None => images,
    })
}

pub(super) async fn list(session: &Session, version: &Version) -> Done {
    let images = wanted(session, version).await?;
    session.out(images.join("\n") + "\n").await;
    Ok(0)
}

pub(super) async fn pull(session: &Session, version: &Version) -> Done {
    for image in wanted(session, version).await? {
        crate::tools::images::fetch(session, &image).await.map_err(|why| {
            error(format!("failed to pull image \"{image}\": failed to pull image {image}: {why}"))
        })?;
        session.line(format!("[config/images] Pulled {image}")).await;
    }
    Ok(0)
}
