#!/usr/bin/env bash
# Prints what CHANGELOG.md has below the heading of a version, for the page of a release.
#
#   Scripts/release-notes.sh 0.1.0
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# != 1 ]; then
  echo "usage: Scripts/release-notes.sh VERSION" >&2
  exit 2
fi
notes=$(awk -v version="$1" '
  /^## / { if (wanted) exit; split($2, word, /[^0-9A-Za-z.+-]/); wanted = word[1] == version; next }
  wanted' CHANGELOG.md)
if [ -z "$notes" ]; then
  echo "CHANGELOG.md has no section ## $1" >&2
  exit 1
fi
printf '%s\n' "$notes"
