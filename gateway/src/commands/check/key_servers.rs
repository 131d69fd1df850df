//! The key management servers and the token of a tenant: whether they answer, and
//! for how long we are let in.

use host::keyring::CertificateFacts;
use host::kmip::KmipOptions;
use host::pkcs11::Pkcs11Options;

use super::NOTICE_DAYS;
use super::findings::Findings;
use crate::config::Tenant;
use crate::time;

/// Asks each of them, and says what is wrong.
pub fn check(tenant: &Tenant, now: u64, findings: &mut Findings) {
    if let Some(options) = &tenant.key_services.kmip {
        options.probe().iter().for_each(|error| findings.wrong(error));
        client_certificate(options, now, findings);
    }
    // A token may have keys of others, too: what they lack is to be known, and no more.
    match tenant.key_services.pkcs11.as_ref().map(Pkcs11Options::probe) {
        Some(Ok(lacking)) => lacking.iter().for_each(|sentence| findings.note(sentence)),
        Some(Err(error)) => findings.wrong(error),
        None => {}
    }
}

/// Says if the certificate that key management servers know us by is running out.
fn client_certificate(options: &KmipOptions, now: u64, findings: &mut Findings) {
    let path = options.credentials.certificate.display();
    // What cannot be read is wrong with the client, and was said.
    let Ok(encoded) = options.credentials.certificate() else { return };
    match CertificateFacts::from_der(&encoded) {
        Ok(facts) if facts.not_after < now => {
            findings.wrong(format!(
                "{path}, our certificate for TLS, expired on {}; replace it",
                time::day(facts.not_after)
            ));
        }
        Ok(facts) if facts.not_after < now.saturating_add(NOTICE_DAYS * time::DAY) => {
            findings.wrong(format!(
                "{path}, our certificate for TLS, expires on {}; replace it",
                time::day(facts.not_after)
            ));
        }
        Ok(_) => {}
        Err(_) => findings.wrong(format!("{path}, our certificate for TLS, does not parse; write it anew")),
    }
}
