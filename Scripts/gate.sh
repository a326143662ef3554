#!/usr/bin/env bash
# verify-logits as the gate of this project: every type that is written, on fixtures/mini-ziya, with
# the limits of gate-limits.txt.
#
#   Scripts/gate.sh PROGRAM [--update [TYPE...]]
#
# With --update it measures all types, or those that are named, and writes their limits anew: two percent
# above the divergence, a fifth of a percent below the share of same top tokens.
set -euo pipefail
cd "$(dirname "$0")/.."

weightmill=$1
update=${2:-}
types=" ${*:3} "
limits=Scripts/gate-limits.txt
model=(fixtures/mini-ziya/base-meta --delta fixtures/mini-ziya/delta)
judged=fixtures/mini-ziya/expected/eval-zh.txt
learnt=fixtures/mini-ziya/expected/eval-en.txt
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Runs a command whose output matters only when it fails.
quietly() { "$@" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }; }

# The conversion itself changes nothing but the order of sums. Its logits judge all the rest.
quietly "$weightmill" convert "${model[@]}" --output "$folder/f16.gguf"
quietly "$weightmill" verify-logits "$folder/f16.gguf" --reference "${model[@]}" --text "$judged" \
  --context 256 --same-tokens --max-kld 1e-10 --min-top1 0.9999 \
  --save-logits "$folder/logits.safetensors"
echo "passed  the merged F16 file predicts what the checkpoint does"
quietly "$weightmill" imatrix "$folder/f16.gguf" --text "$learnt" --output "$folder/imatrix.gguf"

# Quantizes to a type, with importance if its line says so, and compares.
measure() {
  local type=$1 importance=$2
  shift 2
  local options=(--force)
  [ "$importance" = imatrix ] && options+=(--imatrix "$folder/imatrix.gguf")
  quietly "$weightmill" quantize "$folder/f16.gguf" "$folder/q.gguf" "$type" "${options[@]}"
  "$weightmill" verify-logits "$folder/q.gguf" --reference "$folder/logits.safetensors" \
    --quiet "$@"
}

if [ "$update" = --update ]; then
  grep '^#' "$limits" >"$folder/limits"
  while IFS= read -r line; do
    read -r type importance _ <<<"$line"
    if [[ $types == *[^\ ]* && $types != *" $type "* ]]; then
      echo "$line" >>"$folder/limits"
      continue
    fi
    measure "$type" "$importance" |
      awk -v type="$type" -v importance="$importance" '
        /^KL divergence/ { kld = $4 * 1.02 + 1e-9 }
        /^same top token/ { top = $4 / 100 - 0.002 }
        END { printf "%-8s %-8s %.4g %.4f\n", type, importance, kld, top }' | tee -a "$folder/limits"
  done < <(grep -v '^#' "$limits")
  cp "$folder/limits" "$limits"
  exit
fi

failures=0
while read -r type importance kld top; do
  code=0
  measure "$type" "$importance" --max-kld "$kld" --min-top1 "$top" >"$folder/report" || code=$?
  [ "$code" -le 1 ] || exit "$code"
  failures=$((failures + code))
  grep -E '^(passed|FAILED)' "$folder/report" | sed "s/--/$type $importance  --/"
done < <(grep -v '^#' "$limits")
[ "$failures" = 0 ] || { echo "gate: $failures types are worse than their limits"; exit 1; }
