#!/usr/bin/env bash
# Builds weightmill for action.yml, and installs Swift with swiftly where there is none that will do.
#
# SWIFT_VERSION  the version to install (default: 6.3)
# GITHUB_OUTPUT  a file that GitHub reads; the program's path is printed as well
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Package.swift says 6.2.
has_swift() {
  local version
  version=$(swift --version 2>/dev/null) || return 1
  [[ $version =~ Swift\ version\ ([0-9]+)\.([0-9]+) ]] || return 1
  ((BASH_REMATCH[1] > 6 || (BASH_REMATCH[1] == 6 && BASH_REMATCH[2] >= 2)))
}

# https://www.swift.org/install/linux/
install_swift() {
  if [[ $(uname -s) != Linux ]]; then
    echo "ci-build.sh: Swift 6.2 or newer is needed: install it before this step" >&2
    exit 69
  fi
  local folder name
  folder=$(mktemp -d)
  name=swiftly-$(uname -m).tar.gz
  curl --fail --silent --show-error --location --retry 3 --proto '=https' \
    --output "$folder/$name" "https://download.swift.org/swiftly/linux/$name"
  tar -xzf "$folder/$name" -C "$folder"
  "$folder/swiftly" init --assume-yes --quiet-shell-followup --skip-install
  # shellcheck disable=SC1091
  . "${SWIFTLY_HOME_DIR:-$HOME/.local/share/swiftly}/env.sh"
  hash -r
  swiftly install --assume-yes --use --post-install-file="$folder/packages.sh" \
    "${SWIFT_VERSION:-6.3}"
  # Packages of the system that the toolchain needs, if there are any.
  if [[ -s $folder/packages.sh ]]; then
    if [[ $EUID == 0 ]]; then bash "$folder/packages.sh"; else sudo bash "$folder/packages.sh"; fi
  fi
  rm -rf "$folder"
}

if ! has_swift; then install_swift; fi
swift --version >&2
make build >&2
program=$(swift build --configuration release --show-bin-path)/weightmill
"$program" --version >&2
if [[ -n ${GITHUB_OUTPUT-} ]]; then echo "weightmill=$program" >>"$GITHUB_OUTPUT"; fi
echo "$program"
