//! What stands in the certificates of authorities and of those they certify.

use const_oid::db::rfc4519::{COMMON_NAME, ORGANIZATION_NAME};
use const_oid::db::rfc5280::ID_KP_EMAIL_PROTECTION;
use der::Encode as _;
use der::asn1::Ia5String;
use spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder as _, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::pkix::constraints::name::{GeneralSubtree, NameConstraints};
use x509_cert::ext::pkix::crl::CrlDistributionPoints;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension as _};
use x509_cert::name::Name;

use crate::keyring::pair::{Pair, Signature};
use crate::keyring::personal::{Personal, distinguished_name};
use crate::keyring::{serial_number, validity};

/// Whose certificate it is.
pub(super) enum Subject<'a> {
    /// An authority's.
    Authority {
        /// Its name.
        name: Name,
        /// How many authorities there may be below it.
        path_len: u8,
        /// The domains whose addresses it may certify.
        domains: &'a [String],
    },
    /// A user's.
    User {
        /// Who it is.
        person: Personal,
        /// Where the revocation list of the issuer is.
        list_url: Option<&'a str>,
    },
}

/// The name of an authority: whose it is, which, and the number of its kind.
pub(super) fn authority_name(organisation: &str, kind: &str, number: usize) -> der::Result<Name> {
    let common_name = format!("{organisation} S/MIME {kind} {number}");
    distinguished_name(&[(ORGANIZATION_NAME, organisation), (COMMON_NAME, &common_name)])
}

/// Issues a certificate for `key`, valid between two instants in seconds since
/// 1970-01-01T00:00:00Z, by the key `signer` of the authority called `issuer`; none
/// signs itself. The DER.
pub(super) fn issue(
    subject: Subject<'_>,
    key: SubjectPublicKeyInfoOwned,
    instants: (u64, u64),
    issuer: Option<Name>,
    signer: &Pair,
) -> builder::Result<Vec<u8>> {
    let profile = Profile { subject, issuer };
    let builder = CertificateBuilder::new(profile, serial_number()?, validity(instants.0, instants.1)?, key)?;
    Ok(builder.build::<_, Signature>(signer)?.to_der()?)
}

struct Profile<'a> {
    subject: Subject<'a>,
    issuer: Option<Name>,
}

impl BuilderProfile for Profile<'_> {
    fn get_issuer(&self, subject: &Name) -> Name {
        self.issuer.clone().unwrap_or_else(|| subject.clone())
    }

    fn get_subject(&self) -> Name {
        match &self.subject {
            Subject::Authority { name, .. } => name.clone(),
            Subject::User { person, .. } => person.subject.clone(),
        }
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let name = tbs.subject();
        let none: &[Extension] = &[];
        let mut extensions = vec![
            SubjectKeyIdentifier::try_from(key)?.to_extension(name, none)?,
            AuthorityKeyIdentifier::try_from(issuer_key)?.to_extension(name, none)?,
        ];
        match &self.subject {
            Subject::Authority { path_len, domains, .. } => {
                let constraints = BasicConstraints { ca: true, path_len_constraint: Some(*path_len) };
                extensions.push(constraints.to_extension(name, none)?);
                let usage = KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign);
                extensions.push(usage.to_extension(name, none)?);
                extensions.push(permitted(domains)?.to_extension(name, none)?);
                if self.issuer.is_some() {
                    extensions.push(ExtendedKeyUsage(vec![ID_KP_EMAIL_PROTECTION]).to_extension(name, none)?);
                }
            }
            Subject::User { person, list_url } => {
                extensions.extend(person.extensions()?);
                if let Some(url) = list_url {
                    extensions.push(list_at(url)?.to_extension(name, none)?);
                }
            }
        }
        Ok(extensions)
    }
}

/// That mail addresses are of these domains (RFC 5280, section 4.2.1.10).
fn permitted(domains: &[String]) -> der::Result<NameConstraints> {
    let subtree = |domain: &String| {
        let base = GeneralName::Rfc822Name(Ia5String::new(domain)?);
        Ok(GeneralSubtree { base, minimum: 0, maximum: None })
    };
    let permitted = domains.iter().map(subtree).collect::<der::Result<_>>()?;
    Ok(NameConstraints { permitted_subtrees: Some(permitted), excluded_subtrees: None })
}

/// Where the revocation list is (RFC 5280, section 4.2.1.13).
fn list_at(url: &str) -> der::Result<CrlDistributionPoints> {
    let names = vec![GeneralName::UniformResourceIdentifier(Ia5String::new(url)?)];
    let point = DistributionPoint {
        distribution_point: Some(DistributionPointName::FullName(names)),
        reasons: None,
        crl_issuer: None,
    };
    Ok(CrlDistributionPoints(vec![point]))
}
