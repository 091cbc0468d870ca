#!/usr/bin/env bash
# Baton as the benchmark harness drives it: start, stop, flush, qlen, spool.
# Sets ports, routes and domains only; limits, sync and batching stay at their defaults.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
baton=${BATON:-$root/.build/release/baton}
run=${BATON_BENCH_RUN:-/var/tmp/baton-bench-run}
port=${PORT:-2525} sink=${SINKPORT:-2600} domains=${NDOM:-1}
control=$run/control

configuration() {
    echo "hostname: mta.test"
    echo "spool: {directory: $run/spool}"
    echo "control: {socket: $control, submitSocket: $run/submit, group: root}"
    local offer=none
    [ -n "${TLSCERT:-}" ] && offer=startTLS
    echo "listeners: [{address: '127.0.0.1:$port', tls: $offer}]"
    [ -n "${TLSCERT:-}" ] && echo "tls: {certificates: [{chain: '$TLSCERT', key: '$TLSCERT'}]}"
    echo "relayNetworks: [127.0.0.0/8]"
    echo "dns: {zone: $run/zone.json}"
    echo "routes:"
    local tls=none
    [ "${TLSOUT:-}" = 1 ] && tls=encrypt
    echo "  sink: {type: smarthost, hosts: ['127.0.0.1:$sink'], tls: $tls}"
    if [ "$domains" -gt 1 ]; then
        for i in $(seq 0 $((domains - 1))); do echo "  sink$i: {type: smarthost, hosts: ['127.0.0.1:$((sink + i))'], tls: $tls}"; done
    fi
    echo "rules:"
    if [ "$domains" -gt 1 ]; then
        for i in $(seq 0 $((domains - 1))); do echo "  - {recipients: [d$i.test], route: sink$i}"; done
    fi
    echo "  - {route: sink}"
}

case ${1:-} in
start)
    [ -n "${FRESH:-}" ] && rm -rf "$run/spool"
    mkdir -p "$run/spool"
    echo '{}' > "$run/zone.json"
    configuration > "$run/baton.yaml"
    ulimit -n "$(ulimit -Hn)"
    setsid "$baton" serve --config "$run/baton.yaml" > "$run/log" 2>&1 < /dev/null &
    echo $! > "$run/pid"
    for _ in $(seq 1 6000); do
        (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && exit 0
        kill -0 "$(cat "$run/pid")" 2> /dev/null || { cat "$run/log" >&2; exit 1; }
        sleep 0.01
    done
    exit 1 ;;
stop)
    pid=$(cat "$run/pid" 2> /dev/null) || exit 0
    kill "$pid" 2> /dev/null
    for _ in $(seq 1 600); do kill -0 "$pid" 2> /dev/null || break; sleep 0.05; done ;;
flush) "$baton" queue flush --socket "$control" > /dev/null ;;
qlen) "$baton" status --socket "$control" --json | sed -n 's/.*"messages" *: *\([0-9]*\).*/\1/p' | head -1 ;;
spool) echo "$run/spool" ;;
*) echo "usage: adapter.sh start|stop|flush|qlen|spool" >&2; exit 2 ;;
esac
