#!/bin/sh
# Makes the people of the stories: a certificate authority, and users who have
# certificates of it. Run in this folder; needs OpenSSL 3.
#
#   alice@peer.example, bob@peer.example     at the peer
#   carol@lan.example, dave@lan.example      at home
#   mallory@evil.example                     has a valid certificate of her own
#   erin@peer.example                        has an RSASSA-PSS key
#
# Valid from the day they are made for 10,000 days; the tests' clock says
# 2027-01-01T00:00:00Z.
set -eu
subject() { echo "/O=Stories/CN=$1"; }

openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out ca.key
openssl req -x509 -key ca.key -sha256 -days 10000 -subj "$(subject 'Stories CA')" \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -out ca.pem

issue() { # name, address, key options
  name=$1 address=$2; shift 2
  openssl genpkey "$@" -out "$name.key"
  openssl req -new -key "$name.key" -subj "$(subject "$name")" -out "$name.csr"
  cat > "$name.cnf" <<C
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=emailProtection
subjectAltName=email:$address
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
C
  openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -sha256 -days 10000 -extfile "$name.cnf" -out "$name.pem"
  openssl x509 -in "$name.pem" -outform DER -out "$name.der"
  openssl pkcs8 -topk8 -nocrypt -in "$name.key" -outform DER -out "$name.p8"
  rm "$name.csr" "$name.cnf" "$name.key" "$name.pem"
}
rsa="-algorithm RSA -pkeyopt rsa_keygen_bits:2048"
issue alice alice@peer.example $rsa
issue bob bob@peer.example $rsa
issue carol carol@lan.example $rsa
issue dave dave@lan.example $rsa
issue mallory mallory@evil.example $rsa
issue erin erin@peer.example -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048
openssl x509 -in ca.pem -outform DER -out ca.der
rm -f ca.pem ca.key ca.srl
