//! A certificate authority that is made when the proxy starts and forgotten when it ends.

use std::{net::IpAddr, sync::Arc};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio_rustls::TlsAcceptor;

use crate::StartError;

/// The authority, and the one certificate it ever issues.
pub(super) struct Authority {
    pem: String,
    acceptor: TlsAcceptor,
}

impl Authority {
    /// Makes both. The authority's own key is dropped at once: it issues nothing more. Whoever trusts it trusts it for
    /// names of this machine only (RFC 5280 §4.2.1.10).
    pub(super) fn new(address: IpAddr, lapsed: bool) -> Result<Self, StartError> {
        Self::make(address, lapsed).map_err(|error| StartError::Key(error.to_string()))
    }

    fn make(address: IpAddr, lapsed: bool) -> Result<Self, Box<dyn std::error::Error>> {
        let mut root = CertificateParams::default();
        root.distinguished_name.push(DnType::CommonName, "Latchkey lab proxy, made on the spot");
        root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        root.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![
                GeneralSubtree::DnsName("localhost".into()),
                GeneralSubtree::IpAddress(CidrSubnet::V4([127, 0, 0, 0], [255, 0, 0, 0])),
                GeneralSubtree::IpAddress(CidrSubnet::V6(std::net::Ipv6Addr::LOCALHOST.octets(), [255; 16])),
            ],
            excluded_subtrees: Vec::new(),
        });
        let root_key = KeyPair::generate()?;
        let root_certificate = root.self_signed(&root_key)?;
        let issuer = Issuer::new(root, root_key);

        let mut leaf = CertificateParams::new(vec!["localhost".to_owned(), address.to_string()])?;
        leaf.distinguished_name.push(DnType::CommonName, "localhost");
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        if lapsed {
            leaf.not_after = rcgen::date_time_ymd(2020, 1, 1);
        }
        let leaf_key = KeyPair::generate()?;
        let certificate = leaf.signed_by(&leaf_key, &issuer)?;

        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone(), root_certificate.der().clone()], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { pem: root_certificate.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// The authority's certificate, for those who are to trust it.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }
}
