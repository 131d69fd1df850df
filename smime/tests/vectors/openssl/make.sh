#!/bin/sh
# Makes the vectors of this folder anew with the openssl program: OpenSSL 3.0.
# Signatures and ciphertexts differ from run to run; what they hold does not.
set -eu
cd "$(dirname "$0")"
rm -rf certificates keys signed enveloped content.txt long.txt
mkdir certificates keys signed enveloped

# Says what it does, for README.md, and does it.
run() {
    echo "\$ openssl $*"
    errors=$(openssl "$@" 2>&1) || {
        echo "$errors" >&2
        exit 1
    }
}

certificate() { # name, mailbox, then what makes the key
    name=$1 mailbox=$2
    shift 2
    run genpkey "$@" -out "keys/$name.pem"
    run req -x509 -new -key "keys/$name.pem" -days 10000 "-${digest:-sha256}" -subj "/CN=$name" \
        -addext "subjectAltName=email:$mailbox" -addext "basicConstraints=critical,CA:FALSE" \
        -addext "keyUsage=critical,digitalSignature,keyEncipherment,keyAgreement" \
        -addext "extendedKeyUsage=emailProtection" -out "certificates/$name.pem"
}

certificate alice alice@peer.example -algorithm RSA -pkeyopt rsa_keygen_bits:2048
certificate bob bob@peer.example -algorithm RSA -pkeyopt rsa_keygen_bits:2048
certificate carol carol@lan.example -algorithm RSA -pkeyopt rsa_keygen_bits:2048
certificate pss pss@peer.example -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048
digest=sha384
certificate pss384 pss384@peer.example -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 \
    -pkeyopt rsa_pss_keygen_md:sha384 -pkeyopt rsa_pss_keygen_mgf1_md:sha384 -pkeyopt rsa_pss_keygen_saltlen:48
digest=sha256
certificate ec ec@peer.example -algorithm EC -pkeyopt ec_paramgen_curve:P-256

printf 'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\303\274\303\237e, %s\r\n' \
    'and a line of text.' >content.txt
{
    printf 'Content-Type: text/plain\r\n\r\n'
    i=0
    while [ $i -lt 400 ]; do
        printf 'Line %d of a text that is longer than one segment.\r\n' $i
        i=$((i + 1))
    done
} >long.txt

sign() { # file, then options
    file=$1
    shift
    run cms -sign -binary -in content.txt -outform DER -out "signed/$file.der" "$@"
}
alice="-signer certificates/alice.pem -inkey keys/alice.pem"
bob="-signer certificates/bob.pem -inkey keys/bob.pem"
# shellcheck disable=SC2086 # each holds several words
{
    sign detached $alice
    sign opaque $alice -nodetach
    sign noattr-detached $alice -noattr
    sign noattr-opaque $alice -noattr -nodetach
    sign nocerts-detached $alice -nocerts
    sign keyid-detached $alice -keyid
    sign cades-opaque $alice -cades -nodetach
    sign sha1-detached $alice -md sha1
    sign sha384-detached $alice -md sha384
    sign sha512-opaque $alice -md sha512 -nodetach
    sign md5-detached $alice -md md5
    sign pss-detached $alice -keyopt rsa_padding_mode:pss
    sign pss-salt20-detached $alice -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:20
    sign pss-sha512-opaque $alice -md sha512 -keyopt rsa_padding_mode:pss -nodetach
    sign pss-noattr-detached $alice -keyopt rsa_padding_mode:pss -noattr
    sign psskey-detached -signer certificates/pss.pem -inkey keys/pss.pem -keyopt rsa_padding_mode:pss
    sign psskey384-detached -signer certificates/pss384.pem -inkey keys/pss384.pem -md sha384 \
        -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:48
    sign two-signers-detached $alice $bob
    sign two-signers-opaque $alice $bob -md sha512 -nodetach
    sign ec-detached -signer certificates/ec.pem -inkey keys/ec.pem
    sign stream-opaque $alice -nodetach -stream
    run cms -sign -binary -in long.txt -outform DER -out signed/stream-long.der $alice -nodetach -stream
    run cms -sign -binary -in long.txt -outform DER -out signed/stream-noattr-long.der $alice -nodetach -stream -noattr
    run crl2pkcs7 -nocrl -certfile certificates/alice.pem -certfile certificates/bob.pem -outform DER \
        -out signed/certificates-only.der
}

encrypt() { # file, then options
    file=$1
    shift
    run cms -encrypt -binary -in content.txt -outform DER -out "enveloped/$file.der" "$@"
}
carol="-recip certificates/carol.pem"
oaep="$carol -keyopt rsa_padding_mode:oaep"
# shellcheck disable=SC2086
{
    for cipher in aes128 aes192 aes256 aes-128-gcm aes-192-gcm aes-256-gcm; do
        encrypt $cipher -$cipher $carol
    done
    encrypt keyid -aes128 -keyid $carol
    encrypt oaep-sha1 -aes256 $oaep
    for digest in sha256 sha384 sha512; do
        encrypt oaep-$digest -aes256 $oaep -keyopt rsa_oaep_md:$digest
    done
    encrypt oaep-sha256-mgf1-sha1 -aes256 $oaep -keyopt rsa_oaep_md:sha256 -keyopt rsa_mgf1_md:sha1
    encrypt oaep-label -aes256 $oaep -keyopt rsa_oaep_md:sha256 -keyopt rsa_oaep_label:6c6162656c
    encrypt two-recipients -aes256 -recip certificates/bob.pem $carol
    encrypt two-recipients-gcm -aes-256-gcm -recip certificates/bob.pem -keyid $carol
    encrypt key-agreement -aes128 -recip certificates/ec.pem $carol
    encrypt password -aes128 -pwri_password secret $carol
    encrypt key-encryption-key -aes128 -secretkey 000102030405060708090A0B0C0D0E0F -secretkeyid 01 $carol
    encrypt des3 -des3 $carol
    run cms -encrypt -binary -in long.txt -outform DER -out enveloped/stream-long.der -aes256 -stream $carol
    run cms -encrypt -binary -in long.txt -outform DER -out enveloped/stream-gcm-long.der -aes-256-gcm -stream $carol
    run cms -encrypt -binary -in signed/opaque.der -outform DER -out enveloped/signed.der -aes256 $carol
}
