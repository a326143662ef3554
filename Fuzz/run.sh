#!/usr/bin/env bash
# Runs the readers under libFuzzer with the address sanitizer.
#
#   Fuzz/run.sh [SECONDS [READER...]]     default: 60 seconds for each reader
#
# Inputs begin with the small files of fixtures/ and Tests/Corpus/. What libFuzzer found new is kept
# in .build-fuzz/corpus/READER, so that the next run goes on from there. Finds land in
# .build-fuzz/finds; one that was mended becomes a case of Tests/Corpus.
#
# FUZZ_CONFIGURATION  release (the default), or debug, which builds in half the time and runs fewer inputs
#
# Exit: 0 nothing found, 1 a find.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-60}
shift || true
readers=("$@")
if [[ ${#readers[@]} -eq 0 ]]; then
  readers=(torch-zip torch-pickle torch-legacy safetensors quantized gguf imatrix json sentencepiece tokenizer-json
    tekken vocab-json merges config chat-template conversation logits report)
fi

build=(swift build -c "${FUZZ_CONFIGURATION:-release}" --scratch-path .build-fuzz --disable-default-traits --sanitize=address
  -Xswiftc -sanitize=fuzzer --product fuzz)
WEIGHTMILL_FUZZING=1 "${build[@]}"
program=$(WEIGHTMILL_FUZZING=1 "${build[@]}" --show-bin-path)/fuzz

# small PATTERN...: files of at most 64 kB whose name fits one of the patterns.
small() {
  local pattern
  for pattern in "$@"; do
    find fixtures Tests/Corpus Fuzz/seeds -type f -size -128 -name "$pattern" 2>/dev/null || true
  done
}

# seeds READER: the files to begin with.
seeds() {
  case $1 in
  torch-pickle) small '*.pkl' ;;
  torch-*) small '*.pt' '*.pth' '*.bin' ;;
  safetensors) small '*.safetensors' ;;
  quantized) find fixtures/quantized -name '*.safetensors' ;;
  gguf) small '*.gguf' ;;
  imatrix) small 'llama.gguf' 'llama.dat' ;;
  logits) small '*.logits' ;;
  chat-template) small '*.jinja' ;;
  json | config | conversation | tokenizer-json | tekken | vocab-json | report) small '*.json' ;;
  merges) small 'merges.txt' ;;
  sentencepiece) small '*.model' ;;
  esac
}

status=0
mkdir -p .build-fuzz/finds
for reader in "${readers[@]}"; do
  corpus=.build-fuzz/corpus/$reader
  mkdir -p "$corpus"
  while read -r file; do
    cp "$file" "$corpus/$(sha1sum "$file" | cut -c 1-16)"
  done < <(seeds "$reader")
  echo "== $reader: $seconds s, $(find "$corpus" -type f | wc -l) inputs"
  # The symboliser can hang on a find, and so can a reader: a second clock ends both. Leaks are not
  # looked for: static values whose pointers Swift tags are taken for such.
  WEIGHTMILL_FUZZ=$reader ASAN_OPTIONS=symbolize=0:allocator_may_return_null=1:detect_leaks=0 \
    timeout -k 10 $((seconds + 60)) "$program" "$corpus" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix=".build-fuzz/finds/$reader-" >".build-fuzz/$reader.log" 2>&1 || {
    status=1
    echo "   A FIND: see .build-fuzz/$reader.log"
  }
  grep -E 'number_of_executed_units|peak_rss_mb' ".build-fuzz/$reader.log" | sed 's/^/   /'
done
rm -f /dev/shm/weightmill-fuzz-*
exit "$status"
