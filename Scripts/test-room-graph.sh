#!/usr/bin/env bash
# room-graph on sources that are made here: what goes in a circle must fail, what does not must pass.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

# file PATH TEXT
file() {
  mkdir -p "$(dirname "$folder/sources/$1")"
  printf '%s\n' "$2" >"$folder/sources/$1"
}

# expect CODE WHAT [PATTERN]: runs room-graph on the files made since the last time.
expect() {
  local code=0
  Scripts/room-graph --sources "$folder/sources" --edges >"$folder/output" || code=$?
  if [ "$code" != "$1" ] || ! grep -qE -- "${3:-circles}" "$folder/output"; then
    echo "FAILED  $2: exit code $code instead of $1, or no line with '${3:-}'"
    cat "$folder/output"
    failures=$((failures + 1))
  else
    echo "passed  $2"
  fi
  rm -rf "$folder/sources"
}

file R/A/One.swift 'struct One { let two: Two }'
file R/B/Two.swift 'struct Two {}'
expect 0 "a folder needs another" 'A → B$'

file R/A/One.swift 'struct One { let two: Two }'
file R/B/Two.swift 'struct Two { var one: [One] { [] } }'
expect 1 "two folders name each other's types" 'CIRCLE of folders in R: A, B'

file R/A/One.swift 'struct One { let two: Two }'
file R/B/Two.swift '/* One /* One */ One */ struct Two { let a = "One \"One" + #"One \(One)"# } // One'
expect 0 "comments and strings name nothing"

file R/A/One.swift 'struct One { let two: Two }'
file R/B/Two.swift 'struct Two { let a = "so many: \(One.count)" }'
expect 1 "an interpolation names what it names" 'B/Two.swift +One:1'

file R/A/One.swift 'struct One { let two: Two }'
file R/B/Two.swift 'struct Two {}
extension One {}'
expect 1 "an extension of another folder's type" 'CIRCLE'

file R/A/One.swift 'struct One { let two: Two }'
file R/B/Two.swift 'struct Two { struct One {}
  let one: One }'
expect 0 "a nested type hides another folder's of its name"

file R/A/One.swift 'extension Int { var doubled: Int { self * 2 } }
struct One { let two: Two }'
file R/B/Two.swift 'struct Two { let four = 2.doubled }'
expect 1 "a member that another folder adds to a foreign type" 'B/Two.swift +\.doubled:1'

file R/A/One.swift 'struct One { init(two: Two) {} }'
file R/B/Two.swift 'struct Two {}'
file R/C/Three.swift 'extension One { init(three: Int) {} }'
file R/B/Four.swift 'struct Four { func make() { _ = One(three: 1) } }'
expect 1 "an initializer that another folder adds" 'One\.init\(three:\):1'

file R/A/One.swift 'struct One { private func help() {}
  let two: Two }'
file R/B/Two.swift 'struct Two { func call(x: Int) { x.help() } }'
expect 0 "a private member is no other file's"

file R/One.swift 'import S'
file S/Two.swift 'public import R'
expect 1 "two targets import each other" 'CIRCLE of targets: R, S'

[ "$failures" = 0 ] || exit 1
