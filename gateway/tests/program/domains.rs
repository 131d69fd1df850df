//! Two gateways that sign and decrypt for their whole domains (RFC 3183).

use crate::support::*;

const FRANK: &str = "frank@peer.example";
const GINA: &str = "gina@lan.example";

/// The certificates and keys of the domains, in PEM.
struct Keys(tempfile::TempDir);

impl Keys {
    fn new() -> Self {
        let keys = Self(tempfile::TempDir::new().expect("a temporary folder"));
        let made = |file: &str| root().join("smime/tests/vectors/domains").join(file).display().to_string();
        for name in ["ca", "signing", "confidentiality"] {
            let (der, pem) = (made(&format!("{name}.der")), keys.path(&format!("{name}.pem")));
            must("openssl", &["x509", "-inform", "DER", "-in", &der, "-out", &pem], b"");
        }
        for name in ["signing", "confidentiality"] {
            let (der, pem) = (made(&format!("{name}.p8")), keys.path(&format!("{name}.key")));
            must("openssl", &["pkey", "-inform", "DER", "-in", &der, "-out", &pem], b"");
        }
        keys
    }

    fn path(&self, file: &str) -> String {
        self.0.path().join(file).display().to_string()
    }

    /// The site of a domain, which has the private key of this name and both certificates.
    fn site(&self, domain: &str, own: &str, policy: &str) -> Site {
        let site = Site::configured(&format!(
            "[tenant.lan]\ndomains = [\"{domain}\"]\nkeyring = \"lan.keyring\"\nanchors = [{:?}]\n{policy}\n",
            self.path("ca.pem")
        ));
        site.import(&[&self.path(&format!("{own}.pem")), &self.path(&format!("{own}.key"))]);
        site.import(&[&self.path("signing.pem"), &self.path("confidentiality.pem")]);
        site
    }
}

#[test]
fn g7_domains_write_to_each_other() {
    if !have("g7_domains_write_to_each_other", &["openssl"]) {
        return;
    }
    let keys = Keys::new();
    let lan = keys.site("lan.example", "confidentiality", STRICT);
    for order in ["encrypt-then-sign", "sign-then-encrypt", "triple-wrap"] {
        let peer = keys.site("peer.example", "signing", &format!("[tenant.lan.outbound]\norder = {order:?}"));
        let sent = peer.outbound(FRANK, &[GINA], &message(FRANK, GINA, MIXED));
        let wire = &sent.delivered().bytes;
        assert!(!contains(wire, "from the office") && sent.mentions("domain-key-used"), "{}", sent.json);
        let outcome = lan.inbound(FRANK, &[GINA], wire);
        let delivered = &outcome.delivered().bytes;
        assert_eq!(unwrapped(&entity_of(delivered)), MIXED, "{}", outcome.json);
        let results = field(delivered, "authentication-results").join("\n");
        assert!(results.contains("smime=pass"), "{results}");
        assert!(results.contains("body.smime-identifier=domain-signing-authority@peer.example"), "{results}");
    }
}

/// OpenSSL knows nothing of domains: it encrypts to a certificate, and it verifies a signature.
#[test]
fn g7_another_program_writes_to_a_domain_and_reads_from_one() {
    if !have("g7_another_program_writes_to_a_domain_and_reads_from_one", &["openssl"]) {
        return;
    }
    let keys = Keys::new();
    let lan = keys.site("lan.example", "confidentiality", TRUSTING);
    let certificate = keys.path("confidentiality");
    for cipher in ["aes-128-cbc", "aes-256-gcm"] {
        let sealed = openssl::encrypt(&[&certificate], MIXED, cipher, &[]);
        let outcome = lan.inbound(FRANK, &[GINA], &message(FRANK, GINA, &sealed));
        assert_eq!(entity_of(&outcome.delivered().bytes), MIXED, "{}", outcome.json);
    }
    let peer = keys.site("peer.example", "signing", "[tenant.lan.outbound]\nencrypt = \"never\"");
    let sent = peer.outbound(FRANK, &[GINA], &message(FRANK, GINA, MIXED));
    let verify = ["cms", "-verify", "-inform", "SMIME", "-CAfile", &keys.path("ca.pem"), "-purpose", "smimesign"];
    let inner = must("openssl", &verify, &sent.delivered().bytes);
    // What nobody had signed stands in a layer without signers (RFC 3183, section 3.1.2).
    assert!(contains(&inner, "smime-type=signed-data"));
}
