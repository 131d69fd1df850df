#!/bin/sh
# Makes the messages of the vectors whose names begin with "in-openssl", and those
# that are made of them. Run in this folder; needs OpenSSL 3 and the people in
# ../../smime/tests/vectors/people. What is made differs each time, as randomness
# does; what is expected of it does not.
set -eu
people=../../smime/tests/vectors/people
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in alice carol dave; do
  openssl x509 -inform DER -in $people/$name.der -out "$work/$name.pem"
  openssl pkey -inform DER -in $people/$name.p8 -out "$work/$name.key"
done
signer="-signer $work/alice.pem -inkey $work/alice.key -md sha256"
crlf() { sed 's/\r*$/\r/'; }

# What all of them say.
printf 'Content-Type: text/plain; charset=us-ascii\r\n\r\nThe figures are in.\r\n' > "$work/entity"
{ # header fields and an entity with its own make a message
  printf 'From: Alice <alice@peer.example>\r\nTo: carol@lan.example\r\nSubject: Figures\r\n'
} > "$work/header"
message() { { cat "$work/header"; crlf; } > "$1/message.eml"; }

# Each expected message is the header, then the innermost entity.
openssl cms -sign -binary -in "$work/entity" $signer -outform SMIME -crlfeol | message in-openssl-signed
openssl cms -sign -nodetach -binary -in "$work/entity" $signer -outform SMIME -crlfeol | message in-openssl-opaque
openssl cms -sign -binary -in "$work/entity" $signer -outform SMIME -crlfeol | crlf > "$work/signed"
openssl cms -encrypt -binary -aes-256-cbc -in "$work/signed" -outform SMIME "$work/carol.pem" |
  message in-openssl-sign-then-encrypt
openssl cms -encrypt -binary -aes-256-gcm -in "$work/entity" -outform SMIME \
  -recip "$work/carol.pem" -keyopt rsa_padding_mode:oaep -keyopt rsa_oaep_md:sha256 | crlf > "$work/encrypted"
openssl cms -sign -binary -in "$work/encrypted" $signer -outform SMIME -crlfeol | message in-openssl-encrypt-then-sign
openssl cms -encrypt -binary -aes-128-cbc -in "$work/entity" -outform SMIME "$work/carol.pem" |
  message in-openssl-unauthenticated
openssl cms -encrypt -binary -aes-256-cbc -in "$work/signed" -outform SMIME "$work/dave.pem" | message in-readdressed
sed 's/figures are in/figures are out/' in-openssl-signed/message.eml > in-altered/message.eml
