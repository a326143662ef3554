#!/usr/bin/env bash
# Runs Benchmarks/peers.py, or with --passes Benchmarks/passes.py; arguments are passed on.
#
# PEERS  whose llama.cpp: environment.sh
set -euo pipefail
cd "$(dirname "$0")/.."

script=peers.py
if [[ ${1-} == --passes ]]; then
  script=passes.py
  shift
fi
environment=$(Benchmarks/environment.sh)
exec "$environment/bin/python" -B "Benchmarks/$script" "$@"
