#!/bin/sh
# Makes the certificates and revocation lists of this folder anew with the openssl
# program: OpenSSL 3.0. See README.md.
set -eu
cd "$(dirname "$0")"
rm -f ./*.cer ./*.crl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
START=20250101000000Z
END=20991231235959Z

cat >"$work/ca.cnf" <<CNF
[ca]
default_ca = authority
[authority]
new_certs_dir = $work
rand_serial = yes
unique_subject = no
default_md = sha256
policy = policy
preserve = yes
email_in_dn = yes
[policy]
organizationName = optional
commonName = optional
emailAddress = optional
[req]
distinguished_name = dn
[dn]
CNF

# certificate NAME SUBJECT ISSUER EXTENSION… — a P-256 key of its own.
certificate() {
    name=$1 subject=$2 issuer=$3
    shift 3
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/$name.key"
    openssl req -new -config "$work/ca.cnf" -key "$work/$name.key" -subj "$subject" -out "$work/csr"
    { cat "$work/ca.cnf"; echo '[x]'; printf '%s\n' "$@"; } >"$work/one.cnf"
    [ -e "$work/$issuer.index" ] || : >"$work/$issuer.index"
    sed -i "s|^\[authority\]|[authority]\ndatabase = $work/$issuer.index|" "$work/one.cnf"
    if [ "$issuer" = "$name" ]; then set -- -selfsign; else set -- -cert "$work/$issuer.pem"; fi
    openssl ca -batch -config "$work/one.cnf" -in "$work/csr" -notext -out "$work/$name.pem" "$@" \
        -keyfile "$work/$issuer.key" -extensions x -startdate $START -enddate $END 2>"$work/log" ||
        { cat "$work/log" >&2; exit 1; }
    openssl x509 -in "$work/$name.pem" -outform DER -out "$name.cer"
}
authority() {
    name=$1 issuer=$2
    shift 2
    certificate "$name" "/O=Trust tests/CN=$name" "$issuer" 'basicConstraints = critical, CA:TRUE' \
        'keyUsage = critical, keyCertSign, cRLSign' 'subjectKeyIdentifier = hash' "$@"
}
leaf() { # NAME SUBJECT ISSUER EXTENSION…
    name=$1 subject=$2 issuer=$3
    shift 3
    certificate "$name" "$subject" "$issuer" 'basicConstraints = CA:FALSE' \
        'keyUsage = critical, digitalSignature, keyAgreement' 'extendedKeyUsage = emailProtection' "$@"
}

# Name constraints.
authority root root
authority peer root 'nameConstraints = critical, @names' '[names]' 'permitted;email.1 = peer.example' \
    'permitted;email.2 = .peer.example' 'excluded;email.1 = bob@peer.example' 'permitted;dirName = peer' \
    'excluded;DNS.1 = evil.example' '[peer]' 'O = Peer'
# Its own name is not one that the authority above may issue for.
authority below-peer peer
ALICE='subjectAltName = email:alice@peer.example'
leaf alice '/O=Peer/CN=alice' peer "$ALICE"
leaf alice-mail '/O=PEER /CN=alice' peer 'subjectAltName = email:alice@mail.peer.example'
leaf alice-elsewhere '/O=Peer/CN=alice' peer "$ALICE, email:alice@evil.example"
leaf bob '/O=Peer/CN=bob' peer 'subjectAltName = email:bob@peer.example'
leaf subject-elsewhere '/O=Peer/CN=alice/emailAddress=alice@evil.example' peer "$ALICE"
leaf other-directory '/O=Evil/CN=alice' peer "$ALICE"
leaf with-host '/O=Peer/CN=alice' peer "$ALICE, DNS:www.peer.example"
leaf no-subject / peer "$ALICE"

# Revocation.
authority other root
authority mute root
leaf revoked '/CN=revoked' other "$ALICE"
leaf good '/CN=good' other "$ALICE"
leaf pointed '/CN=pointed' other "$ALICE" 'crlDistributionPoints = URI:http://crl.example/other.crl'
authority lesser other
leaf by-lesser '/CN=by lesser' lesser "$ALICE"

# list NAME ISSUER [OPTION…] < extensions
list() {
    name=$1 issuer=$2
    shift 2
    [ -e "$work/$issuer.index" ] || : >"$work/$issuer.index"
    {
        sed "s|^\[authority\]|[authority]\ndatabase = $work/$issuer.index\ncrl_extensions = x|" "$work/ca.cnf"
        echo '[x]'
        cat
    } >"$work/one.cnf"
    case " $* " in *" -crl_nextupdate "*) ;; *) set -- "$@" -crl_nextupdate $END ;; esac
    openssl ca -gencrl -config "$work/one.cnf" -cert "$work/$issuer.pem" -keyfile "$work/$issuer.key" \
        -crl_lastupdate $START "$@" -out "$work/crl.pem" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
    openssl crl -in "$work/crl.pem" -outform DER -out "$name.crl"
}
revoke() { # NAME ISSUER
    sed "s|^\[authority\]|[authority]\ndatabase = $work/$2.index|" "$work/ca.cnf" >"$work/one.cnf"
    openssl ca -batch -config "$work/one.cnf" -revoke "$work/$1.pem" -cert "$work/$2.pem" -keyfile "$work/$2.key" \
        -crl_reason keyCompromise 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
}

echo | list root root
echo | list other-before other
revoke revoked other
echo | list other other
echo | list other-stale other -crl_nextupdate 20250201000000Z
echo '2.5.29.27 = critical, ASN1:INTEGER:1' | list other-delta other
echo 'issuingDistributionPoint = critical, @p
[p]
onlyuser = TRUE' | list other-users other
echo 'issuingDistributionPoint = critical, @p
[p]
onlyCA = TRUE' | list other-authorities other
echo 'issuingDistributionPoint = critical, @p
[p]
onlysomereasons = keyCompromise' | list other-reasons other
echo 'issuingDistributionPoint = critical, @p
[p]
indirectCRL = TRUE' | list other-indirect other
echo 'issuingDistributionPoint = critical, @p
[p]
fullname = URI:http://crl.example/other.crl' | list other-point other
echo '1.2.3.4 = critical, ASN1:NULL' | list other-strange other
echo | list other-sha1 other -md sha1
# By the key of another authority under the name of this one.
openssl req -new -x509 -key "$work/mute.key" -subj "/O=Trust tests/CN=other" -out "$work/forged.pem" 2>/dev/null
cp "$work/other.pem" "$work/kept.pem"; cp "$work/other.key" "$work/kept.key"
cp "$work/forged.pem" "$work/other.pem"; cp "$work/mute.key" "$work/other.key"
echo | list other-forged other
cp "$work/kept.pem" "$work/other.pem"; cp "$work/kept.key" "$work/other.key"
revoke lesser other
echo | list other-lesser other
