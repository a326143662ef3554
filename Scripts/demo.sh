#!/usr/bin/env bash
# Shows the main job on fixtures/mini-ziya: convert with a delta, quantize, verify.
set -euo pipefail
cd "$(dirname "$0")/.."

executable=$1

weightmill() {
  echo
  echo "\$ weightmill $*"
  "$executable" "$@"
}

base=fixtures/mini-ziya/base-meta
delta=fixtures/mini-ziya/delta
text=fixtures/mini-ziya/expected/eval-zh.txt
mkdir -p build
rm -f build/mini-ziya-*.gguf

weightmill convert "$base" --delta "$delta" --output build/mini-ziya-f16.gguf
for type in q8_0 q4_k_m; do
  weightmill quantize build/mini-ziya-f16.gguf "build/mini-ziya-$type.gguf" "$type"
done
weightmill verify-logits build/mini-ziya-q4_k_m.gguf --reference "$base" --delta "$delta" \
  --text "$text" --max-kld 0.03

echo
echo "The base in Meta's layout and the Chinese delta are now three GGUF files that llama.cpp runs:"
ls -l build/mini-ziya-*.gguf
