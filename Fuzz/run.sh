#!/bin/bash
# Builds the fuzz targets and runs each for SECONDS from the inputs that are known; fails when one finds something.
#   Fuzz/run.sh [SECONDS [TARGET...]]     inputs that broke something: Fuzz/corpus/TARGET
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-60}
shift || true
swift=${SWIFT:-$(command -v swift || echo /opt/swift/usr/bin/swift)}
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0:allocator_may_return_null=1}
# The runtime's own crash report would wait for someone at the terminal.
export SWIFT_BACKTRACE=enable=no

"$swift" build -c release --product fuzz 2>&1 | grep -E 'error|Compiling|Build' || true
fuzz=.build/release/fuzz
[ -x "$fuzz" ] || { echo "the fuzz targets do not build" >&2; exit 1; }

targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <("$fuzz" list | cut -d' ' -f1)
failed=()
for target in "${targets[@]}"; do
    # What mutation finds on the way is kept for the next run; only what broke something is committed.
    work=.build/corpus/$target
    findings=.build/findings/$target
    mkdir -p "$work" "$findings" "corpus/$target"
    length=$("$fuzz" list | awk -v name="$target" '$1 == name { print $2 }')
    "$fuzz" seeds "$target" "$work"
    "$fuzz" words "$target" ".build/$target.dict"
    log=.build/$target.log
    if "$fuzz" "$target" -max_total_time="$seconds" -max_len="$length" -timeout=60 -rss_limit_mb=2048 -malloc_limit_mb=512 \
        -dict=".build/$target.dict" -artifact_prefix="$findings/" -print_final_stats=1 -verbosity=1 "$work" "corpus/$target" >"$log" 2>&1; then
        printf '%-12s ok       %s\n' "$target" "$(grep -E '^#[0-9]+.*DONE' "$log" | tail -1 | tr -s ' \t' ' ')"
    else
        failed+=("$target")
        printf '%-12s FAILED   %s\n' "$target" "$(grep -aE 'property broken|Fatal error|ERROR: |SUMMARY' "$log" | head -2 | tr '\n' ' ')"
        grep -a 'Test unit written' "$log" || true
    fi
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "findings in: ${failed[*]} (inputs in Fuzz/.build/findings)" >&2
    exit 1
fi
