//! Certificates of a PEM bundle, as DER.

use super::ClusterError;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Every certificate; at least one.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, ClusterError> {
    let failed = |why: String| ClusterError::Config(format!("CA certificate: {why}"));
    let text = std::str::from_utf8(pem).map_err(|e| failed(e.to_string()))?;
    let mut found = Vec::new();
    for block in text.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let body = block
            .split("-----END CERTIFICATE-----")
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect::<String>();
        found.push(BASE64_STANDARD.decode(body).map_err(|e| failed(e.to_string()))?);
    }
    if found.is_empty() { Err(failed("no PEM certificate in it".into())) } else { Ok(found) }
}
