//! One certificate revocation list (RFC 5280, section 5), read in place: it may
//! have hundreds of thousands of entries.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5280::{
    ID_CE_CERTIFICATE_ISSUER, ID_CE_CRL_REASONS, ID_CE_DELTA_CRL_INDICATOR, ID_CE_INVALIDITY_DATE,
    ID_CE_ISSUING_DISTRIBUTION_POINT,
};
use der::asn1::{AnyRef, BitStringRef};
use der::{Decode, Reader as _, SliceReader, Tag, TagMode, TagNumber, Tagged};
use spki::AlgorithmIdentifierOwned;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::crl::dp::IssuingDistributionPoint;
use x509_cert::ext::pkix::name::DistributionPointName;
use x509_cert::time::Time;

use super::Certificate;
use super::distinguished_name::DistinguishedName;

/// ```text
/// CertificateList ::= SEQUENCE {
///   tbsCertList        TBSCertList,
///   signatureAlgorithm AlgorithmIdentifier,
///   signatureValue     BIT STRING }
/// ```
pub struct RevocationList<'a> {
    tbs: &'a [u8],
    signature_algorithm: AlgorithmIdentifierOwned,
    signature: &'a [u8],
    issuer: &'a [u8],
    this_update: u64,
    next_update: Option<u64>,
    /// The entries, one after the other.
    entries: &'a [u8],
    scope: Scope,
}

/// What a list is about.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Its entries may name another issuer.
    pub indirect: bool,
    /// End entities alone.
    pub users_only: bool,
    /// Authorities alone.
    pub authorities_only: bool,
    /// Attribute certificates, or a part of the reasons: it can tell that one is
    /// revoked, and not that it is not.
    pub partial: bool,
    /// Those alone that have this distribution point.
    pub point: Option<DistributionPointName>,
}

impl<'a> RevocationList<'a> {
    /// Reads a DER list. None if it does not parse, is a delta, or has a critical
    /// extension that is not known.
    pub fn from_der(encoded: &'a [u8]) -> Option<Self> {
        Self::read(encoded).ok().flatten()
    }

    fn read(encoded: &'a [u8]) -> der::Result<Option<Self>> {
        let whole = AnyRef::from_der(encoded)?;
        whole.tag().assert_eq(Tag::Sequence)?;
        let mut reader = SliceReader::new(whole.value())?;
        let tbs = reader.tlv_bytes()?;
        let signature_algorithm = AlgorithmIdentifierOwned::decode(&mut reader)?;
        let signature = BitStringRef::decode(&mut reader)?;
        let signature = signature.as_bytes().ok_or_else(|| Tag::BitString.value_error())?;
        reader.finish()?;
        Self::read_tbs(tbs, signature_algorithm, signature)
    }

    /// ```text
    /// TBSCertList ::= SEQUENCE {
    ///   version             Version OPTIONAL,
    ///   signature           AlgorithmIdentifier,
    ///   issuer              Name,
    ///   thisUpdate          Time,
    ///   nextUpdate          Time OPTIONAL,
    ///   revokedCertificates SEQUENCE OF SEQUENCE { … } OPTIONAL,
    ///   crlExtensions       [0] EXPLICIT Extensions OPTIONAL }
    /// ```
    fn read_tbs(
        tbs: &'a [u8],
        signature_algorithm: AlgorithmIdentifierOwned,
        signature: &'a [u8],
    ) -> der::Result<Option<Self>> {
        let content = AnyRef::from_der(tbs)?;
        content.tag().assert_eq(Tag::Sequence)?;
        let mut reader = SliceReader::new(content.value())?;
        if Tag::peek(&reader)? == Tag::Integer {
            reader.tlv_bytes()?;
        }
        if AlgorithmIdentifierOwned::decode(&mut reader)? != signature_algorithm {
            return Ok(None);
        }
        let issuer = reader.tlv_bytes()?;
        let this_update = seconds(Time::decode(&mut reader)?);
        let mut next_update = None;
        let mut entries: &[u8] = &[];
        let mut extensions: Option<Vec<Extension>> = None;
        while !reader.is_finished() {
            match Tag::peek(&reader)? {
                Tag::UtcTime | Tag::GeneralizedTime if next_update.is_none() => {
                    next_update = Some(seconds(Time::decode(&mut reader)?));
                }
                Tag::Sequence if entries.is_empty() => entries = AnyRef::decode(&mut reader)?.value(),
                Tag::ContextSpecific { number: TagNumber(0), .. } if extensions.is_none() => {
                    extensions = reader.context_specific(TagNumber(0), TagMode::Explicit)?;
                }
                other => return Err(other.unexpected_error(None).into()),
            }
        }
        let Some(scope) = scope(&extensions.unwrap_or_default()) else { return Ok(None) };
        Ok(Some(Self { tbs, signature_algorithm, signature, issuer, this_update, next_update, entries, scope }))
    }

    /// The DER of the `TBSCertList`: what is signed.
    pub fn tbs(&self) -> &[u8] {
        self.tbs
    }

    /// The algorithm of its signature.
    pub fn signature_algorithm(&self) -> &AlgorithmIdentifierOwned {
        &self.signature_algorithm
    }

    /// Its signature.
    pub fn signature(&self) -> &[u8] {
        self.signature
    }

    /// The DER of the `Name` of its issuer.
    pub fn issuer_der(&self) -> &[u8] {
        self.issuer
    }

    /// Whether `now`, in seconds since 1970-01-01T00:00:00Z, is between its
    /// issue and the next one.
    pub fn is_current(&self, now: u64) -> bool {
        self.this_update <= now && self.next_update.is_some_and(|next| now <= next)
    }

    /// What it is about.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whether `certificate` is on it. None if an entry does not parse, or has a
    /// critical extension that is not known: then nothing can be concluded.
    pub fn lists(&self, certificate: &Certificate) -> Option<bool> {
        let mut reader = SliceReader::new(self.entries).ok()?;
        let wanted = DistinguishedName::from_der(certificate.issuer_der()).ok()?;
        // That of the list, until an entry names another, which then holds for
        // those that follow (RFC 5280, section 5.3.3).
        let mut concerned = DistinguishedName::from_der(self.issuer).ok()? == wanted;
        let mut listed = false;
        while !reader.is_finished() {
            let entry = Entry::read(AnyRef::decode(&mut reader).ok()?)?;
            if let (true, Some(names)) = (self.scope.indirect, entry.issuer) {
                concerned = names_directory(names, &wanted)?;
            }
            listed |= concerned && certificate.has_serial(entry.serial);
        }
        Some(listed)
    }
}

/// ```text
/// SEQUENCE {
///   userCertificate    CertificateSerialNumber,
///   revocationDate     Time,
///   crlEntryExtensions Extensions OPTIONAL }
/// ```
struct Entry<'a> {
    serial: &'a [u8],
    /// The value of certificateIssuer.
    issuer: Option<&'a [u8]>,
}

impl<'a> Entry<'a> {
    fn read(encoded: AnyRef<'a>) -> Option<Self> {
        encoded.tag().assert_eq(Tag::Sequence).ok()?;
        let mut reader = SliceReader::new(encoded.value()).ok()?;
        let serial = AnyRef::decode(&mut reader).ok()?;
        serial.tag().assert_eq(Tag::Integer).ok()?;
        reader.tlv_bytes().ok()?;
        let mut issuer = None;
        if !reader.is_finished() {
            let extensions = AnyRef::decode(&mut reader).ok()?;
            let mut extensions = SliceReader::new(extensions.value()).ok()?;
            while !extensions.is_finished() {
                let (kind, critical, value) = extension(AnyRef::decode(&mut extensions).ok()?).ok()?;
                match kind {
                    ID_CE_CERTIFICATE_ISSUER => issuer = Some(value),
                    ID_CE_CRL_REASONS | ID_CE_INVALIDITY_DATE => {}
                    _ if critical => return None,
                    _ => {}
                }
            }
        }
        Some(Self { serial: serial.value(), issuer })
    }
}

/// An extension without a copy: what it is, whether it is critical, its value.
fn extension<'a>(encoded: AnyRef<'a>) -> der::Result<(ObjectIdentifier, bool, &'a [u8])> {
    encoded.tag().assert_eq(Tag::Sequence)?;
    let mut reader = SliceReader::new(encoded.value())?;
    let kind = ObjectIdentifier::decode(&mut reader)?;
    let critical = Tag::peek(&reader)? == Tag::Boolean && bool::decode(&mut reader)?;
    let value = AnyRef::decode(&mut reader)?;
    value.tag().assert_eq(Tag::OctetString)?;
    Ok((kind, critical, value.value()))
}

/// Whether `GeneralNames` in DER hold the directory name `wanted`.
fn names_directory(encoded: &[u8], wanted: &DistinguishedName<'_>) -> Option<bool> {
    let names = super::general_name::sequence(encoded).ok()?;
    Some(names.iter().any(|name| matches!(name, super::general_name::GeneralName::Directory(found) if found == wanted)))
}

/// What the extensions of a list say of its scope; none for a delta, and for
/// what is critical and not known.
fn scope(extensions: &[Extension]) -> Option<Scope> {
    let mut scope = Scope::default();
    for extension in extensions {
        match extension.extn_id {
            ID_CE_ISSUING_DISTRIBUTION_POINT => {
                let point = IssuingDistributionPoint::from_der(extension.extn_value.as_bytes()).ok()?;
                scope = Scope {
                    indirect: point.indirect_crl,
                    users_only: point.only_contains_user_certs,
                    authorities_only: point.only_contains_ca_certs,
                    partial: point.only_contains_attribute_certs || point.only_some_reasons.is_some(),
                    point: point.distribution_point,
                };
            }
            ID_CE_DELTA_CRL_INDICATOR => return None,
            _ if extension.critical => return None,
            _ => {}
        }
    }
    Some(scope)
}

fn seconds(time: Time) -> u64 {
    time.to_unix_duration().as_secs()
}
