# shellcheck shell=bash
# What bench/http and bench/login share: a folder and processes that are gone at the end, by pid. Sets
# `bin`, `BUILD` and `dir`.
BUILD=${BUILD:-build}
bin=$BUILD/bin
PATH=$PATH:/usr/sbin:/sbin

dir=$(mktemp -d "${TMPDIR:-/tmp}/farebox-bench.XXXXXX") || exit 1
pids=()
finish() {
    local i
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill "${pids[i]}" && wait "${pids[i]}"
    done 2>/dev/null
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

die() {
    echo "bench/${0##*/}: $*" >&2
    exit 69
}

free_port() {
    local port
    for ((;;)); do
        port=$((20000 + RANDOM % 10000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

under=() # a command that runs commands, such as chrt
start() { # NAME COMMAND...: its pid is the last of pids
    local name=$1
    shift
    "${under[@]}" "$@" >"$dir/$name.out" 2>"$dir/$name.err" &
    pids+=($!)
}

wait_for() { # NAME COMMAND...: until the command succeeds
    local name=$1 i
    shift
    for ((i = 0; i < 500; i++)); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.02
    done
    cat "$dir/$name".out "$dir/$name".err >&2
    die "$name does not start"
}
