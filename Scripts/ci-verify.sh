#!/usr/bin/env bash
# Runs verify-logits as a step of continuous integration: action.yml calls it on GitHub, and it does
# without GitHub, too. Everything comes from the environment:
#
# CANDIDATE, REFERENCE   the models
# DELTA                  a delta's folder, or empty
# LORA, TEXT             folders, files: one a line
# CONTEXT                tokens of a window, or empty
# LIMITS, OPTIONS        options, separated by white space
# BASELINE               an earlier report; what is no file is left out, with a note
# MAX_REGRESSION         such as 5%, or empty
# HTML                   where to write a page, or empty
# REPORT                 where to write JSON (default: weightmill-report.json)
# WEIGHTMILL             the program (default: weightmill)
# GITHUB_STEP_SUMMARY, GITHUB_OUTPUT  files that GitHub reads; left out where they are not set
#
# Exit: that of verify-logits: 0 every limit was kept, 1 one was not, others: nothing was measured.
# Standard output is the report in Markdown.
set -euo pipefail

fail() {
  echo "ci-verify.sh: $1" >&2
  exit 64
}

# lines NAME OPTION: adds OPTION and a line for each line of the variable NAME that is not blank.
lines() {
  local line
  while IFS= read -r line || [[ -n $line ]]; do
    line=${line%$'\r'}
    if [[ $line =~ [^[:space:]] ]]; then arguments+=("$2" "$line"); fi
  done <<<"${!1-}"
}

# words NAME: adds each word of the variable NAME; nothing in it is expanded.
words() {
  local -a found=()
  # At the end of its input, read returns 1.
  IFS=$' \t\r\n' read -r -d '' -a found <<<"${!1-}" || true
  if ((${#found[@]})); then arguments+=("${found[@]}"); fi
}

# output NAME VALUE: an output of the step.
output() {
  if [[ -z ${GITHUB_OUTPUT-} ]]; then return; fi
  # A line end in a value would begin another output.
  printf '%s=%s\n' "$1" "${2//[$'\r\n']/ }" >>"$GITHUB_OUTPUT"
}

program=${WEIGHTMILL:-weightmill}
report=${REPORT:-weightmill-report.json}
[[ -n ${CANDIDATE-} ]] || fail "CANDIDATE is empty: it names the model to be judged"
[[ -n ${REFERENCE-} ]] || fail "REFERENCE is empty: it names the model to judge it by"
command -v "$program" >/dev/null || fail "WEIGHTMILL is $program, which is no program"

# What is written replaces what was there: a slip must not cost a model.
[[ $report == *.json ]] || fail "REPORT is $report: give it a name that ends in .json"
[[ -z ${HTML-} || $HTML == *.html ]] || fail "HTML is $HTML: give it a name that ends in .html"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
summary=$folder/summary.md

# replace NEW OLD: puts NEW in the place of OLD. Without NEW nothing stays there: an old report must
# not pass for this run's.
replace() {
  if [[ -s $1 ]]; then mv -f -- "$1" "$2"; else rm -f -- "$2"; fi
}

arguments=(verify-logits --json --quiet --markdown "$summary" --reference "$REFERENCE")
if [[ -n ${DELTA-} ]]; then arguments+=(--delta "$DELTA"); fi
if [[ -n ${CONTEXT-} ]]; then arguments+=(--context "$CONTEXT"); fi
if [[ -n ${HTML-} ]]; then arguments+=(--html "$folder/report.html"); fi
lines LORA --lora
lines TEXT --text
if [[ -f ${BASELINE-} ]]; then
  arguments+=(--baseline "$BASELINE")
  if [[ -n ${MAX_REGRESSION-} ]]; then arguments+=(--max-regression "$MAX_REGRESSION"); fi
elif [[ -n ${BASELINE-} ]]; then
  echo "ci-verify.sh: there is no baseline $BASELINE yet: not compared with one" >&2
fi
words LIMITS
words OPTIONS
arguments+=(-- "$CANDIDATE")

code=0
"$program" "${arguments[@]}" >"$folder/report.json" || code=$?
replace "$folder/report.json" "$report"
if [[ -n ${HTML-} ]]; then replace "$folder/report.html" "$HTML"; fi

output exit-code "$code"
if [[ -f $report ]]; then output report "$report"; fi
if [[ -n ${HTML-} && -f $HTML ]]; then output html "$HTML"; fi
if [[ ! -s $summary ]]; then
  printf 'Weightmill could not compare %s (exit code %s): see the log.\n' "$CANDIDATE" "$code" \
    >"$summary"
fi
if [[ -n ${GITHUB_STEP_SUMMARY-} ]]; then cat "$summary" >>"$GITHUB_STEP_SUMMARY"; fi
cat "$summary"
exit "$code"
