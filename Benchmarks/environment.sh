#!/usr/bin/env bash
# Prints the folder of the Python environment whose llama.cpp is measured.
#
# PEERS  native (the default): compiled for this very processor; Interop/run.sh makes it the first time
#        portable: that of the interop tests, compiled for any recent processor, if it is there; figures of it
#        show that the benchmark works, and are not published
set -euo pipefail
cd "$(dirname "$0")/.."

base=${WEIGHTMILL_INTEROP_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/weightmill/interop}
base=${base%/}
case ${PEERS:=native} in
native)
  # With CI, an environment that cannot be made is a failure.
  CI=1 Interop/run.sh native >&2
  echo "$base-native"
  ;;
portable)
  if ! "$base/bin/python" -c 'import llama_cpp' 2>/dev/null; then
    echo "environment.sh: llama.cpp is not at $base: run Interop/run.sh llama once" >&2
    exit 1
  fi
  echo "$base"
  ;;
*)
  echo "environment.sh: PEERS is native or portable" >&2
  exit 64
  ;;
esac
