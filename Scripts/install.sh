#!/usr/bin/env bash
# install.sh install|uninstall FOLDER: puts the files of the release below FOLDER, or removes them.
#
# `make release` makes them; here they are made only if there are none, so that `sudo make install`
# compiles nothing as root.
set -euo pipefail
cd "$(dirname "$0")/.."

action=$1 prefix=$2
case $action in
  install)
    shopt -s nullglob
    programs=(build/release/*/bin/weightmill)
    if ((${#programs[@]} == 0)); then
      Scripts/release.sh
      programs=(build/release/*/bin/weightmill)
    fi
    version=$("${programs[0]}" --version)
    commit=$(Scripts/commit.sh)
    if [[ -n $commit && $version != *"($commit)" ]]; then
      echo "install.sh: note: this is not the tree's $commit: \`make release\` builds that" >&2
    fi
    release=${programs[0]%/bin/weightmill}
    (cd "$release" && find bin share -type f) | while IFS= read -r file; do
      mkdir -p "$prefix/${file%/*}"
      mode=644
      if [[ $file == bin/* ]]; then mode=755; fi
      install -m "$mode" "$release/$file" "$prefix/$file"
    done
    echo "installed $version in $prefix"
    ;;
  uninstall)
    rm -f "$prefix/bin/weightmill" "$prefix"/share/man/man1/weightmill{,-*}.1 \
      "$prefix/share/bash-completion/completions/weightmill" \
      "$prefix/share/zsh/site-functions/_weightmill" \
      "$prefix/share/fish/vendor_completions.d/weightmill.fish"
    echo "removed weightmill from $prefix"
    ;;
  *)
    echo "usage: install.sh install|uninstall FOLDER" >&2
    exit 64
    ;;
esac
