#!/usr/bin/env bash
# Installs headers that are missing, on Debian and its relatives: zlib's, without which nothing is built, and
# libcrypto's, without which a package is compiled for a minute in their place.
set -euo pipefail

if [ "$(uname -s)" = Darwin ]; then exit 0; fi
missing=()
if [ ! -f /usr/include/zlib.h ]; then missing+=(zlib1g-dev); fi
if [ ! -f /usr/include/openssl/evp.h ]; then missing+=(libssl-dev); fi
if [ ${#missing[@]} = 0 ]; then exit 0; fi
if ! command -v apt-get >/dev/null; then
  if [ -f /usr/include/zlib.h ]; then exit 0; fi
  echo "zlib's headers are missing: install zlib's development package, then try again" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi
echo "installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
