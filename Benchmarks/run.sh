#!/usr/bin/env bash
# Measures Baton beside Postfix and the floor probe, as docs/PERFORMANCE.md shows it.
# RUNS (3) runs each, alternating; results as lines of JSON in RESULTS.
set -euo pipefail
cd "$(dirname "$0")"
bench=${BATON_BENCH:?}/bench.py
adapter=$PWD/adapter.sh
export GAP=${GAP:-25} RESULTS=${RESULTS:-$PWD/results.jsonl}
runs=${RUNS:-3}
"$BATON_BENCH/setup.sh" > /dev/null

section() { echo; echo "== $*"; }
section relay; python3 "$bench" "$adapter" relay --sizes 1024,10240 --sessions 20,100 --n 40000 --runs "$runs" --versus postfix
section relay beside the floor probe; python3 "$bench" "$adapter" relay --sizes 1024,10240 --sessions 20,100 --n 40000 --runs "$runs" --versus gcmta
section one session; python3 "$bench" "$adapter" relay --sizes 1024 --sessions 1 --n 20000 --runs "$runs" --versus postfix
section large messages; python3 "$bench" "$adapter" relay --sizes 102400 --sessions 20 --n 10000 --runs "$runs" --versus postfix
python3 "$bench" "$adapter" relay --sizes 1048576 --sessions 20 --n 2000 --runs "$runs" --versus postfix
section durability; python3 scenarios.py trace
section latency; python3 scenarios.py latency; python3 scenarios.py latency --rate "${HALF_RATE:-5000}"
section idle connections; python3 "$bench" "$adapter" idle --conns 9900
section crash; python3 "$bench" "$adapter" crash --rounds 25
section queue depth; python3 scenarios.py deep
section compaction; python3 scenarios.py compaction; python3 scenarios.py compaction --n 1000000 --kills 50
section isolation; python3 scenarios.py tarpit; python3 scenarios.py slowloris --runs 3
python3 scenarios.py slowloris --adapter "$BATON_BENCH/adapters/postfix.sh" --n 5000 --runs 1
section TLS; python3 handshakes.py --runs "$runs"
python3 "$bench" "$adapter" relay --sizes 10240 --sessions 20,100 --n 20000 --runs "$runs" --tls --tls-out --versus postfix
section logins and signatures; python3 logins.py "${BATON:-../.build/release/baton}" --seconds 6 --versus-postfix; python3 signatures.py 2
