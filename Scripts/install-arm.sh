#!/usr/bin/env bash
# Installs a C library for arm64 and qemu, which runs arm64 programs here, where they are missing: Debian and its
# relatives. The compiler is Swift's clang.
set -euo pipefail

if command -v qemu-aarch64 >/dev/null && command -v aarch64-linux-gnu-gcc >/dev/null; then exit 0; fi
if ! command -v apt-get >/dev/null; then
  echo "qemu-aarch64 and aarch64-linux-gnu-gcc are missing: install them, then try again" >&2
  exit 1
fi
exec "$(dirname "$0")/install-packages.sh" gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
