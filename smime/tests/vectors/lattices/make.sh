#!/bin/sh
# Makes the vectors of this folder anew with OpenSSL 4.0, which tools/openssl builds:
#
#   make.sh OPENSSL
set -eu
openssl=$1
cd "$(dirname "$0")"
rm -rf certificates keys signed enveloped content.txt
mkdir certificates keys signed enveloped
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Says what it does, for README.md, and does it.
run() {
    echo "\$ openssl $*" | sed "s|$work/||g"
    errors=$("$openssl" "$@" 2>&1) || { echo "$errors" >&2; exit 1; }
}

printf 'Content-Type: text/plain\r\n\r\nA line of text.\r\n' >content.txt
printf '[req]\ndistinguished_name = dn\n[dn]\n' >"$work/req.cnf"
for set in 65 87; do
    run genpkey -algorithm ML-DSA-$set -out keys/ml-dsa-$set.pem
    run req -config "$work/req.cnf" -x509 -new -key keys/ml-dsa-$set.pem -days 10000 -subj /CN=ml-dsa-$set \
        -addext "subjectAltName=email:ml-dsa-$set@peer.example" -addext "basicConstraints=critical,CA:FALSE" \
        -addext "keyUsage=critical,digitalSignature" -out certificates/ml-dsa-$set.pem
    who="-signer certificates/ml-dsa-$set.pem -inkey keys/ml-dsa-$set.pem"
    # shellcheck disable=SC2086 # several words
    run cms -sign -binary -in content.txt -outform DER -nodetach -md sha512 $who -out signed/ml-dsa-$set.der
    # shellcheck disable=SC2086
    run cms -sign -binary -in content.txt -outform DER -nodetach -noattr -md sha512 $who \
        -out signed/ml-dsa-$set-noattr.der
done
for set in 768 1024; do
    run genpkey -algorithm ML-KEM-$set -out keys/ml-kem-$set.pem
    "$openssl" pkey -in keys/ml-kem-$set.pem -pubout -out "$work/public"
    run req -config "$work/req.cnf" -new -key keys/ml-dsa-65.pem -subj /CN=ml-kem-$set \
        -addext "subjectAltName=email:ml-kem-$set@peer.example" -addext "basicConstraints=critical,CA:FALSE" \
        -addext "keyUsage=critical,keyEncipherment" -out "$work/request"
    run x509 -req -in "$work/request" -copy_extensions copyall -force_pubkey "$work/public" \
        -CA certificates/ml-dsa-65.pem -CAkey keys/ml-dsa-65.pem -days 10000 -out certificates/ml-kem-$set.pem
    rm -f certificates/*.srl
    for cipher in aes-128-cbc aes-256-cbc aes-256-gcm; do
        run cms -encrypt -binary -in content.txt -outform DER -$cipher -recip certificates/ml-kem-$set.pem \
            -out enveloped/ml-kem-$set-$cipher.der
    done
done
