#!/usr/bin/env bash
# Compares the speed of tokenizer-benchmark, which is given with its options, with that of the package tokenizers,
# in the environment of Interop/run.sh transformers. Without it, or without PyPI, nothing is measured.
set -euo pipefail
cd "$(dirname "$0")/.."

base=${WEIGHTMILL_INTEROP_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/weightmill/interop}
base=${base%/}
if ! "$base-transformers/bin/python" -c 'import tokenizers' 2>/dev/null \
  || ! "$base/bin/python" -c 'import gguf' 2>/dev/null; then
  echo "tokenizing.sh: not measured: run Interop/run.sh tokenizers once" >&2
  exit 0
fi
export WEIGHTMILL_LLAMA_PYTHON=$base/bin/python
exec "$base-transformers/bin/python" -B Benchmarks/tokenizing.py "$@"
