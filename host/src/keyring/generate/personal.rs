//! The certificate of a person who signs, and to whom others encrypt (RFC 8550,
//! section 4.4), or of a domain (RFC 3183): what stands in it, whoever issues it.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc4519::COMMON_NAME;
use const_oid::db::rfc5280::ID_KP_EMAIL_PROTECTION;
use der::asn1::{Any, Ia5String, SetOfVec, Utf8StringRef};
use der::{Decode, Encode};
use smime::domain::Authority;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::builder;
use x509_cert::ext::pkix::name::{GeneralName, OtherName};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

/// id-on-SmtpUTF8Mailbox (RFC 9598, section 3).
const ID_ON_SMTP_UTF8_MAILBOX: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.8.9");
/// The most characters of a common name (RFC 5280, appendix A).
const MAX_COMMON_NAME: usize = 64;

/// Whose certificate it is: a subject, and the extensions that go with it.
pub(crate) struct Personal {
    /// The distinguished name.
    pub(crate) subject: Name,
    /// That it is no authority's.
    pub(crate) constraints: BasicConstraints,
    /// What its key is for.
    pub(crate) key_usage: KeyUsage,
    /// That it is for mail.
    pub(crate) extended_key_usage: ExtendedKeyUsage,
    /// The mail address.
    pub(crate) names: SubjectAltName,
}

impl Personal {
    /// That of the mailbox `address`, as [`super::super::normalise`] writes it,
    /// whose key does what `key_usage` says.
    pub(crate) fn new(address: &str, key_usage: KeyUsage) -> der::Result<Self> {
        Ok(Self {
            subject: subject(address)?,
            constraints: BasicConstraints { ca: false, path_len_constraint: None },
            key_usage,
            extended_key_usage: ExtendedKeyUsage(vec![ID_KP_EMAIL_PROTECTION]),
            names: SubjectAltName(vec![mailbox(address)?]),
        })
    }

    /// The extensions, in their order.
    pub(crate) fn extensions(&self) -> builder::Result<[Extension; 4]> {
        let none: &[Extension] = &[];
        Ok([
            self.constraints.to_extension(&self.subject, none)?,
            self.key_usage.to_extension(&self.subject, none)?,
            self.extended_key_usage.to_extension(&self.subject, none)?,
            self.names.to_extension(&self.subject, none)?,
        ])
    }
}

/// The address as common name; of a domain's authority its name alone, by which it
/// is known (RFC 3183, section 3.1.1).
fn subject(address: &str) -> der::Result<Name> {
    let known_by = match address.rsplit_once('@') {
        Some((local, _)) if Authority::is_named_by(address) => local,
        _ => address,
    };
    let common_name: String = known_by.chars().take(MAX_COMMON_NAME).collect();
    distinguished_name(&[(COMMON_NAME, &common_name)])
}

/// A name of these attributes, the most general first.
pub(crate) fn distinguished_name(attributes: &[(ObjectIdentifier, &str)]) -> der::Result<Name> {
    let relative = |(oid, text): &(ObjectIdentifier, &str)| {
        let value = Any::encode_from(&Utf8StringRef::new(text)?)?;
        Ok(RelativeDistinguishedName::from(SetOfVec::try_from(vec![AttributeTypeAndValue { oid: *oid, value }])?))
    };
    let names = attributes.iter().map(relative).collect::<der::Result<Vec<_>>>()?;
    Name::from_der(&RdnSequence::from(names).to_der()?)
}

fn mailbox(address: &str) -> der::Result<GeneralName> {
    if address.is_ascii() {
        return Ok(GeneralName::Rfc822Name(Ia5String::new(address)?));
    }
    let value = Any::encode_from(&Utf8StringRef::new(address)?)?;
    Ok(GeneralName::OtherName(OtherName { type_id: ID_ON_SMTP_UTF8_MAILBOX, value }))
}
