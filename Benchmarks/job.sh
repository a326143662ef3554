#!/usr/bin/env bash
# Runs Benchmarks/job.py, which says what it measures. Arguments are passed on.
#
# The environments are those of Interop/run.sh (native, transformers), made once; PEERS=portable takes
# that of `llama` instead (environment.sh). llama.cpp's converter is not on PyPI by itself, but in the source
# package of llama-cpp-python: it is fetched from there (77 MB).
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
version=$("$python" -c 'import llama_cpp; print(llama_cpp.__version__)')
converter=$venv-converter-$version
if [[ ! -e $converter/convert_hf_to_gguf.py ]]; then
  echo "job.sh: fetching llama.cpp's converter to $converter" >&2
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  "$python" -m pip download --quiet --disable-pip-version-check --no-deps \
    --no-binary llama-cpp-python --dest "$work" "llama-cpp-python==$version"
  tar xzf "$work"/llama_cpp_python-*.tar.gz -C "$work"
  mkdir -p "$converter"
  cp -r "$work"/llama_cpp_python-*/vendor/llama.cpp/{conversion,gguf-py,convert_hf_to_gguf.py} \
    "$converter"
  rm -rf "$work"
fi
exec "$python" -B Benchmarks/job.py --converter "$converter" \
  --transformers "$venv-transformers/bin/python" "$@"
