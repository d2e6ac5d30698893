#!/bin/sh
# The guard of our own instructions: counts, with valgrind's callgrind, what the worker of a release build executes of
# the program's own code (libraries, the start and the end left out) in the fixed conversation of bench/guard.c: 100
# clients connect and subscribe, and 100 publishes go to all of them. What the clock causes (ticks, sweeps) makes some
# tenths of a percent between runs, more on a busy machine; the least of three runs moves less.
#
# Usage: bench/guard.sh [--renew REASON]
#   --renew REASON  write the figure of this build into bench/guard.txt, with the reason, to be committed
#   BUILD           the build folder, from the environment (default: build/release)
#
# Status 1: it grew by more than 3 percent over the figure in bench/guard.txt.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build/release}
case $build in /*) ;; *) build=$PWD/$build ;; esac
stored=$root/bench/guard.txt
tolerance_permille=30
runs=3

case ${1:-} in
--renew) reason=${2:?"bench/guard.sh --renew REASON: say why it costs another number of instructions now"} ;;
'') reason='' ;;
*)
    echo "Usage: bench/guard.sh [--renew REASON]" >&2
    exit 2
    ;;
esac
for program in "$build/xshathra" "$build/bench/bench_guard"; do
    [ -x "$program" ] || {
        echo "guard: there is no '$program'; build the release first (./dev build)" >&2
        exit 1
    }
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# converse RUN: a run by itself, as most of its time is spent waiting for the server to say good-bye.
converse() {
    cat >"$work/server.$1" <<SERVER
#!/bin/sh
exec valgrind --tool=callgrind --quiet --callgrind-out-file="$work/out.$1" --collect-atstart=no \
    --toggle-collect=net_loop_run --dump-before=worker_stop "$build/xshathra" "\$@"
SERVER
    chmod +x "$work/server.$1"
    "$build/bench/bench_guard" --server "$work/server.$1"
}

total_of() { awk '$2 == "TOTAL" { print $1 }' "$1"; }

pids=''
for run in $(seq $runs); do
    converse "$run" &
    pids="$pids $!"
done
for pid in $pids; do wait "$pid"; done
[ -e "$work/out.1.1" ] || {
    echo "guard: callgrind wrote no count at the end of the conversation: is worker_stop still what ends a worker?" >&2
    exit 1
}
for run in $(seq $runs); do
    awk -f "$root/bench/lib/guard_count.awk" "$work/out.$run.1" | sort -rn >"$work/count.$run"
    if [ ! -e "$work/best" ] || [ "$(total_of "$work/count.$run")" -lt "$(total_of "$work/best")" ]; then
        cp "$work/count.$run" "$work/best"
    fi
done
now=$(total_of "$work/best")
[ "$now" -gt 0 ] || {
    echo "guard: nothing was counted: is net_loop_run still the function that a worker stays in?" >&2
    exit 1
}
compiler=$(sed -n 's/^CMAKE_C_COMPILER:[^=]*=//p' "$build/CMakeCache.txt")
compiler=$("${compiler:-cc}" --version | head -n 1)

if [ -n "$reason" ]; then
    {
        sed -n '/^#/p' "$stored"
        echo "compiler $compiler"
        echo "total $now"
        awk '$2 != "TOTAL" && $1 >= 1000 { print "function", $1, $2 }' "$work/best"
        sed -n '/^reason /p' "$stored"
        echo "reason $(date -u +%F) $now $reason"
    } >"$work/stored"
    cp "$work/stored" "$stored"
    echo "guard: $now instructions from now on; commit bench/guard.txt"
    exit 0
fi

was=$(sed -n 's/^total //p' "$stored")
if [ "$compiler" != "$(sed -n 's/^compiler //p' "$stored")" ]; then
    echo "guard: NOT COMPARED: $now instructions by $compiler, but $was by $(sed -n 's/^compiler //p' "$stored")"
    exit 0
fi
change=$(awk -v now="$now" -v was="$was" 'BEGIN { printf "%+.2f %%", (now - was) * 100 / was }')
if [ "$now" -gt $((was + was * tolerance_permille / 1000)) ]; then
    echo "guard: $now instructions for the conversation of bench/guard.c, $was before: $change is too much." >&2
    echo "The functions that changed most:" >&2
    awk 'FNR == NR { if ($1 == "function") was[$3] = $2; next }
         $2 != "TOTAL" { delta = $1 - was[$2]; if (delta) printf "  %+9d  %s%s\n", delta, $2, $2 in was ? "" : " (new, or was small)" }' \
        "$stored" "$work/best" | sort -rn | head -n 12 >&2
    echo "Make it cheaper, or say why it must be: bench/guard.sh --renew REASON, and commit bench/guard.txt." >&2
    exit 1
fi
echo "guard: $now instructions, $was before ($change, at most +3 % is allowed)"
if [ "$now" -lt $((was - was * tolerance_permille / 1000)) ]; then
    echo "guard: it got cheaper: keep that with bench/guard.sh --renew REASON"
fi
