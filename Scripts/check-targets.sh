#!/usr/bin/env bash
# What a document tells people to type, continuous integration types, too: fails if a document names a make
# target that .ci/run does not reach, be it as what another target needs, or that the Makefile does not have.
#
#   Scripts/check-targets.sh [FOLDER]     of the tree (default: this one)
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

documents=(README.md README.zh-CN.md CONTRIBUTING.md ARCHITECTURE.md docs/*.md Examples/*/README.md)

# The Makefile as lines of a target and what it needs.
rules=$(sed -E -n -e ':join' -e '/\\$/{N;s/\\\n//;b join' -e '}' \
  -e '/^[a-z][a-z-]*:( |$)/{s/:/ /;p' -e '}' Makefile)

# reach TARGET...: prints them and what they need.
reach() {
  local target needed
  for target; do
    echo "$target"
    needed=$(awk -v target="$target" '$1 == target { $1 = ""; print }' <<<"$rules")
    # shellcheck disable=SC2086  # words
    reach $needed
  done
}

# The word behind each `make`.
named() { grep -oE '(^|[($ ])make [a-z][a-z-]*' | sed -E 's/.*make //' | sort -u; }

# The lines and spans of code: in a fence, indented, or in backticks, which a line may break.
code() {
  awk '
    function spans(  count, part, parts) {
      count = split(prose, parts, "`")
      for (part = 2; part <= count; part += 2) print parts[part]
      prose = ""
    }
    FNR == 1 { spans(); fenced = 0 }
    /^ *```/ { fenced = !fenced; next }
    fenced || /^    / { print; next }
    { prose = prose " " $0 }
    END { spans() }' "$@" | tr -s ' '
}

# shellcheck disable=SC2046  # words
reached=$(reach $(grep -vE '^ *#' .ci/run | sed -E 's/^ *step /make /' | named) | sort -u)
status=0
for target in $(code "${documents[@]}" | named); do
  if ! grep -qE "^$target( |\$)" <<<"$rules"; then
    echo "documents name \`make $target\`, which the Makefile does not have" >&2
    status=1
  elif ! grep -qx "$target" <<<"$reached"; then
    echo "documents name \`make $target\`, which .ci/run does not run" >&2
    status=1
  fi
done
exit "$status"
