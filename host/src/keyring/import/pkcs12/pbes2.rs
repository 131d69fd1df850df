//! The names of encryptions by a password, as the library reads them.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911::ID_PBKDF_2;
use der::asn1::{AnyRef, Null};
use der::{Encode, ErrorKind, Tag, Tagged};

use super::MAX_ITERATIONS;
use super::structure::{sequence, values};

/// id-PBES2 (RFC 8018, appendix A.4).
const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");

/// The DER of an `AlgorithmIdentifier` that does not cost too much, with the parameters NULL of the
/// pseudo-random function of PBKDF2 where they were left out: RFC 8018 (appendix
/// B.1) demands them, NSS does not write them, and the library insists.
///
/// ```text
/// PBES2-params ::= SEQUENCE {
///   keyDerivationFunc AlgorithmIdentifier,
///   encryptionScheme  AlgorithmIdentifier }
/// PBKDF2-params ::= SEQUENCE {
///   salt           OCTET STRING,
///   iterationCount INTEGER,
///   keyLength      INTEGER OPTIONAL,
///   prf            AlgorithmIdentifier DEFAULT algid-hmacWithSHA1 }
/// ```
pub(super) fn named_in_full(algorithm: &AnyRef<'_>) -> der::Result<Vec<u8>> {
    if iterations(algorithm).is_none_or(|iterations| iterations > MAX_ITERATIONS) {
        return Err(ErrorKind::Failed.into());
    }
    completed(algorithm).unwrap_or_else(|| algorithm.to_der())
}

/// The iterations of PBES1 and of PBKDF2 stand in the same place. None of
/// another key derivation: scrypt would take memory as the file says.
fn iterations(algorithm: &AnyRef<'_>) -> Option<u32> {
    let [name, mut parameters] = values(algorithm.value())?.try_into().ok()?;
    if name.decode_as::<ObjectIdentifier>().ok()? == PBES2 {
        let key_derivation = values(parameters.value())?.into_iter().next()?;
        parameters = self::parameters(&key_derivation, ID_PBKDF_2)?;
    }
    values(parameters.value())?.get(1)?.decode_as().ok()
}

/// None if there is nothing to complete.
fn completed(algorithm: &AnyRef<'_>) -> Option<der::Result<Vec<u8>>> {
    let [key_derivation, scheme] = values(parameters(algorithm, PBES2)?.value())?.try_into().ok()?;
    let pbkdf2 = values(parameters(&key_derivation, ID_PBKDF_2)?.value())?;
    let (prf, others) = pbkdf2.split_last()?;
    let [function] = values(prf.value()).filter(|_| prf.tag() == Tag::Sequence)?.try_into().ok()?;
    let prf = sequence([function.to_der(), Null.to_der()]);
    let pbkdf2 = sequence(others.iter().map(Encode::to_der).chain([prf]));
    let key_derivation = sequence([ID_PBKDF_2.to_der(), pbkdf2]);
    Some(sequence([PBES2.to_der(), sequence([key_derivation, scheme.to_der()])]))
}

/// The parameters of an algorithm, if it is `name`.
fn parameters<'a>(algorithm: &AnyRef<'a>, name: ObjectIdentifier) -> Option<AnyRef<'a>> {
    let [oid, parameters] = values(algorithm.value())?.try_into().ok()?;
    (oid.decode_as::<ObjectIdentifier>().ok()? == name).then_some(parameters)
}
