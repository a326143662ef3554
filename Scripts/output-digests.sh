#!/usr/bin/env bash
# output-digests.sh WEIGHTMILL [--record] [--threads N] [--memory M]: runs convert, merge, quantize,
# split, join and imatrix over all fixtures, and compares the SHA-256 of every file they write with
# output-digests.txt. With --record it writes that list anew. Threads and memory are the commands' own
# options, and must not matter.
#
# Nothing in an output depends on the machine or on names of folders. The program's version stands in
# every GGUF file and is left out of the digests, as long as it has as many characters as before.
set -euo pipefail
cd "$(dirname "$0")/.."

weightmill=$1
shift
list=Scripts/output-digests.txt
record=
threads=()
memory=()
while [ $# -gt 0 ]; do
  case $1 in
  --record) record=yes ;;
  --threads) threads=(--threads "$2") && shift ;;
  --memory) memory=(--memory "$2") && shift ;;
  *) echo "output-digests: unknown argument $1" && exit 64 ;;
  esac
  shift
done

export LC_ALL=C
out=$(mktemp -d)
trap 'rm -rf "$out" "$out.log" "$out.digests"' EXIT

mini=fixtures/mini-ziya
delta=(--delta "$mini/delta")
lora=fixtures/lora

# The commands print nothing unless they fail.
quietly() {
  "$weightmill" "$@" "${threads[@]}" >"$out.log" 2>&1 || {
    echo "failed: weightmill $*"
    cat "$out.log"
    exit 1
  }
}
writes() { quietly "$@" "${memory[@]}"; }
convert() { writes convert "$@"; }
merge() { writes merge "$@"; }
quantize() { writes quantize "$@"; }

mkdir -p "$out"/{convert,merge,lora,quantize,imatrix,split}

# Importance: learnt here, of llama.cpp's forms, and of the output matrix.
convert "$mini/base-meta" "${delta[@]}" --output "$out/convert/merged.gguf"
f16=$out/convert/merged.gguf
text=fixtures/imatrix/text.txt
quietly imatrix "$f16" --text "$text" --context 48 --output "$out/imatrix/learnt.gguf"
quietly imatrix "$mini/base-hf" --text "$mini/expected/eval-en.txt" --context 128 --chunks 4 \
  --process-output --output "$out/imatrix/output.gguf"
learnt=(--imatrix "$out/imatrix/learnt.gguf")

# Checkpoints in every layout, to a file and to a folder.
for type in f32 f16 bf16 q8_0 q4_k_m; do
  convert "$mini/base-meta" --output "$out/convert/base-meta-$type.gguf" --type $type
  convert "$mini/base-hf" --output "$out/convert/base-hf-$type.gguf" --type $type
  convert "$mini/base-meta" "${delta[@]}" --output "$out/convert/meta-delta-$type.gguf" --type $type
  convert "$mini/base-hf" "${delta[@]}" --output "$out/convert/hf-delta-$type.gguf" --type $type
done
for base in base-meta base-hf; do
  convert "$mini/$base" --output "$out/convert/folder-$base" --format safetensors
  convert "$mini/$base" "${delta[@]}" --output "$out/convert/folder-$base-delta" \
    --format safetensors --type bf16 --max-shard-size 2MB
done
convert "$mini/base-hf" "${delta[@]}" --output "$out/convert/mixed.gguf" --type q3_k_m "${learnt[@]}" \
  --tensor-type 'blk\.[01]\.ffn_down=q8_0' --output-tensor-type f16 --token-embedding-type q6_k \
  --name "A name" --override-kv llama.context_length=int:1024
for part in 1 2 3; do
  convert "$mini/base-meta" "${delta[@]}" --output "$out/split/part.gguf" --type q5_k_s --part $part/3
done
convert "$mini/base-meta" "${delta[@]}" --output "$out/split/sized.gguf" --type q8_0 --split-max-size 1M

# Deltas of every family. Those of fixtures/deltas have no tokenizer, so only folders can be written.
merge --base "$mini/base-meta" "${delta[@]}" --target "$out/merge/meta"
merge --base "$mini/base-hf" "${delta[@]}" --target "$out/merge/hf"
for kind in ziya add add-f32 zero-pad submatrix mean-pad; do
  merge --base fixtures/deltas/base --delta "fixtures/deltas/$kind" --delta-kind $kind \
    --target "$out/merge/$kind"
done

# adapted BASE ADAPTER...: a file and a folder of the base with these adapters.
adapted() {
  local base=$1 name adapters=() adapter
  shift
  name="$(basename "$base")$(printf -- '-%s' "$@")"
  for adapter; do adapters+=(--lora "$lora/$adapter"); done
  convert "$base" "${adapters[@]}" --output "$out/lora/$name.gguf"
  convert "$base" "${adapters[@]}" --output "$out/lora/$name" --format safetensors
}
for adapter in plain rslora patterns fan-in-fan-out embedding; do
  adapted "$mini/base-hf" $adapter
done
adapted "$mini/base-hf" plain rslora
adapted "$mini/base-meta" rslora
for type in f16 bf16 f32; do adapted "$lora/base-$type" tiny; done
for adapter in embedding-saved modules-to-save chinese-llama; do adapted "$lora/base-f16" $adapter; done
adapted "$lora/base-f16" chinese-llama chinese-alpaca

# Every type without and with importance; most pure, too; the closed forms of llama.cpp.
types="f32 f16 bf16 q8_0 q6_k q5_k_m q5_k_s q5_1 q5_0 q4_k_m q4_k_s q4_1 q4_0 iq4_nl iq4_xs q3_k_l
  q3_k_m q3_k_s iq3_m iq3_s q2_k tq2_0 tq1_0 q2_0 q1_0 mxfp4_moe"
for type in $types; do
  quantize "$f16" "$out/quantize/$type.gguf" $type
  quantize "$f16" "$out/quantize/$type-pure.gguf" $type --pure
done
for type in $types iq3_xs iq3_xxs q2_k_s iq2_m iq2_s iq2_xs iq2_xxs iq1_m iq1_s; do
  quantize "$f16" "$out/quantize/$type-learnt.gguf" $type "${learnt[@]}"
done
for form in gguf dat; do
  quantize "$f16" "$out/quantize/q4_k_m-$form.gguf" q4_k_m --imatrix fixtures/imatrix/llama.$form
done
# With error feedback: types of steps and numbers, and one that is written in whole blocks.
for type in q4_k_m iq4_xs iq2_xs; do
  quantize "$f16" "$out/quantize/calibrated-$type.gguf" $type --calibrate "$text" --calibration-context 48
done
quantize "$f16" "$out/quantize/output.gguf" q4_k_s --imatrix "$out/imatrix/output.gguf" \
  --include-weights attn --pure
for type in q8_0 q6_k q5_0 q5_1 q4_0 q4_1; do
  quantize "$f16" "$out/quantize/$type-compatible.gguf" $type --encoder compatible
done
quantize "$out/convert/base-hf-f32.gguf" "$out/quantize/from-f32.gguf" q4_k_m
quantize "$out/convert/hf-delta-bf16.gguf" "$out/quantize/from-bf16.gguf" q4_k_m
quantize "$out/quantize/q8_0.gguf" "$out/quantize/from-q8_0.gguf" q4_0 --allow-requantize
quantize "$f16" "$out/quantize/tensors.gguf" q4_k_m --tensor-type 'attn_(q|k)=q5_0' \
  --tensor-type 'ffn_up=iq4_nl' --leave-output-tensor
quantize "$f16" "$out/quantize/pruned.gguf" copy --prune-layers 1,2 \
  --override-kv general.name=str:pruned

# Files that are cut and put together.
writes split "$f16" "$out/split/tensors" --max-tensors 10
writes split "$f16" "$out/split/size.gguf" --max-size 3M --no-tensor-first-split
writes split "$out/quantize/q4_k_m.gguf" "$out/split/files" --files 3
writes join "$out"/split/tensors-00001-of-*.gguf "$out/split/joined.gguf"
writes join "$out"/split/part-00001-of-*.gguf "$out/split/joined-parts.gguf"
quantize "$out"/split/tensors-00001-of-*.gguf "$out/split/kept" q4_0 --keep-split
quantize "$out"/split/tensors-00001-of-*.gguf "$out/split/one.gguf" q4_0

# The version stands behind its key, the type of a string and its length.
version=$("$weightmill" --version | sed 's/^weightmill //; s/ .*//')
digest() {
  sed "s/\(weightmill\.version............\)${version//./\\.}/\1/" "$1" | sha256sum | cut -c1-64
}
(
  cd "$out"
  find . -type f | sed 's|^\./||' | sort | while read -r file; do
    echo "$(digest "$file")  $file"
  done
) >"$out.digests"

# A version of another length moves what comes behind it.
header="# SHA-256 of what Scripts/output-digests.sh writes, but for the version, of ${#version} characters."
if [ "$record" ]; then
  { echo "$header"; cat "$out.digests"; } >"$list"
  echo "recorded $(wc -l <"$out.digests") files in $list"
elif ! { echo "$header"; cat "$out.digests"; } | diff "$list" - >"$out.log"; then
  grep '^[<>]' "$out.log"
  echo "output-digests: these files are not what they were (<: recorded, >: written)"
  exit 1
else
  echo "passed  $(wc -l <"$out.digests") files have the bytes they had" "${threads[@]}" "${memory[@]}"
fi
