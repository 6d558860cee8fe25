#!/usr/bin/env bash
# Installs a hub's CA in the system's store and takes it out again, in a copy of the store that only this script sees:
# it runs in a mount namespace of its own. Prints what each program thinks of the hub at each step.
#
#   unshare --mount trust_store.sh HUBBUB DATA HOST:PORT
set -euo pipefail
readonly hubbub=$1 data=$2 peer=$3
readonly certs=/etc/ssl/certs local=/usr/local/share/ca-certificates hooks=/etc/ca-certificates/update.d
readonly list=/etc/ca-certificates.conf

copy=$(mktemp -d)
trap 'umount "$list" "$hooks" "$local" "$certs" 2>/dev/null; rm -rf "$copy"' EXIT
cp -r --preserve=links "$certs" "$copy/certs"
cp -r "$local" "$copy/local"
mkdir "$copy/hooks"
chmod 755 "$copy"
mount --bind "$copy/certs" "$certs"
mount --bind "$copy/local" "$local"
# Other packages' hooks write elsewhere.
mount --bind "$copy/hooks" "$hooks"
# A few authorities tell as much as all of them, and take less time.
grep -m 3 -v '^[#!]' "$list" >"$copy/list"
mount --bind "$copy/list" "$list"

# Variables that would name another store.
unset SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE REQUESTS_CA_BUNDLE HUBBUB_CONNECTION_STRING
export no_proxy="*" NO_PROXY="*"
umask 077

verdict() { if "${@:2}" >/dev/null 2>&1 </dev/null; then echo "$step $1 trusts"; else echo "$step $1 refuses"; fi; }
fetch='import sys, urllib.request; urllib.request.urlopen("https://" + sys.argv[1] + "/healthz", timeout=20)'
# What is a hub's, and links that lead nowhere.
loose() { find -L "$certs" "$local" -name 'hubbub-*' -o -type l | sort; }
trusted_by_doctor() { [[ $("$hubbub" doctor --data "$data" || true) == *$'ok\ttrust'* ]]; }
ask() {
    step=$1
    verdict curl curl --silent --fail --max-time 20 "https://$peer/healthz"
    verdict openssl openssl s_client -connect "$peer" -verify_return_error -verify_hostname "${peer%:*}"
    verdict python /usr/bin/python3 -c "$fetch" "$peer"
    verdict dotnet trusted_by_doctor
}

update-ca-certificates --fresh >/dev/null 2>&1
sha256sum <"$certs/ca-certificates.crt" >"$copy/before"
before=$(loose)
ask before
"$hubbub" trust --data "$data" | sed -n '1s/^/said: /p'
stat -c 'mode %a' "$local"/hubbub-*.crt
ask installed
"$hubbub" trust --remove --data "$data" | sed -n '1s/^/said: /p'
ask removed
"$hubbub" trust --remove --data "$data" | sed -n '1s/^/again: /p'
if sha256sum <"$certs/ca-certificates.crt" | cmp -s - "$copy/before"; then echo "store as before"; else echo "store differs"; fi
if [[ $(loose) == "$before" ]]; then echo "left nothing"; else echo "left $(loose)"; fi
