#!/bin/sh
# Makes the people of the benches: an authority, and for each kind of key a sender
# and the recipients, who all have the same key: to encrypt to 100 of them takes
# 100 certificates and no 100 keys. Run in this folder; needs OpenSSL 3.
#
# Valid from the day they are made for 10,000 days; the benches' clock says
# 2027-01-01T00:00:00Z.
set -eu
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out ca.key
openssl req -x509 -key ca.key -sha256 -days 10000 -subj "/O=Benches/CN=Benches CA" \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -outform PEM -out ca.pem

certificate() { # key, address, usage; PEM on standard output
  openssl req -new -key "$1" -subj "/O=Benches/CN=$2" -out request.csr
  cat > request.cnf <<C
basicConstraints=critical,CA:FALSE
keyUsage=critical,$3
extendedKeyUsage=emailProtection
subjectAltName=email:$2
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
C
  openssl x509 -req -in request.csr -CA ca.pem -CAkey ca.key -sha256 -days 10000 -extfile request.cnf 2>/dev/null
  rm request.csr request.cnf
}

kind() { # folder, how many recipients, usage, key options
  folder=$1 count=$2 usage=$3; shift 3
  mkdir -p "$folder"
  for who in sender recipient; do
    openssl genpkey -quiet "$@" -out key.pem
    openssl pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out "$folder/$who.p8"
    if [ $who = sender ]; then
      certificate key.pem sender@peer.example "$usage" > "$folder/sender.pem"
    else
      : > "$folder/recipients.pem"
      for number in $(seq "$count"); do
        certificate key.pem "recipient-$number@lan.example" "$usage" >> "$folder/recipients.pem"
      done
    fi
    rm key.pem
  done
}
kind rsa-2048 100 digitalSignature,keyEncipherment -algorithm RSA -pkeyopt rsa_keygen_bits:2048
kind rsa-3072 1 digitalSignature,keyEncipherment -algorithm RSA -pkeyopt rsa_keygen_bits:3072
kind p-256 1 digitalSignature,keyAgreement -algorithm EC -pkeyopt ec_paramgen_curve:P-256
rm -f ca.key ca.srl
