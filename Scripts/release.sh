#!/usr/bin/env bash
# Builds the release: build/release (the files as they are installed), a tarball of them, SHA256SUMS.
#
# The same commit with the same toolchain and libraries gives the same tarball, in whatever folder.
# SOURCE_DATE_EPOCH  the time of all files; without it that of the commit
set -euo pipefail
cd "$(dirname "$0")/.."

# libcrypto as an archive would bring all of its algorithms; the package brings what is used.
export WEIGHTMILL_CRYPTO=package
scratch=$PWD/.build-release
build=(swift build --configuration release --explicit-target-dependency-import-check error
  --scratch-path "$scratch" --product weightmill --disable-local-rpath -Xlinker -s)
# Where it was built is nobody's business.
build+=(-Xcc "-ffile-prefix-map=$PWD=." -Xswiftc -file-prefix-map -Xswiftc "$PWD=.")

# Linux: the Swift runtime and zlib go into the program. glibc stays outside, since the Swift runtime
# supports no static one, and so do libgcc_s and libstdc++, which systems with glibc have: Debian 12's
# libstdc++ as an archive asks for glibc 2.36, the program without it for 2.35. The linker looks first
# in the folder that zlib.pc names, where there is nothing but the archive.
if [[ $(uname -s) == Linux ]]; then
  archives=$scratch/static
  rm -rf "$archives"
  mkdir -p "$archives"
  zlib=$("${CC:-clang}" -print-file-name=libz.a)
  [[ $zlib == /* ]] || { echo "release.sh: libz.a is missing" >&2; exit 1; }
  ln -s "$zlib" "$archives/libz.a"
  printf 'Name: zlib\nDescription: zlib as an archive\nVersion: 1\nLibs: -L%s -lz\n' "$archives" \
    >"$archives/zlib.pc"
  export PKG_CONFIG_PATH=$archives
  build+=(--static-swift-stdlib)
fi
"${build[@]}"
program=$("${build[@]}" --show-bin-path)/weightmill

read -r _ version commit < <("$program" --version) || true
case $commit in
  "") echo "release.sh: note: the program knows no commit" >&2 ;;
  *+changes*) echo "release.sh: note: the tree differs from its commit" >&2 ;;
esac
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}

# at FORMAT: the release's date. GNU's date and BSD's differ.
at() { TZ=UTC date -d "@$epoch" "$1" 2>/dev/null || TZ=UTC date -r "$epoch" "$1"; }

system=$(uname -s | tr '[:upper:]' '[:lower:]')
name=weightmill-$version-${system/darwin/macos}-$(uname -m)
rm -rf build/release
folder=build/release/$name
umask 022
mkdir -p "$folder"/{bin,share/man/man1,share/bash-completion/completions} \
  "$folder"/share/{zsh/site-functions,fish/vendor_completions.d}
install -m 755 "$program" "$folder/bin/weightmill"
# Hashes of how and where each module was compiled, and of those: all that differs between two folders.
if [[ $(uname -s) == Linux ]]; then
  objcopy --remove-section .swift_modhash --remove-section .note.gnu.build-id \
    "$folder/bin/weightmill"
fi
install -m 644 LICENSE README.md README.zh-CN.md CHANGELOG.md "$folder"
# Messages name sections of these pages.
mkdir "$folder/docs"
install -m 644 docs/*.md docs/*.png "$folder/docs"

# Which versions it is made of. Package.resolved would say commits, which mirrors of the packages may not share.
{
  swift --version 2>/dev/null | grep -om 1 'Swift version [^ ]*'
  swift package --scratch-path "$scratch" show-dependencies --format text 2>/dev/null |
    sed -nE 's/^.*── ([^<]*)<[^@]*@([^>]*)>.*$/\1 \2/p' | sort -u
} >"$folder/DEPENDENCIES"
grep -q '^swift-argument-parser [0-9]' "$folder/DEPENDENCIES" || {
  echo "release.sh: the versions of the packages are not known" >&2
  exit 1
}

swiftc -o "$scratch/make-manual" Scripts/manual/*.swift
"$scratch/make-manual" "$program" "$folder/share/man/man1" "$(at +%Y-%m-%d)"
"$program" --generate-completion-script bash >"$folder/share/bash-completion/completions/weightmill"
"$program" --generate-completion-script zsh >"$folder/share/zsh/site-functions/_weightmill"
"$program" --generate-completion-script fish \
  >"$folder/share/fish/vendor_completions.d/weightmill.fish"

# Sorted, of one time and owner: the same bytes from the same files.
find build/release -exec env TZ=UTC touch -h -t "$(at +%Y%m%d%H%M.%S)" {} +
if tar --version | grep -q GNU; then owner=(--owner=0 --group=0 --numeric-owner); else
  owner=(--uid 0 --gid 0)
fi
(cd build/release && find "$name" | LC_ALL=C sort) |
  tar -C build/release --format ustar "${owner[@]}" --no-recursion -cf - -T - |
  gzip -9 -n >"build/$name.tar.gz"
if command -v sha256sum >/dev/null; then sums=(sha256sum); else sums=(shasum -a 256); fi
(cd build && "${sums[@]}" "$name.tar.gz" >SHA256SUMS && cat SHA256SUMS)
ls -l "build/$name.tar.gz"
