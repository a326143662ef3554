#!/usr/bin/env bash
# Runs Benchmarks/job.py, which says what it measures. Arguments are passed on.
#
# The environments are those of Interop/run.sh (native, transformers), made once; PEERS=portable takes
# that of `llama` instead (environment.sh).
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${WEIGHTMILL_INTEROP_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/weightmill/interop}
have() {
  if ! "$1/bin/python" -c "import $2" 2>/dev/null; then
    echo "job.sh: $2 is not at $1: run Interop/run.sh $3 once" >&2
    exit 1
  fi
}

# The depths need numpy alone.
if [[ " $* " == *" --depths"* ]]; then
  python=$venv-gguf/bin/python
  if [[ ! -x $python ]]; then python=$venv/bin/python; fi
  have "${python%/bin/python}" numpy gguf
  exec "$python" -B Benchmarks/job.py "$@"
fi

have "$venv-transformers" transformers transformers
python=$(Benchmarks/environment.sh)/bin/python
converter=$(Interop/fetch-llama-source.sh "$python" "$venv")
exec "$python" -B Benchmarks/job.py --converter "$converter" \
  --transformers "$venv-transformers/bin/python" "$@"
