#!/bin/sh
# Makes the certificates of the TLS tests anew: an authority, server certificates below it, and strangers.
set -eu
cd "$(dirname "$0")"
days=36500
authority() { # name, common name
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
    openssl req -x509 -new -key "$1.key" -sha256 -days $days -subj "/CN=$2" -out "$1.pem" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}
certificate() { # name, authority, names, usage, dates…
    name=$1 authority=$2 names=$3 usage=$4; shift 4
    openssl req -new -key "$name.key" -subj "/CN=$name" -out "$name.csr"
    printf 'subjectAltName=%s\nextendedKeyUsage=%s\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n' "$names" "$usage" > "$name.ext"
    openssl x509 -req -in "$name.csr" -CA "$authority.pem" -CAkey "$authority.key" -CAcreateserial -sha256 "$@" \
        -extfile "$name.ext" -out "$name.pem" 2>/dev/null
    rm "$name.csr" "$name.ext"
}
rsa() { openssl genrsa -out "$1.key" 2048 2>/dev/null; }
ecdsa() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }

expired() { # `x509` makes no certificate of the past, `ca` does
    mkdir ca; : > ca/index; echo 01 > ca/serial
    printf '[ca]\ndefault_ca=d\n[d]\ndatabase=ca/index\nserial=ca/serial\nnew_certs_dir=ca\ndefault_md=sha256\npolicy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=DNS:mx.example\n' > ca/config
    openssl req -new -key expired.key -subj /CN=expired -out ca/request
    openssl ca -batch -notext -config ca/config -cert authority.pem -keyfile authority.key -startdate 20200101000000Z \
        -enddate 20200201000000Z -in ca/request -out expired.pem 2>/dev/null
    rm -r ca
}

authority authority "Baton test authority"
authority stranger "Somebody else"
rsa rsa; certificate rsa authority DNS:mx.example,DNS:mail.example serverAuth -days $days
ecdsa ecdsa; certificate ecdsa authority DNS:mx.example,DNS:mail.example serverAuth -days $days
ecdsa other; certificate other authority "DNS:*.other.example" serverAuth -days $days
ecdsa expired; expired
ecdsa untrusted; certificate untrusted stranger DNS:mx.example serverAuth -days $days
ecdsa client; certificate client authority DNS:client.example clientAuth -days $days
rm -f ./*.srl authority.key stranger.key
