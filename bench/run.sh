#!/bin/sh
# Runs the bench programs of a release build against the server beside them.
#
# Usage: bench/run.sh [NAME...] [-- OPTION...]
#   NAME    idle_memory, fanout, connect, publish (default: all)
#   OPTION  goes to each program, see `bench_fanout --help`; for example -- --workers 2 --check
#   BUILD   the build folder, from the environment (default: build/release)
#
# The JSON lines are also kept in $BUILD/bench/results.jsonl. The status is 1 when a program
# fails, or when it misses a target and --check is given.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build/release}

names=
while [ $# -gt 0 ]; do
    case $1 in
    --) shift; break ;;
    -*) break ;;
    *) names="$names $1"; shift ;;
    esac
done
names=${names:-idle_memory fanout connect publish}

results=$build/bench/results.jsonl
status=0
for name in $names; do
    program=$build/bench/bench_$name
    if [ ! -x "$program" ]; then
        echo "bench: there is no '$program'; build the release first (./dev build)" >&2
        exit 1
    fi
    # No pipe: its status would hide the program's.
    "$program" "$@" >"$results.part" || status=1
    cat "$results.part"
    grep '^{' "$results.part" >>"$results" || true
done
rm -f "$results.part"
exit $status
