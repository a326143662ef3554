#!/usr/bin/env bash
# Runs the release's tarball on a Debian that has neither Swift nor a compiler: a root folder made by
# debootstrap, kept in the cache for the next time. Needs root, on Debian or a relative.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ $(uname -s) != Linux || $EUID != 0 ]] || ! command -v apt-get >/dev/null; then
  echo "test-release.sh: not run: it needs root, on Debian or a relative of it" >&2
  exit 0
fi
if ! command -v debootstrap >/dev/null; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends debootstrap
fi

tarballs=(build/weightmill-*-linux-"$(uname -m)".tar.gz)
tarball=${tarballs[-1]}
(cd build && sha256sum --check --quiet SHA256SUMS)

suite=bookworm
root=${XDG_CACHE_HOME:-$HOME/.cache}/weightmill/debian-$suite
if [[ ! -e $root.ready ]]; then
  echo "installing Debian $suite into $root"
  rm -rf "$root"
  mkdir -p "$root"
  debootstrap --variant=minbase --include=man-db "$suite" "$root" http://deb.debian.org/debian \
    >"$root.log" 2>&1 || { tail -20 "$root.log" >&2; exit 1; }
  touch "$root.ready"
fi

# The layout below the name is that of /usr/local.
rm -rf "$root/usr/local" "$root/work"
mkdir -p "$root/usr/local" "$root/work"
tar -xzf "$tarball" --strip-components=1 -C "$root/usr/local"
cp -r fixtures/mini-ziya/base-meta fixtures/mini-ziya/delta fixtures/mini-ziya/expected/eval-zh.txt \
  "$root/work"

# inside COMMAND...: runs it there, with nothing of this machine's environment. Swift finds its
# arguments in /proc.
inside() {
  echo "\$ $*" >&2
  unshare --mount /bin/sh -c 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"' "$root" \
    /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/root LC_ALL=C.UTF-8 \
    /bin/bash -c 'cd /work && exec "$@"' bash "$@"
}

# shows TEXT COMMAND...: what the command prints has TEXT in it.
shows() {
  local text=$1 output
  shift
  output=$(inside "$@")
  [[ $output == *"$text"* ]] || {
    printf 'test-release.sh: no "%s" in:\n%s\n' "$text" "$output" >&2
    exit 1
  }
}

if inside bash -c 'command -v swift || command -v cc || ls /usr/lib/swift' 2>/dev/null; then
  echo "test-release.sh: this is no clean system" >&2
  exit 1
fi
commit=${WEIGHTMILL_COMMIT-$(Scripts/commit.sh)}
inside weightmill --version
shows "${commit:-weightmill}" weightmill --version
shows "SUBCOMMANDS" weightmill --help
shows "EXIT STATUS" man -P cat weightmill
shows "weightmill quantize" man -P cat weightmill-quantize
shows "--max-kld" man -P cat weightmill-verify-logits
shows "weightmill" bash -c \
  '. /usr/local/share/bash-completion/completions/weightmill && complete -p weightmill'

shows "swift-crypto 4" cat /usr/local/DEPENDENCIES

merged=(--delta delta)
inside weightmill convert base-meta "${merged[@]}" --output f16.gguf
inside weightmill quantize f16.gguf q4_k_m.gguf q4_k_m
inside weightmill verify-logits q4_k_m.gguf --reference base-meta "${merged[@]}" --text eval-zh.txt \
  --max-kld 0.03
shows '"kind" : "GGUF file"' weightmill inspect q4_k_m.gguf --json
rm -rf "$root/work"
echo "$tarball works on a clean Debian $suite"
