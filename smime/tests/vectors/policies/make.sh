#!/bin/sh
# Makes authorities with certificate policies, and certificates below them, with OpenSSL 3. Run it in any folder. See README.md.
set -eu
cd "$(dirname "$0")"
rm -f ./*.cer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
GOLD=1.3.6.1.4.1.99999.1
SILVER=1.3.6.1.4.1.99999.2
ANY=2.5.29.32.0

# certificate NAME SUBJECT ISSUER EXTENSION… — with the key of that name, or a new one.
certificate() {
    name=$1 subject=$2 issuer=$3
    shift 3
    [ -e "$work/$name.key" ] || openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/$name.key"
    printf '%s\n' '[req]' 'distinguished_name = dn' '[dn]' >"$work/cnf"
    openssl req -new -config "$work/cnf" -key "$work/$name.key" -subj "$subject" -out "$work/csr"
    printf '%s\n' "$@" >"$work/ext"
    if [ "$issuer" = "$name" ]; then set -- -key "$work/$name.key"
    else set -- -CA "$work/$issuer.pem" -CAkey "$work/$issuer.key"; fi
    openssl x509 -req -in "$work/csr" "$@" -sha256 -days 25000 \
        -extfile "$work/ext" -out "$work/$name.pem" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
    openssl x509 -in "$work/$name.pem" -outform DER -out "$name.cer"
}
authority() { # NAME ISSUER EXTENSION…
    name=$1 issuer=$2
    shift 2
    certificate "$name" "/O=Policies/CN=$name" "$issuer" 'basicConstraints = critical, CA:TRUE' \
        'keyUsage = critical, keyCertSign' "$@"
}
leaf() { # NAME ISSUER EXTENSION…
    name=$1 issuer=$2
    shift 2
    certificate "$name" '/CN=alice' "$issuer" 'basicConstraints = critical, CA:FALSE' \
        'keyUsage = critical, digitalSignature' 'subjectAltName = email:alice@peer.example' "$@"
}
leaves() { # AUTHORITY: one with each policy
    leaf "$1-gold" "$1" "certificatePolicies = $GOLD"
    leaf "$1-silver" "$1" "certificatePolicies = $SILVER"
    leaf "$1-any" "$1" "certificatePolicies = critical, $ANY"
    leaf "$1-none" "$1"
}
GOLDEN="certificatePolicies = critical, $GOLD"
REQUIRED='policyConstraints = critical, requireExplicitPolicy:0'

authority root root
authority free root
leaves free
authority required root "$GOLDEN" "$REQUIRED"
leaves required
authority required-later root "$GOLDEN" 'policyConstraints = critical, requireExplicitPolicy:1'
leaves required-later
authority required-below root "$GOLDEN" 'policyConstraints = critical, requireExplicitPolicy:2'
leaves required-below
authority mapped root "$GOLDEN" "$REQUIRED" "policyMappings = critical, $GOLD:$SILVER"
leaves mapped
authority no-any root "$GOLDEN" "$REQUIRED" 'inhibitAnyPolicy = critical, 0'
leaves no-any
authority no-mapping root "$GOLDEN" 'policyConstraints = critical, requireExplicitPolicy:0, inhibitPolicyMapping:0'
authority mapped-below no-mapping "$GOLDEN" "policyMappings = critical, $GOLD:$SILVER"
leaves mapped-below
authority any-mapped root "certificatePolicies = $ANY" "policyMappings = critical, $GOLD:$SILVER"
leaves any-mapped
authority maps-any root "$GOLDEN" "policyMappings = critical, $GOLD:$ANY"
leaves maps-any
# The same authority with a new key: what issued itself does not count.
authority no-any-below root "certificatePolicies = $ANY" 'inhibitAnyPolicy = critical, 0' "$REQUIRED"
certificate no-any-new '/O=Policies/CN=no-any-below' no-any-below 'basicConstraints = critical, CA:TRUE' \
    'keyUsage = critical, keyCertSign' "certificatePolicies = $ANY"
leaves no-any-new
# An authority that has two certificates, of which one lacks the policy that it requires.
authority twice root "$GOLDEN" "$REQUIRED"
leaves twice
cp "$work/twice.key" "$work/twice-bare.key"
certificate twice-bare '/O=Policies/CN=twice' root 'basicConstraints = critical, CA:TRUE' 'keyUsage = critical, keyCertSign' \
    "$REQUIRED"
# What requires a policy of itself, below an authority that has none.
leaf self-required free "$GOLDEN" "$REQUIRED"
leaf strange-qualifier free "certificatePolicies = critical, @p" '[p]' "policyIdentifier = $GOLD" 'userNotice.1 = @n' '[n]' \
    'explicitText = Read this'
