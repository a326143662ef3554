#!/usr/bin/env bash
# Prints where llama.cpp's converter is, with the vocabularies and chat templates that llama.cpp is tried on. None of
# them is on PyPI by itself, but all are in the source package of llama-cpp-python, which is fetched the first
# time (77 MB).
#
#   Interop/fetch-llama-source.sh PYTHON BASE     PYTHON has pip; the folder is BASE-llama-VERSION
set -euo pipefail
version=$(sed -n 's/^llama-cpp-python==//p' "$(dirname "${BASH_SOURCE[0]}")/requirements.txt")
folder=$2-llama-$version
if [[ ! -e $folder ]]; then
  echo "fetching the source package of llama-cpp-python to $folder" >&2
  mkdir -p "$(dirname "$folder")"
  work=$(mktemp -d "$folder.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  "$1" -m pip download --quiet --disable-pip-version-check --no-deps --retries 2 --timeout 15 \
    --no-binary llama-cpp-python --dest "$work" "llama-cpp-python==$version" >&2
  tar -xzf "$work"/llama_cpp_python-*.tar.gz -C "$work" --strip-components=3 --wildcards \
    '*/vendor/llama.cpp/conversion' '*/vendor/llama.cpp/convert_hf_to_gguf.py' '*/vendor/llama.cpp/gguf-py' \
    '*/vendor/llama.cpp/models'
  rm "$work"/llama_cpp_python-*.tar.gz
  mv "$work" "$folder"
fi
echo "$folder"
