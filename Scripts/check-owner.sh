#!/usr/bin/env bash
# Who has this repository stands in Scripts/owner. Documents name it where people copy an address: fails if one of them
# names another owner.
#
#   Scripts/check-owner.sh              checks
#   Scripts/check-owner.sh --set NAME   writes NAME into Scripts/owner and into the documents
#   Scripts/check-owner.sh --is NAME    fails unless Scripts/owner says it: NAME/weightmill, as GITHUB_REPOSITORY
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  echo "usage: Scripts/check-owner.sh [--set NAME | --is NAME/weightmill]" >&2
  exit 2
}

# What stands before an owner in addresses of GitHub, workflows and commands.
before='(github\.com[/:]|githubusercontent\.com/|repository: *|uses: *|--repo[ =])'
owner=$(<Scripts/owner)

# The files that name an owner, without this script; and every name with its place.
files() { git grep -lIE "$before[A-Za-z0-9-]+/weightmill\b|[A-Za-z0-9-]+\.github\.io/weightmill\b" -- ':!Scripts/check-owner.sh'; }
names() {
  # shellcheck disable=SC2046  # names of our own files
  grep -nHoE "$before[A-Za-z0-9-]+/weightmill\b|[A-Za-z0-9-]+\.github\.io/weightmill\b" $(files) |
    sed -E "s#^([^:]+:[0-9]+):$before([A-Za-z0-9-]+)/weightmill#\1 \3#; s#^([^:]+:[0-9]+):([A-Za-z0-9-]+)\.github.*#\1 \2#"
}

case ${1-} in
'') [ $# = 0 ] || usage ;;
--set)
  if [ $# != 2 ] || ! [[ $2 =~ ^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$ ]]; then usage; fi
  files | while read -r file; do
    sed -i.before -E "s#$before$owner/weightmill#\1$2/weightmill#g; s#$owner(\.github\.io/weightmill)#$2\1#g" "$file"
    rm "$file.before"
  done
  owner=$2
  echo "$owner" >Scripts/owner
  ;;
--is)
  [ $# = 2 ] || usage
  if [ "$2" != "$owner/weightmill" ]; then
    echo "Scripts/owner says $owner/weightmill, not $2: Scripts/check-owner.sh --set ${2%/*}, and commit it" >&2
    exit 1
  fi
  ;;
*) usage ;;
esac

status=0
count=0
while read -r place name; do
  count=$((count + 1))
  if [ "$name" != "$owner" ]; then
    echo "$place names $name/weightmill; Scripts/owner says $owner" >&2
    status=1
  fi
done < <(names)
[ "$count" -gt 3 ] || { echo "only $count documents name the owner: is the pattern still right?" >&2; exit 1; }
exit "$status"
