#!/usr/bin/env bash
# Generates sentencepiece_model.pb.swift anew from its .proto, and fails if that changes it.
#
#   Scripts/generate-protobuf.sh BUILD-OPTION...     of `swift build`
#
# protoc is Debian's, installed if it is missing and we may. Its plugin is built out of the swift-protobuf that the
# library is linked with, so both are of one version; most of it is compiled already.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v protoc >/dev/null; then
  if [[ $EUID != 0 ]] || ! command -v apt-get >/dev/null; then
    echo "generate-protobuf.sh: protoc is missing (Debian: apt-get install protobuf-compiler)" >&2
    exit 1
  fi
  echo "installing protobuf-compiler"
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends protobuf-compiler >/dev/null
fi

swift build "$@" --product protoc-gen-swift
folder=Sources/SentencePiece
protoc --plugin="$(swift build "$@" --show-bin-path)/protoc-gen-swift" --proto_path="$folder" \
  --swift_opt=Visibility=Internal --swift_opt=UseAccessLevelOnImports=true --swift_out="$folder" \
  sentencepiece_model.proto
if [[ -n $(git status --porcelain -- "$folder") ]]; then
  git status --short -- "$folder"
  echo "$folder has changed: commit it" >&2
  exit 1
fi
