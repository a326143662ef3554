#!/usr/bin/env bash
# Installs zlib's headers where they are missing: Debian and its relatives.
set -euo pipefail

if [ "$(uname -s)" = Darwin ] || [ -f /usr/include/zlib.h ]; then exit 0; fi
if ! command -v apt-get >/dev/null; then
  echo "zlib's headers are missing: install zlib's development package, then try again" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi
echo "installing zlib1g-dev"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq zlib1g-dev
