#!/bin/sh
# Makes the vectors of this folder anew with the openssl program: OpenSSL 3.0.
# Signatures and ciphertexts differ from run to run; what they hold does not.
set -eu
cd "$(dirname "$0")"
rm -rf certificates keys signed enveloped content.txt
mkdir certificates keys signed enveloped

# Says what it does, for README.md, and does it.
run() {
    echo "\$ openssl $*"
    errors=$(openssl "$@" 2>&1) || {
        echo "$errors" >&2
        exit 1
    }
}

printf 'Content-Type: text/plain\r\n\r\nA line of text.\r\n' >content.txt

self_signed() { # name, then what makes the key
    name=$1
    shift
    run genpkey "$@" -out "keys/$name.pem"
    run req -x509 -new -key "keys/$name.pem" -days 10000 -subj "/CN=$name" \
        -addext "subjectAltName=email:$name@peer.example" -addext "basicConstraints=critical,CA:FALSE" \
        -addext "keyUsage=critical,digitalSignature,keyAgreement" \
        -addext "extendedKeyUsage=emailProtection" -out "certificates/$name.pem"
}
for curve in 256 384 521; do
    self_signed p$curve -algorithm EC -pkeyopt ec_paramgen_curve:P-$curve
done
self_signed ed25519 -algorithm ED25519

# X25519 signs nothing, so the certificate is signed by another.
run genpkey -algorithm X25519 -out keys/x25519.pem
openssl pkey -in keys/x25519.pem -pubout -out x25519.pub
run req -new -key keys/ed25519.pem -subj /CN=x25519 -addext "subjectAltName=email:x25519@peer.example" \
    -addext "basicConstraints=critical,CA:FALSE" -addext "keyUsage=critical,keyAgreement" -out request.pem
run x509 -req -in request.pem -copy_extensions copyall -force_pubkey x25519.pub -CA certificates/ed25519.pem \
    -CAkey keys/ed25519.pem -days 10000 -out certificates/x25519.pem
rm -f request.pem x25519.pub certificates/*.srl

for curve in 256 384 521; do
    who="-signer certificates/p$curve.pem -inkey keys/p$curve.pem"
    for digest in sha256 sha384 sha512; do
        # shellcheck disable=SC2086 # several words
        run cms -sign -binary -in content.txt -outform DER -nodetach -md $digest $who -out signed/p$curve-$digest.der
    done
    # shellcheck disable=SC2086
    run cms -sign -binary -in content.txt -outform DER -nodetach -noattr $who -out signed/p$curve-noattr.der
    for cipher in aes128 aes256 aes-256-gcm; do
        run cms -encrypt -binary -in content.txt -outform DER -$cipher -recip certificates/p$curve.pem \
            -out enveloped/p$curve-$cipher.der
    done
    for digest in sha1 sha224 sha256 sha384 sha512; do
        run cms -encrypt -binary -in content.txt -outform DER -aes256 -recip certificates/p$curve.pem \
            -keyopt ecdh_kdf_md:$digest -out enveloped/p$curve-$digest.der
    done
    run cms -encrypt -binary -in content.txt -outform DER -aes128 -keyid -recip certificates/p$curve.pem \
        -keyopt ecdh_cofactor_mode:1 -out enveloped/p$curve-cofactor.der
done
run cms -encrypt -binary -in content.txt -outform DER -aes256 -recip certificates/p256.pem \
    -recip certificates/p384.pem -out enveloped/both.der
