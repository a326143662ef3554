#!/usr/bin/env bash
# Writes docs/commands.md anew out of the help of a program, and fails if that changed it.
#
#   Scripts/commands-page.sh PROGRAM
set -euo pipefail
cd "$(dirname "$0")/.."

tool=$(mktemp)
trap 'rm -f "$tool"' EXIT
swiftc -o "$tool" Scripts/manual/*.swift
"$tool" "$1" --markdown docs/commands.md
if [[ -n $(git status --porcelain -- docs/commands.md) ]]; then
  git --no-pager diff --stat -- docs/commands.md
  echo "docs/commands.md has changed: commit it" >&2
  exit 1
fi
