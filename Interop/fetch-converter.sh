#!/usr/bin/env bash
# Prints where llama.cpp's converter is. It is not on PyPI by itself, but in the source package of
# llama-cpp-python, from which it is fetched the first time (77 MB).
#
#   Interop/fetch-converter.sh PYTHON BASE     PYTHON has llama_cpp; the folder is BASE-converter-VERSION
set -euo pipefail
python=$1
version=$("$python" -c 'import llama_cpp; print(llama_cpp.__version__)')
converter=$2-converter-$version
if [[ ! -e $converter/convert_hf_to_gguf.py ]]; then
  echo "fetching llama.cpp's converter to $converter" >&2
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  "$python" -m pip download --quiet --disable-pip-version-check --no-deps --no-binary llama-cpp-python \
    --dest "$work" "llama-cpp-python==$version" >&2
  tar xzf "$work"/llama_cpp_python-*.tar.gz -C "$work"
  mkdir -p "$converter"
  # The converter last: where it is, the others are.
  cp -r "$work"/llama_cpp_python-*/vendor/llama.cpp/{conversion,gguf-py,convert_hf_to_gguf.py} "$converter"
fi
echo "$converter"
