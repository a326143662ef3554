#!/usr/bin/env bash
# Makes the documentation of the modules that .spi.yml names, as pages for any web server: build/docs.
#
#   Scripts/docs.sh [SWIFT-BUILD-FLAG...]
#
# BASE  the folder that the pages lie in on their server (default: weightmill, as GitHub has it; / for none)
set -euo pipefail
cd "$(dirname "$0")/.."

targets=()
while read -r target; do targets+=(--target "$target"); done < <(sed -nE 's/^ {8}- (\w+)$/\1/p' .spi.yml)
[ ${#targets[@]} -gt 0 ] || { echo "docs.sh: .spi.yml names no targets" >&2; exit 1; }

mkdir -p build
# A link that leads nowhere is an error.
WEIGHTMILL_DOCS=1 swift package "$@" --allow-writing-to-directory build/docs generate-documentation "${targets[@]}" \
  --enable-experimental-combined-documentation --warnings-as-errors --transform-for-static-hosting \
  --fallback-default-module-kind Library \
  --hosting-base-path "${BASE:-weightmill}" --output-path build/docs

# The front page of the server: that of the module that has all others.
cat >build/docs/index.html <<'PAGE'
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Weightmill</title>
<meta http-equiv="refresh" content="0; url=documentation/weightmill/">
<p><a href="documentation/weightmill/">Weightmill</a></p>
</html>
PAGE
echo "build/docs: $(find build/docs -name '*.html' | wc -l) pages, $(du -sh build/docs | cut -f 1)"
