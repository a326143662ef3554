#!/usr/bin/env bash
# Installs Debian packages, as root or by sudo, without those that they only recommend.
#
#   Scripts/install-packages.sh PACKAGE...
set -euo pipefail

as_root=()
if [ "$(id -u)" != 0 ]; then as_root=(sudo); fi
echo "installing $*"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@"
