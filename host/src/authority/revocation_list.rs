//! Revocation lists (RFC 5280, section 5).

use der::Encode as _;
use der::asn1::BitString;
use signature::{Keypair as _, Signer as _};
use spki::{DynSignatureAlgorithmIdentifier as _, SubjectPublicKeyInfoOwned};
use x509_cert::Version;
use x509_cert::builder;
use x509_cert::crl::{CertificateList, RevokedCert, TbsCertList};
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, CrlNumber, CrlReason};
use x509_cert::ext::{Extension, ToExtension as _};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;

use super::error::{AuthorityError, cryptography};
use super::found::Issuer;
use super::issue::Authority;
use super::ledger::{self, RevokedRow};
use crate::keyring::pair::Signature;
use crate::keyring::{in_days, time};

impl Authority {
    /// The revocation lists of all authorities that are valid at `now` (seconds since
    /// 1970-01-01T00:00:00Z): the newest first, those that issue before the roots.
    /// The DER of each, with a number of its own.
    pub fn revocation_lists(&self, now: u64) -> Result<Vec<Vec<u8>>, AuthorityError> {
        let mut rows = self.authorities()?;
        if rows.is_empty() {
            return Err(AuthorityError::None);
        }
        rows.sort_by_key(|row| (row.issuer.is_none(), std::cmp::Reverse(row.id)));
        let mut lists = Vec::new();
        for row in &rows {
            let issuer = self.at_work(row)?;
            if issuer.facts.is_valid_at(now) {
                lists.push(self.revocation_list(&issuer, now)?);
            }
        }
        Ok(lists)
    }

    fn revocation_list(&self, issuer: &Issuer, now: u64) -> Result<Vec<u8>, AuthorityError> {
        let (number, revoked) = self.keyring.change(|transaction, _| {
            Ok((ledger::next_list(transaction, issuer.id)?, ledger::revoked(transaction, issuer.id)?))
        })?;
        let next_update = in_days(now, self.options.list_days);
        let list = signed(issuer, number, &revoked, (now, next_update));
        Ok(list.map_err(|_| cryptography("make a revocation list"))?)
    }
}

/// The builder of the library writes the identifier of the issuer's issuer, so the
/// list is put together here.
fn signed(issuer: &Issuer, number: u64, revoked: &[RevokedRow], instants: (u64, u64)) -> builder::Result<Vec<u8>> {
    let entries = revoked.iter().map(|row| entry(&issuer.name, row)).collect::<builder::Result<Vec<_>>>()?;
    let key = SubjectPublicKeyInfoOwned::from_key(&issuer.pair.verifying_key())?;
    let identifier = AuthorityKeyIdentifier::try_from(der::referenced::OwnedToRef::owned_to_ref(&key))?;
    let algorithm = issuer.pair.signature_algorithm_identifier()?;
    let list = TbsCertList {
        version: Version::V2,
        signature: algorithm.clone(),
        issuer: issuer.name.clone(),
        this_update: time(instants.0)?,
        next_update: Some(time(instants.1)?),
        // An empty one must be absent (RFC 5280, section 5.1.2.6).
        revoked_certificates: Some(entries).filter(|entries| !entries.is_empty()),
        crl_extensions: Some(extensions(&issuer.name, number, &identifier)?),
    };
    let signature: Signature = issuer.pair.try_sign(&list.to_der()?)?;
    let signature: BitString = spki::SignatureBitStringEncoding::to_bitstring(&signature)?;
    let list: CertificateList = CertificateList { tbs_cert_list: list, signature_algorithm: algorithm, signature };
    Ok(list.to_der()?)
}

fn extensions(issuer: &Name, number: u64, identifier: &AuthorityKeyIdentifier) -> builder::Result<Vec<Extension>> {
    let none: &[Extension] = &[];
    Ok(vec![identifier.to_extension(issuer, none)?, (&CrlNumber::try_from(number)?).to_extension(issuer, none)?])
}

fn entry(issuer: &Name, row: &RevokedRow) -> builder::Result<RevokedCert> {
    let none: &[Extension] = &[];
    // One that says nothing should be absent (RFC 5280, section 5.3.1).
    let reason = match row.reason {
        0 => None,
        number => Some(vec![(&reason(number)?).to_extension(issuer, none)?]),
    };
    Ok(RevokedCert {
        serial_number: SerialNumber::new(&row.serial)?,
        revocation_date: time(row.revoked)?,
        crl_entry_extensions: reason,
    })
}

fn reason(number: u32) -> der::Result<CrlReason> {
    CrlReason::try_from(number).map_err(|_| der::ErrorKind::Value { tag: der::Tag::Enumerated }.into())
}
