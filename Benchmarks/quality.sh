#!/usr/bin/env bash
# Runs Benchmarks/quality/; arguments are passed on, --help lists them.
#
# PEERS    whose llama.cpp: environment.sh
# WINDOWS  how many windows of each of SmolLM2's texts (default: all 16)
# TMPDIR   where candidates and the reference's logits lie meanwhile, 7 GB at most
# CI       if set, a model or text that cannot be fetched is a failure, and statistics, limits and trials are tested first
set -euo pipefail
cd "$(dirname "$0")/.."

environment=$(Benchmarks/environment.sh)
base=${WEIGHTMILL_INTEROP_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/weightmill/interop}
# Without the model, the fixture is still judged.
WEIGHTMILL_SMOLLM2=$(Interop/fetch-smollm2.sh "$environment/bin/python" "${base%/}") || true
export WEIGHTMILL_SMOLLM2 PYTHONPATH=Benchmarks:Interop
if [[ -n ${CI-} ]]; then
  "$environment/bin/python" -B -m unittest quality.test_positions quality.test_limits quality.test_subjects
fi
exec "$environment/bin/python" -B -m quality \
  ${WINDOWS:+--windows "$WINDOWS"} "$@"
