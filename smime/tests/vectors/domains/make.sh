#!/bin/sh
# Makes the keys of domains (RFC 3183), with a certificate authority of their
# own. Run in this folder; needs OpenSSL 3.
#
#   signing          signs for peer.example
#   confidentiality  decrypts for lan.example
#   somebody         has the address of peer.example's signing authority, as where
#                    anybody may choose an address, and a name of her own
#
# Valid from the day they are made for 10,000 days; the tests' clock says
# 2027-01-01T00:00:00Z.
set -eu
rsa="-algorithm RSA -pkeyopt rsa_keygen_bits:2048"
openssl genpkey $rsa -out ca.key
openssl req -x509 -key ca.key -sha256 -days 10000 -subj "/O=Stories/CN=Domains CA" \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -out ca.pem

issue() { # file, common name, address
  openssl genpkey $rsa -out "$1.key"
  openssl req -new -key "$1.key" -subj "/O=Stories/CN=$2" -out "$1.csr"
  cat > "$1.cnf" <<C
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=emailProtection
subjectAltName=email:$3
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
C
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -sha256 -days 10000 -extfile "$1.cnf" -out "$1.pem"
  openssl x509 -in "$1.pem" -outform DER -out "$1.der"
  openssl pkcs8 -topk8 -nocrypt -in "$1.key" -outform DER -out "$1.p8"
  rm "$1.csr" "$1.cnf" "$1.key" "$1.pem"
}
issue signing domain-signing-authority domain-signing-authority@peer.example
issue confidentiality domain-confidentiality-authority domain-confidentiality-authority@lan.example
issue somebody Somebody domain-signing-authority@peer.example
openssl x509 -in ca.pem -outform DER -out ca.der
rm -f ca.pem ca.key ca.srl
