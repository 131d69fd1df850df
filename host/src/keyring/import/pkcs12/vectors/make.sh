#!/bin/sh
# Makes the files here anew, with NSS: an authority, and two certificates and
# keys of one person under one name.
set -eu
cd "$(dirname "$0")"
db=$(mktemp -d)
trap 'rm -rf "$db"' EXIT
head -c 64 /dev/urandom >"$db/noise"
certutil -N -d "sql:$db" --empty-password

# $1 serial number, $2 nickname, $3 subject, then options
certificate() {
    serial=$1 name=$2 subject=$3
    shift 3
    certutil -S -d "sql:$db" -z "$db/noise" -g 2048 -Z SHA256 -v 1200 -m "$serial" -n "$name" -s "$subject" "$@"
}
# An authority, of paths of any length, critical: what -2 asks for.
printf 'y\n\ny\n' | certificate 1 ca 'CN=Authority,O=NEC,C=JP' -x -t C,C,C --keyUsage certSigning -2
taro() {
    head -c 64 /dev/urandom >"$db/noise"
    certificate "$1" taro 'CN=Taro,O=NEC,C=JP' -c ca -t u,u,u -7 taro@nec.co.jp --keyUsage "$2"
}
taro 2 digitalSignature
taro 3 keyEncipherment

export_to() {
    file=$1
    shift
    pk12util -o "$file" -d "sql:$db" -n taro -K '' -W secret "$@"
    chmod 644 "$file"
}
export_to nss.p12
export_to sha512.p12 -M SHA-512
export_to plain-certificates.p12 -C NONE
export_to camellia.p12 -c CAMELLIA-256-CBC
export_to old.p12 -M SHA-1 \
    -c 'PKCS #12 V2 PBE With SHA-1 And 3KEY Triple DES-CBC' -C 'PKCS #12 V2 PBE With SHA-1 And 40 Bit RC2 CBC'
