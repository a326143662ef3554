#!/usr/bin/env bash
# Runs Benchmarks/peers.py in the environment that Interop/run.sh made for llama.cpp.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${WEIGHTMILL_INTEROP_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/weightmill/interop}
if ! "$venv/bin/python" -c 'import llama_cpp' 2>/dev/null; then
  echo "peers.sh: llama.cpp is not at $venv: run Interop/run.sh llama once" >&2
  exit 1
fi
exec "$venv/bin/python" -B Benchmarks/peers.py "$@"
