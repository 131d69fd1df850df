#!/bin/sh
# Makes certificates that have each one thing wrong or odd about it, and revocation lists, with a certificate authority of
# their own. Run it in any folder; needs OpenSSL 3. See README.md.
set -eu
cd "$(dirname "$0")"
rm -f ./*.der ./*.crl ./*.p8
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
START=20250101000000Z
END=20991231235959Z

cat >"$work/ca.cnf" <<CNF
[ca]
default_ca = authority
[authority]
database = $work/index
new_certs_dir = $work
rand_serial = yes
unique_subject = no
default_md = sha256
policy = policy
preserve = yes
[policy]
organizationName = optional
commonName = optional
[req]
distinguished_name = dn
[dn]
CNF
: >"$work/index"
authority() { openssl ca -batch -config "$work/one.cnf" -cert "$work/ca.pem" -keyfile "$work/ca.key" "$@" 2>"$work/log" ||
    { cat "$work/log" >&2; exit 1; }; }

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/ca.key"
openssl req -new -config "$work/ca.cnf" -key "$work/ca.key" -subj '/O=Stories/CN=Defects CA' -out "$work/csr"
{ cat "$work/ca.cnf"; printf '%s\n' '[x]' 'basicConstraints = critical, CA:TRUE' \
    'keyUsage = critical, keyCertSign, cRLSign' 'subjectKeyIdentifier = hash'; } >"$work/one.cnf"
openssl ca -batch -config "$work/one.cnf" -selfsign -keyfile "$work/ca.key" -in "$work/csr" -extensions x -notext \
    -startdate $START -enddate $END -out "$work/ca.pem" 2>/dev/null
openssl x509 -in "$work/ca.pem" -outform DER -out ca.der

# leaf NAME KEY SUBJECT START END EXTENSION…
leaf() {
    name=$1 key=$2 subject=$3 start=$4 end=$5
    shift 5
    openssl req -new -config "$work/ca.cnf" -key "$key" -subj "$subject" -out "$work/csr"
    { cat "$work/ca.cnf"; printf '%s\n' '[x]' 'basicConstraints = critical, CA:FALSE' 'subjectKeyIdentifier = hash' "$@"; } \
        >"$work/one.cnf"
    authority -in "$work/csr" -extensions x -notext -startdate "$start" -enddate "$end" -out "$work/$name.pem"
    openssl x509 -in "$work/$name.pem" -outform DER -out "$name.der"
}
openssl pkey -inform DER -in ../people/alice.p8 -out "$work/alice.key"
ALICE='subjectAltName = email:alice@peer.example'
SIGNS='keyUsage = critical, digitalSignature, keyEncipherment'
MAIL='extendedKeyUsage = emailProtection'
simple() { name=$1; shift; leaf "$name" "$work/alice.key" /CN=alice $START $END "$@"; }

simple good "$SIGNS" "$MAIL" "$ALICE"
leaf expired "$work/alice.key" /CN=alice 20200101000000Z 20210101000000Z "$SIGNS" "$MAIL" "$ALICE"
leaf future "$work/alice.key" /CN=alice 20900101000000Z $END "$SIGNS" "$MAIL" "$ALICE"
simple encipher-only 'keyUsage = critical, keyEncipherment' "$MAIL" "$ALICE"
simple server-only "$SIGNS" 'extendedKeyUsage = serverAuth' "$ALICE"
simple strange "$SIGNS" "$MAIL" "$ALICE" '1.2.3.4 = critical, ASN1:NULL'
simple two-addresses "$SIGNS" "$MAIL" 'subjectAltName = email:mallory@evil.example, email:alice@peer.example'
simple revoked "$SIGNS" "$MAIL" "$ALICE"
# What it names, nobody fetches.
simple pointers "$SIGNS" "$MAIL" "$ALICE" \
    'authorityInfoAccess = caIssuers;URI:http://127.0.0.1:1/ca.cer, OCSP;URI:http://169.254.169.254/' \
    'crlDistributionPoints = URI:ldap://127.0.0.1:1/, URI:file:///etc/passwd, URI:gopher://crl.peer.example/'
# Of a domain, with a second common name (RFC 3183, section 4.1).
leaf two-names "$work/alice.key" '/CN=domain-signing-authority/CN=alice' $START $END "$SIGNS" "$MAIL" \
    'subjectAltName = email:domain-signing-authority@peer.example'
# Keys of their own.
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out "$work/small.key"
leaf small "$work/small.key" /CN=alice $START $END "$SIGNS" "$MAIL" "$ALICE"
openssl pkcs8 -topk8 -nocrypt -in "$work/small.key" -outform DER -out small.p8
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/curve.key"
leaf curve "$work/curve.key" /CN=alice $START $END 'keyUsage = critical, digitalSignature' "$MAIL" "$ALICE"
openssl pkcs8 -topk8 -nocrypt -in "$work/curve.key" -outform DER -out curve.p8

authority -revoke "$work/revoked.pem" -crl_reason keyCompromise
list() { name=$1; shift; authority -gencrl -crl_lastupdate $START "$@" -out "$work/crl.pem"
    openssl crl -in "$work/crl.pem" -outform DER -out "$name.crl"; }
list good -crl_nextupdate $END
list stale -crl_nextupdate 20250201000000Z
