#!/usr/bin/env bash
# Prints the commit of this tree, with "+changes" if the tree differs from it; nothing outside git.
set -euo pipefail
cd "$(dirname "$0")/.."

# Unpacked in another project's repository, that one's commit says nothing.
[[ -e .git ]] || exit 0
commit=$(git rev-parse --short=7 HEAD 2>/dev/null) || exit 0
if [[ -n $(git status --porcelain) ]]; then commit+="+changes"; fi
echo "$commit"
