#!/usr/bin/env bash
# Measures Baton beside Postfix and the floor probe, as docs/PERFORMANCE.md shows it: about two hours.
#   Benchmarks/run.sh                 every section
#   Benchmarks/run.sh deep crash      the sections of these names
# RUNS (3) runs each, alternating; SHARE (1) makes every load smaller, to see that all of it works: SHARE=0.02.
# Results are lines of JSON, those of the shared harness also in RESULTS. What fails is told at the end.
set -uo pipefail
cd "$(dirname "$0")"
bench=${BATON_BENCH:?}/bench.py
adapter=$PWD/adapter.sh
export GAP=${GAP:-25} RESULTS=${RESULTS:-$PWD/results.jsonl}
runs=${RUNS:-3} share=${SHARE:-1}
wanted=" $* "
failed=()
ulimit -n "$(ulimit -Hn)"
"$BATON_BENCH/setup.sh" > /dev/null || { echo "the harness at $BATON_BENCH could not be set up" >&2; exit 1; }

# That many messages, by SHARE; at least 200.
some() { awk -v n="$1" -v s="$share" 'BEGIN { m = int(n * s); print (m < 200 ? 200 : m) }'; }
# A section by its name and title: false when it is not wanted.
section() {
    local name=$1; shift
    [ "$wanted" = "  " ] || [[ $wanted == *" $name "* ]] || return 1
    echo; echo "== $name: $*"
}
run() { "$@" || { echo "failed: $*" >&2; failed+=("$*"); }; }
shared() { run python3 "$bench" "$adapter" "$@"; }
scenario() { run python3 scenarios.py "$@"; }

if section relay beside Postfix; then shared relay --sizes 1024,10240 --sessions 20,100 --n "$(some 40000)" --runs "$runs" --versus postfix; fi
if section floor beside the floor probe; then shared relay --sizes 1024,10240 --sessions 20,100 --n "$(some 40000)" --runs "$runs" --versus gcmta; fi
if section one one session; then shared relay --sizes 1024 --sessions 1 --n "$(some 20000)" --runs "$runs" --versus postfix; fi
if section large large messages; then
    shared relay --sizes 102400 --sessions 20 --n "$(some 10000)" --runs "$runs" --versus postfix
    shared relay --sizes 1048576 --sessions 20 --n "$(some 2000)" --runs "$runs" --versus postfix
fi
if section trace an fdatasync between each final dot and its 250; then scenario trace --n "$(some 200)"; fi
if section latency one message a second, and half the largest rate; then
    scenario latency
    scenario latency --rate "${HALF_RATE:-5000}"
fi
if section idle idle connections; then shared idle --conns 9900; fi
if section crash 50 kills under load; then shared crash --rounds "${ROUNDS:-25}"; fi
if section deep a million waiting messages; then scenario deep --n "$(some 1000000)"; fi
if section restart 20,000 messages of 100 KB; then shared restart --size 102400 --n "$(some 20000)"; fi
if section compaction relaying with 1 % deferred, and with kills; then
    scenario compaction --n "$(some 2000000)"
    scenario compaction --n "$(some 1000000)" --kills "${KILLS:-50}"
fi
if section tarpit one of ten destinations stalls; then scenario tarpit --n "$(some 30000)" --runs "${PAIRS:-7}"; fi
if section slowloris 5,000 slow clients; then
    scenario slowloris --n "$(some 40000)" --runs "$runs"
    scenario slowloris --adapter "$BATON_BENCH/adapters/postfix.sh" --n "$(some 5000)" --runs 1
fi
if section tls handshakes, and mail under TLS; then
    run python3 handshakes.py --runs "$runs"
    shared relay --sizes 10240 --sessions 20,100 --n "$(some 20000)" --runs "$runs" --tls --tls-out --versus postfix
fi
if section logins logins a second; then run python3 logins.py "${BATON:-../.build/release/baton}" --seconds 6 --versus-postfix; fi
if section signatures signatures on one core; then run python3 signatures.py 2; fi

for command in "${failed[@]}"; do echo "failed: $command"; done
exit $((${#failed[@]} > 0))
