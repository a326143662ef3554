#!/usr/bin/env bash
# Runs the kernels of CKernels on this machine and, under qemu, on arm64, over inputs that are the same on both:
# every level of instructions must give the bytes that Tests/KernelDigests/digests.txt records.
# `arm.sh --record` writes that list anew. A machine that is arm64 itself needs no qemu.
#
# The compiler is Swift's clang: the kernels use its vectors, which gcc does not know.
set -euo pipefail
cd "$(dirname "$0")/.."

recorded=Tests/KernelDigests/digests.txt
build=build/kernel-digests
mkdir -p "$build"

# Each kernel has a case.
for name in $(grep -ohE '\bweightmill_[a-z0-9_]+\(' Sources/CKernels/include/*.h | tr -d '(' | sort -u); do
  grep -qE "\b$name\b" Tests/KernelDigests/*.c || { echo "Tests/KernelDigests has no case of $name" >&2; exit 1; }
done

# compile PROGRAM FLAG...
compile() {
  local program=$1
  shift
  "${CLANG:-clang}" -std=gnu17 -O2 -Wall -Wextra -Werror "$@" -I Sources/CKernels/include \
    Sources/CKernels/*.c Tests/KernelDigests/*.c -lm -o "$program"
}

# check NAME COMMAND...
check() {
  local name=$1 began=$SECONDS
  shift
  "$@" > "$build/$name.txt"
  if [ "${record:-}" = yes ]; then
    cp "$build/$name.txt" "$recorded"
    record=
  fi
  diff -u "$recorded" "$build/$name.txt" || { echo "$name: other bytes than $recorded" >&2; exit 1; }
  echo "$name: $(wc -l < "$recorded") digests as recorded, $((SECONDS - began)) s"
}

record=
if [ "${1:-}" = --record ]; then record=yes; fi
compile "$build/native"
check "$(uname -m)" "$build/native"
if [ "$(uname -sm)" = "Linux x86_64" ]; then
  Scripts/install-arm.sh
  compile "$build/arm" --target=aarch64-linux-gnu -static
  check arm64 qemu-aarch64 "$build/arm"
fi
