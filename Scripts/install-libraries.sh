#!/usr/bin/env bash
# Installs headers that are missing, on Debian and its relatives: zlib's, without which nothing is built, and
# libcrypto's, without which a package is compiled for a minute in their place.
set -euo pipefail

if [ "$(uname -s)" = Darwin ]; then exit 0; fi
missing=()
if [ ! -f /usr/include/zlib.h ]; then missing+=(zlib1g-dev); fi
if [ ! -f /usr/include/openssl/evp.h ]; then missing+=(libssl-dev); fi
if [ ${#missing[@]} = 0 ]; then exit 0; fi

# What only saves time is worth neither a password nor a failure.
has_needed() { [ -f /usr/include/zlib.h ]; }
if has_needed && { [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; }; then
  echo "libcrypto's headers (Debian: libssl-dev) would save a minute of compiling"
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "zlib's headers are missing: install zlib's development package, then try again" >&2
  exit 1
fi
"$(dirname "$0")/install-packages.sh" "${missing[@]}" || has_needed
