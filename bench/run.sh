#!/bin/sh
# Runs the bench programs of a release build against the server beside them.
#
# Usage: bench/run.sh [quick] [NAME...] [-- OPTION...]
#   quick   one pair and a quarter of the work each: to see that all works, not to compare
#   NAME    one of the programs below (default: all)
#   OPTION  goes to each program, see `bench_fanout --help`; for example -- --workers 2 --check
#   BUILD   the build folder, from the environment (default: build/release)
#   XSHATHRA_BENCH_CENTRIFUGO  a Centrifugo 6 program that is measured beside, from the environment
#
# The JSON lines are also kept in $BUILD/bench/results.jsonl, of which bench/report.mjs makes tables and plots. The
# status is 1 when a program fails, or when it misses a target and --check is given.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build/release}
all='idle_memory connect fanout publish latency recovery presence growth isolation storm'

names='' quick=''
while [ $# -gt 0 ]; do
    case $1 in
    --) shift; break ;;
    -*) break ;;
    quick) quick=--quick; shift ;;
    *) names="$names ${1#bench_}"; shift ;;
    esac
done
names=${names:-$all}

results=$build/bench/results.jsonl
count=$(echo "$names" | wc -w) at=0 status=0
trap 'rm -f "$results.part"' EXIT
for name in $names; do
    program=$build/bench/bench_$name
    at=$((at + 1))
    if [ ! -x "$program" ]; then
        echo "bench: there is no '$program'; the programs are: $all. Build the release first (./dev build)" >&2
        exit 1
    fi
    echo "== $name ($at of $count)" >&2
    # No pipe: its status would hide the program's.
    # shellcheck disable=SC2086 # one word or none
    "$program" $quick "$@" >"$results.part" || status=1
    cat "$results.part"
    [ -n "$quick" ] || grep '^{' "$results.part" >>"$results" || true
done
exit $status
