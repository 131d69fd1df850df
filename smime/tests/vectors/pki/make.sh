#!/bin/sh
# Makes the certificates, keys and signatures of this folder with OpenSSL. Keys
# that are there already are kept. See README.md.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
: > "$work/index"

START=20250101000000Z
END=20991231235959Z

cat > "$work/ca.cnf" <<CNF
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
email_in_dn = yes
x509_extensions = extensions
[policy]
commonName = optional
emailAddress = optional
organizationName = optional
[req]
distinguished_name = dn
utf8 = yes
string_mask = utf8only
[dn]
CNF

# key NAME [OPTION…] — an RSA key of 2048 bits, or what the options say.
key() {
  name=$1; shift
  [ -f "$name.p8" ] && return
  [ $# -gt 0 ] || set -- -algorithm RSA -pkeyopt rsa_keygen_bits:2048
  openssl genpkey "$@" -out "$work/new.pem" 2> "$work/log"
  openssl pkcs8 -topk8 -nocrypt -in "$work/new.pem" -outform DER -out "$name.p8"
}

# certificate NAME SUBJECT KEY ISSUER [OPTION…] < extensions — by the key and
# under the name of another certificate; ISSUER "self" makes it self-signed.
certificate() {
  name=$1 subject=$2 key=$3 issuer=$4; shift 4
  { cat "$work/ca.cnf"; echo '[extensions]'; cat; } > "$work/one.cnf"
  openssl pkey -inform DER -in "$key.p8" -out "$work/key.pem"
  openssl req -new -config "$work/one.cnf" -key "$work/key.pem" -subj "$subject" -out "$work/one.csr"
  if [ "$issuer" = self ]; then
    set -- -selfsign -keyfile "$work/key.pem" "$@"
  else
    openssl x509 -inform DER -in "$issuer.cer" -out "$work/issuer.pem"
    openssl pkey -inform DER -in "$(cat "$work/$issuer.key")" -out "$work/issuer.key"
    set -- -cert "$work/issuer.pem" -keyfile "$work/issuer.key" "$@"
  fi
  case " $* " in *" -startdate "*) ;; *) set -- -startdate $START "$@" ;; esac
  case " $* " in *" -enddate "*) ;; *) set -- -enddate $END "$@" ;; esac
  openssl ca -batch -config "$work/one.cnf" -in "$work/one.csr" -notext -out "$work/one.pem" "$@" 2> "$work/log" ||
    { cat "$work/log"; exit 1; }
  openssl x509 -in "$work/one.pem" -outform DER -out "$name.cer"
  echo "$key.p8" > "$work/$name.key"
}

# authority NAME ISSUER [EXTENSION…] — an authority called NAME with a key of
# that name; the last of each kind of extension counts.
authority() {
  name=$1 issuer=$2; shift 2
  key "$name"
  {
    case " $* " in *basicConstraints*) ;; *) echo 'basicConstraints = critical, CA:TRUE' ;; esac
    case " $* " in *keyUsage\ =*) ;; *) echo 'keyUsage = critical, keyCertSign, cRLSign' ;; esac
    echo 'subjectKeyIdentifier = hash'
    [ "$issuer" = self ] || echo 'authorityKeyIdentifier = keyid'
    for extension; do echo "$extension"; done
  } | certificate "$name" "/O=Wasmime tests/CN=$name" "$name" "$issuer"
}

# leaf NAME ISSUER [EXTENSION…] — of alice's key.
leaf() {
  name=$1 issuer=$2; shift 2
  {
    case " $* " in *keyUsage\ =*) ;; *) echo 'keyUsage = critical, digitalSignature, keyEncipherment' ;; esac
    case " $* " in *subjectAltName*) ;; *) echo 'subjectAltName = email:alice@peer.example' ;; esac
    echo 'basicConstraints = critical, CA:FALSE'
    echo 'subjectKeyIdentifier = hash'
    echo 'authorityKeyIdentifier = keyid'
    for extension; do echo "$extension"; done
  } | certificate "$name" "/O=Wasmime tests/CN=alice" alice "$issuer"
}
MAIL='extendedKeyUsage = emailProtection'

key alice
key mallory

# A root, an intermediate that may issue no further authorities, and alice.
authority root self
authority intermediate root 'basicConstraints = critical, CA:TRUE, pathlen:0'
leaf alice intermediate "$MAIL"
authority other-root self

# Paths that do not hold.
authority below-pathlen intermediate
leaf by-below-pathlen below-pathlen "$MAIL"
authority not-ca root 'basicConstraints = critical, CA:FALSE'
leaf by-not-ca not-ca "$MAIL"
printf 'subjectAltName = email:alice@peer.example\n' | certificate by-alice '/CN=mallory' mallory alice
authority no-cert-sign root 'keyUsage = critical, digitalSignature'
leaf by-no-cert-sign no-cert-sign "$MAIL"
authority server-authority root 'extendedKeyUsage = serverAuth'
leaf by-server-authority server-authority "$MAIL"
authority mail-authority root 'extendedKeyUsage = clientAuth, emailProtection'
leaf by-mail-authority mail-authority "$MAIL"
authority named root 'nameConstraints = critical, permitted;email:peer.example'
leaf by-named named "$MAIL"
authority named-softly root 'nameConstraints = permitted;email:peer.example'
leaf by-named-softly named-softly "$MAIL"
authority strange root '1.3.6.1.4.1.99999.1 = critical, ASN1:NULL'
leaf by-strange strange "$MAIL"
authority policy-bound root 'policyConstraints = critical, requireExplicitPolicy:0'
leaf by-policy-bound policy-bound "$MAIL"
authority policies root 'certificatePolicies = critical, 1.3.6.1.4.1.99999.2'
leaf by-policies policies "$MAIL"
leaf by-other-root other-root "$MAIL"

# An authority whose certificate has expired, or that is of tomorrow.
key expired-authority
printf 'basicConstraints = critical, CA:TRUE\nsubjectKeyIdentifier = hash\n' |
  certificate expired-authority '/O=Wasmime tests/CN=expired-authority' expired-authority root \
    -startdate 20200101000000Z -enddate 20210101000000Z
leaf by-expired-authority expired-authority "$MAIL"

# Two authorities that vouch for each other, and a leaf below; then one of them
# is issued by the root as well.
key loop-a
key loop-b
AUTHORITY='basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash'
for name in loop-a loop-b; do
  echo "$AUTHORITY" | certificate $name-self "/O=Wasmime tests/CN=$name" $name self
done
echo "$AUTHORITY" | certificate loop-a '/O=Wasmime tests/CN=loop-a' loop-a loop-b-self
echo "$AUTHORITY" | certificate loop-b '/O=Wasmime tests/CN=loop-b' loop-b loop-a-self
echo "$AUTHORITY" | certificate loop-b-by-root '/O=Wasmime tests/CN=loop-b' loop-b root
leaf by-loop loop-a "$MAIL"
rm loop-a-self.cer loop-b-self.cer

# An authority that changed its key: the new key issued under the old, by
# itself, below pathLen 0.
key rolled-old
key rolled-new
printf 'basicConstraints = critical, CA:TRUE, pathlen:0\nsubjectKeyIdentifier = hash\n' |
  certificate rolled-old '/O=Wasmime tests/CN=rolled' rolled-old root
printf 'basicConstraints = critical, CA:TRUE, pathlen:0\nsubjectKeyIdentifier = hash\n' |
  certificate rolled-new '/O=Wasmime tests/CN=rolled' rolled-new rolled-old
leaf by-rolled rolled-new "$MAIL"

# A root of the first version, without extensions.
key root-v1
openssl pkey -inform DER -in root-v1.p8 -out "$work/v1.pem"
openssl req -new -config "$work/ca.cnf" -key "$work/v1.pem" -subj '/O=Wasmime tests/CN=root-v1' -out "$work/v1.csr"
openssl x509 -req -in "$work/v1.csr" -key "$work/v1.pem" -days 27000 -outform DER -out root-v1.cer 2> "$work/log"
echo root-v1.p8 > "$work/root-v1.key"
printf 'subjectAltName = email:alice@peer.example\n' | certificate by-root-v1 '/CN=alice' alice root-v1

# What a leaf may be used for.
leaf eku-server root 'extendedKeyUsage = serverAuth'
leaf eku-any root 'extendedKeyUsage = serverAuth, anyExtendedKeyUsage'
leaf eku-none root
leaf ku-encipher root 'keyUsage = critical, keyEncipherment' "$MAIL"
leaf ku-sign root 'keyUsage = critical, digitalSignature' "$MAIL"
leaf ku-commit root 'keyUsage = critical, nonRepudiation' "$MAIL"
leaf strange-leaf root '1.3.6.1.4.1.99999.1 = critical, ASN1:NULL' "$MAIL"
leaf strange-softly root '1.3.6.1.4.1.99999.1 = ASN1:NULL' "$MAIL"
printf 'subjectAltName = email:alice@peer.example\n' |
  certificate ku-none '/CN=alice' alice root

# When it is valid.
printf 'subjectAltName = email:alice@peer.example\n' |
  certificate expired '/CN=alice' alice root -startdate 20200101000000Z -enddate 20210101000000Z
printf 'subjectAltName = email:alice@peer.example\n' |
  certificate future '/CN=alice' alice root -startdate 20900101000000Z

# Keys and algorithms.
key weak -algorithm RSA -pkeyopt rsa_keygen_bits:1024
printf 'subjectAltName = email:alice@peer.example\n' | certificate weak '/CN=alice' weak root
printf 'basicConstraints = critical, CA:TRUE\nsubjectKeyIdentifier = hash\n' |
  certificate weak-authority '/O=Wasmime tests/CN=weak-authority' weak root
echo weak.p8 > "$work/weak-authority.key"
leaf by-weak-authority weak-authority "$MAIL"
printf 'subjectAltName = email:alice@peer.example\n' | certificate sha1 '/CN=alice' alice root -md sha1
printf 'subjectAltName = email:alice@peer.example\n' | certificate md5 '/CN=alice' alice root -md md5
printf 'subjectAltName = email:alice@peer.example\n' | certificate sha384 '/CN=alice' alice root -md sha384
printf 'subjectAltName = email:alice@peer.example\n' | certificate sha512 '/CN=alice' alice root -md sha512
key sha1-authority
echo "$AUTHORITY" | certificate sha1-authority '/O=Wasmime tests/CN=sha1-authority' sha1-authority root -md sha1
leaf by-sha1-authority sha1-authority "$MAIL"
key ec -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:named_curve
printf 'subjectAltName = email:alice@peer.example\n' | certificate ec '/CN=alice' ec root
key ec-authority -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:named_curve
authority ec-authority root
leaf by-ec-authority ec-authority "$MAIL"

# RSASSA-PSS: a key that is for it alone, one that fixes its parameters, and an
# authority that signs with it.
key pss -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048
key pss-sha384 -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha384 \
  -pkeyopt rsa_pss_keygen_mgf1_md:sha384 -pkeyopt rsa_pss_keygen_saltlen:48
PSS='-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest'
printf 'subjectAltName = email:alice@peer.example\n' | certificate pss '/CN=alice' pss root $PSS
printf 'subjectAltName = email:alice@peer.example\n' |
  certificate pss-sha384 '/CN=alice' pss-sha384 root $PSS -md sha384
printf 'subjectAltName = email:alice@peer.example\n' |
  certificate pss-sha1 '/CN=alice' alice root $PSS -md sha1
key pss-authority -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048
echo "$AUTHORITY" | certificate pss-authority '/O=Wasmime tests/CN=pss-authority' pss-authority root
printf 'subjectAltName = email:alice@peer.example\n' | certificate by-pss-authority '/CN=alice' alice pss-authority $PSS

# Whom a certificate names.
named() { name=$1 subject=$2; shift 2; printf '%s\n' "$@" | certificate "$name" "$subject" alice root; }
named san-two '/CN=alice' 'subjectAltName = email:first@peer.example, DNS:peer.example, email:Alice@Peer.Example'
named san-and-subject '/CN=alice/emailAddress=subject@peer.example' 'subjectAltName = email:alice@peer.example'
named subject-only '/CN=alice/emailAddress=alice@peer.example' 'basicConstraints = CA:FALSE'
named no-address '/CN=alice' 'basicConstraints = CA:FALSE'
named cn-only '/CN=alice@peer.example' 'basicConstraints = CA:FALSE'
named san-space '/CN=alice' 'subjectAltName = @names' '[names]' 'email.1 = "alice@peer.example "' 'email.2 = "al ice@peer.example"'
named san-utf8 '/CN=alice' 'subjectAltName = @names' '[names]' \
  'otherName = 1.3.6.1.5.5.7.8.9;FORMAT:UTF8,UTF8:有希@peer.example'
named san-labels '/CN=alice' 'subjectAltName = email:alice@xn--r8jz45g.xn--zckzah'
named san-other '/CN=alice' 'subjectAltName = otherName:1.3.6.1.4.1.311.20.2.3;UTF8:alice@peer.example'

# Someone who made up all by herself that she is alice.
printf 'subjectAltName = email:alice@peer.example\nbasicConstraints = critical, CA:TRUE\n' |
  certificate mallory-self '/O=Wasmime tests/CN=alice' mallory self
# And an authority that borrows the name of ours.
printf 'basicConstraints = critical, CA:TRUE\n' |
  certificate mallory-intermediate '/O=Wasmime tests/CN=intermediate' mallory self

# forced NAME BITS EXPONENT — a certificate by root of a made-up RSA key, whose
# modulus is all ones.
forced() {
  digits=$(printf '%*s' $(($2 / 4)) '' | tr ' ' F)
  cat > "$work/spki.cnf" <<CNF
asn1 = SEQUENCE:spki
[spki]
algorithm = SEQUENCE:algorithm
key = BITWRAP,SEQUENCE:key
[algorithm]
oid = OID:rsaEncryption
parameters = NULL
[key]
n = INTEGER:0x$digits
e = INTEGER:$3
CNF
  openssl asn1parse -genconf "$work/spki.cnf" -noout -out "$work/spki.der"
  openssl pkey -pubin -inform DER -in "$work/spki.der" -out "$work/spki.pem"
  openssl x509 -inform DER -in root.cer -out "$work/issuer.pem"
  openssl pkey -inform DER -in root.p8 -out "$work/issuer.key"
  openssl pkey -inform DER -in alice.p8 -out "$work/key.pem"
  printf 'subjectAltName = email:alice@peer.example\nbasicConstraints = critical, CA:TRUE\n' > "$work/one.ext"
  openssl req -new -config "$work/ca.cnf" -key "$work/key.pem" -subj "/O=Wasmime tests/CN=$1" -out "$work/one.csr"
  openssl x509 -req -in "$work/one.csr" -force_pubkey "$work/spki.pem" -CA "$work/issuer.pem" \
    -CAkey "$work/issuer.key" -days 27000 -extfile "$work/one.ext" -outform DER -out "$1.cer" 2> "$work/log"
}
forced rsa-16384 16384 65537
forced rsa-e1 2048 1
# A leaf that says it was issued by the authority with 16384 bits.
openssl req -new -config "$work/ca.cnf" -key "$work/key.pem" -subj '/O=Wasmime tests/CN=rsa-16384' -out "$work/one.csr"
openssl x509 -req -in "$work/one.csr" -key "$work/key.pem" -days 27000 -outform DER -out "$work/fake.der" 2> "$work/log"
openssl x509 -inform DER -in "$work/fake.der" -out "$work/issuer.pem"
openssl req -new -config "$work/ca.cnf" -key "$work/key.pem" -subj '/CN=alice' -out "$work/one.csr"
openssl x509 -req -in "$work/one.csr" -CA "$work/issuer.pem" -CAkey "$work/key.pem" -days 27000 \
  -extfile "$work/one.ext" -outform DER -out by-rsa-16384.cer 2> "$work/log"

# Serial numbers that RFC 5280 does not allow, and that are met all the same.
for serial in negative:-5 zero:0 long:0x$(printf '%064d' 7 | tr 0 5)abcdef; do
  openssl x509 -inform DER -in root.cer -out "$work/issuer.pem"
  openssl x509 -req -in "$work/one.csr" -CA "$work/issuer.pem" -CAkey "$work/issuer.key" -days 27000 \
    -set_serial "${serial#*:}" -extfile "$work/one.ext" -outform DER -out "serial-${serial%%:*}.cer" 2> "$work/log"
done

# Signatures of message.txt by alice, and content keys encrypted to her.
printf 'A message for the tests of Wasmime.\r\n' > message.txt
printf '0123456789abcdef0123456789abcdef' > content-key
mkdir -p signatures transport
openssl pkey -inform DER -in alice.p8 -out "$work/alice.pem"
openssl pkey -in "$work/alice.pem" -pubout -out "$work/alice.pub"
for digest in sha1 sha256 sha384 sha512; do
  openssl dgst -$digest -sign "$work/alice.pem" -out signatures/v15-$digest message.txt
  for salt in digest 8; do
    openssl dgst -$digest -sign "$work/alice.pem" -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:$salt \
      -out signatures/pss-$digest-$salt message.txt
  done
  for mask in sha1 sha256 sha384 sha512; do
    openssl pkeyutl -encrypt -pubin -inkey "$work/alice.pub" -pkeyopt rsa_padding_mode:oaep \
      -pkeyopt rsa_oaep_md:$digest -pkeyopt rsa_mgf1_md:$mask -in content-key -out transport/oaep-$digest-$mask
  done
done
openssl pkeyutl -encrypt -pubin -inkey "$work/alice.pub" -in content-key -out transport/v15
openssl pkeyutl -encrypt -pubin -inkey "$work/alice.pub" -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 \
  -pkeyopt rsa_mgf1_md:sha256 -pkeyopt rsa_oaep_label:6c6162656c -in content-key -out transport/oaep-label
# Not padded as PKCS #1 v1.5 says: what comes out is not known to anyone but the key.
openssl rand 255 > "$work/noise"
{ printf '\0'; cat "$work/noise"; } > "$work/block"
openssl pkeyutl -encrypt -pubin -inkey "$work/alice.pub" -pkeyopt rsa_padding_mode:none -in "$work/block" \
  -out transport/v15-bad-padding
printf '0123456789abcdef' > "$work/short"
openssl pkeyutl -encrypt -pubin -inkey "$work/alice.pub" -in "$work/short" -out transport/v15-short
