//! The cluster's certificates.

use base64::Engine;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use std::net::IpAddr;

/// Days for which certificates are valid, as kubeadm makes them; authorities ten times as long.
const DAYS: i64 = 365;

/// A certificate could not be made.
#[derive(Debug, thiserror::Error)]
#[error("a certificate cannot be made: {0}")]
pub struct AuthorityError(#[from] rcgen::Error);

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its private key, PKCS #8.
    pub key: String,
}

// The key has no place in a log.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// A certificate authority, and the token of the one administrator.
pub struct Authority {
    name: String,
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
    key: String,
    token: String,
    endpoints: Vec<IpAddr>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Authority {
    /// The authority of a cluster, `kubernetes`.
    ///
    /// # Errors
    /// The machine has no randomness.
    pub fn new() -> Result<Self, AuthorityError> {
        Self::named("kubernetes")
    }

    /// Another one that a cluster needs: `front-proxy-ca`, `etcd-ca`.
    ///
    /// # Errors
    /// The machine has no randomness.
    pub fn named(name: &str) -> Result<Self, AuthorityError> {
        let mut params = params(name, &[], 10 * DAYS)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyCertSign,
        ];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let text = key.serialize_pem();
        let token = uuid::Uuid::new_v4().simple().to_string();
        Ok(Self {
            name: name.to_owned(),
            certificate,
            issuer: Issuer::new(params, key),
            key: text,
            token,
            endpoints: Vec::new(),
        })
    }

    /// Its own certificate, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        self.certificate.pem()
    }

    /// Its private key, as PEM.
    #[must_use]
    pub fn ca_key_pem(&self) -> &str {
        &self.key
    }

    pub(super) fn ca_der(&self) -> Vec<u8> {
        self.certificate.der().to_vec()
    }

    /// Certificates of API servers are for this address too, the one that all nodes call the API (kubeadm's
    /// `controlPlaneEndpoint`).
    #[must_use]
    pub fn with_endpoint(mut self, address: IpAddr) -> Self {
        self.endpoints.push(address);
        self
    }

    pub(super) fn endpoints(&self) -> &[IpAddr] {
        &self.endpoints
    }

    /// The token that a client may send instead of a certificate.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// A certificate for a server at these names and addresses.
    ///
    /// # Errors
    /// A name that cannot be one.
    pub fn server_certificate(
        &self,
        names: &[&str],
        addresses: &[IpAddr],
    ) -> Result<Identity, AuthorityError> {
        let mut params = params(names.first().copied().unwrap_or("kube-apiserver"), &[], DAYS)?;
        for name in names {
            params.subject_alt_names.push(SanType::DnsName((*name).try_into()?));
        }
        params
            .subject_alt_names
            .extend(addresses.iter().map(|address| SanType::IpAddress(*address)));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    /// A certificate for a client: its user and its groups.
    ///
    /// # Errors
    /// A name that cannot be one.
    pub fn client_certificate(
        &self,
        user: &str,
        groups: &[&str],
    ) -> Result<Identity, AuthorityError> {
        let mut params = params(user, groups, DAYS)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    fn sign(&self, mut params: CertificateParams) -> Result<Identity, AuthorityError> {
        params.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// A kubeconfig with embedded certificates, laid out as `/etc/kubernetes/admin.conf`.
    ///
    /// # Errors
    /// The machine has no randomness.
    pub fn admin_kubeconfig(&self, server_url: &str) -> Result<String, AuthorityError> {
        self.kubeconfig(server_url, "kubernetes-admin", &["kubeadm:cluster-admins"])
    }

    /// The same for any user.
    ///
    /// # Errors
    /// The machine has no randomness.
    pub fn kubeconfig(
        &self,
        server_url: &str,
        user: &str,
        groups: &[&str],
    ) -> Result<String, AuthorityError> {
        let client = self.client_certificate(user, groups)?;
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let context = format!("{user}@{}", self.name);
        let name = &self.name;
        let (ca, certificate, key) =
            (encode(&self.ca_pem()), encode(&client.certificate), encode(&client.key));
        Ok(format!(
            "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {ca}\n    server: {server_url}\n  name: {name}\n\
             contexts:\n- context:\n    cluster: {name}\n    user: {user}\n  name: {context}\ncurrent-context: {context}\n\
             kind: Config\npreferences: {{}}\nusers:\n- name: {user}\n  user:\n    client-certificate-data: {certificate}\n    \
             client-key-data: {key}\n"
        ))
    }
}

fn params(user: &str, groups: &[&str], days: i64) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::new(Vec::new())?;
    let mut name = DistinguishedName::new();
    for group in groups {
        name.push(DnType::OrganizationName, *group);
    }
    name.push(DnType::CommonName, user);
    params.distinguished_name = name;
    // From yesterday on: the clock of a node may be behind.
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let moment = |days: i64| {
        let date = today.saturating_add(jiff::Span::new().days(days));
        let part = |number: i8| u8::try_from(number).unwrap_or(1);
        date_time_ymd(i32::from(date.year()), part(date.month()), part(date.day()))
    };
    params.not_before = moment(-1);
    params.not_after = moment(days);
    Ok(params)
}
