//! Keys and certificates for the connections to servers, made for a test.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::must;

/// Makes an authority, a server's certificate for 127.0.0.1, one that expired, and
/// a client's, in `folder`: `ca`, `server`, `expired`, `client`, each `.pem` and
/// `.key`.
pub fn make(folder: &Path) {
    authority(folder, "ca");
    issue(folder, "server", "ca", SERVER, &["-days", "2"]);
    // Valid from the day before yesterday to yesterday.
    issue(folder, "expired", "ca", SERVER, &["-days", "-1"]);
    issue(folder, "client", "ca", CLIENT, &["-days", "2"]);
}

/// Makes an authority.
pub fn authority(folder: &Path, name: &str) {
    let (key, certificate) = files(folder, name);
    let subject = format!("/CN={name}");
    let mut args = vec!["req", "-x509", "-nodes", "-keyout", &key, "-out", &certificate, "-days", "2"];
    args.extend(["-subj", &subject, "-addext", "keyUsage=critical,keyCertSign,cRLSign"]);
    args.extend(KEY);
    must("openssl", &args, b"");
}

/// Has `issuer` issue a certificate with `extensions`.
pub fn issue(folder: &Path, name: &str, issuer: &str, extensions: &str, validity: &[&str]) {
    let (key, certificate) = files(folder, name);
    let (issuer_key, issuer) = files(folder, issuer);
    let path = |file: &str| folder.join(format!("{name}.{file}")).display().to_string();
    let (request, configuration) = (path("csr"), path("cnf"));
    fs::write(&configuration, extensions).expect("a file");
    let subject = format!("/CN={name}");
    let mut args = vec!["req", "-new", "-nodes", "-keyout", &key, "-out", &request, "-subj", &subject];
    args.extend(KEY);
    must("openssl", &args, b"");
    let mut args = vec!["x509", "-req", "-in", &request, "-CA", &issuer, "-CAkey", &issuer_key, "-CAcreateserial"];
    args.extend(["-out", &certificate, "-extfile", &configuration]);
    args.extend(validity);
    must("openssl", &args, b"");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("the key for its owner alone");
}

fn files(folder: &Path, name: &str) -> (String, String) {
    let file = |extension: &str| folder.join(format!("{name}.{extension}")).display().to_string();
    (file("key"), file("pem"))
}

/// PyKMIP offers suites with AES-GCM for ECDSA alone.
const KEY: [&str; 4] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
/// The extensions of a server.
pub const SERVER: &str = "extendedKeyUsage=serverAuth\nsubjectAltName=IP:127.0.0.1\n";
/// Those of a client.
pub const CLIENT: &str = "extendedKeyUsage=clientAuth\n";
