# A bus of one's own for demo.sh and run.sh: a broker and its services on a fresh folder.
# Sourced by bash; BUILD names the build, by default build/.
# shellcheck shell=bash

BUILD=$(realpath "${BUILD:-build}")
PATH=$BUILD/bin:$PATH
services=(echo data-bridge performance-analytics auth)
modules=("${services[@]/#/$BUILD/lib/farebox/}")
modules=("${modules[@]/%/.so}")
folder=$(mktemp -d "${TMPDIR:-/tmp}/farebox.XXXXXX")
export FAREBOX_URL=ipc://$folder/bus
unset FAREBOX_TOKEN FAREBOX_TOKEN_FILE
names=() pids=()
patience=90 # seconds; even a busy machine has done by then what it is waited for

fail() {
    echo >&2
    echo "demo: $*" >&2
    for log in "$folder"/*.log; do
        [[ -s $log ]] && { echo "--- $(basename "$log")"; tail -n 20 "$log"; } >&2
    done
    exit 1
}

# await COMMAND...: until it succeeds; fails when patience is over.
await() {
    local until=$((SECONDS + patience))
    until "$@"; do
        ((SECONDS < until)) || return 1
        sleep 0.1
    done
}

# start NAME COMMAND...: in the background, until it says on its standard output that it is ready.
start() {
    local name=$1 line fd
    shift
    rm -f "$folder/$name.out"
    mkfifo "$folder/$name.out"
    # a session of its own: Ctrl-C is for the script, which stops things in order
    setsid "$@" >"$folder/$name.out" 2>>"$folder/$name.log" &
    names+=("$name") pids+=($!)
    exec {fd}<"$folder/$name.out"
    read -r -t "$patience" line <&"$fd" || fail "$name did not start"
    [[ $line == *ready* ]] || fail "$name says: $line"
    echo "$line"
}

# The last to start is the first to stop. Each must end well and in time.
stop_all() {
    local i
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill -TERM "${pids[i]}"
        timeout "$patience" tail --pid="${pids[i]}" -f /dev/null || fail "${names[i]} does not stop"
        wait "${pids[i]}" || fail "${names[i]} ended with status $?"
        unset "pids[i]"
    done
}

clean_up() {
    local pid
    for pid in "${pids[@]}"; do
        kill -KILL "$pid" 2>/dev/null
    done
    rm -rf "$folder"
}
trap clean_up EXIT

# mint FILE TENANT USER TIER PERMISSION...
mint() {
    local file=$folder/$1.token perms=() permission
    local bearer=(--tenant "$2" --user "$3" --tier "$4")
    shift 4
    for permission in "$@"; do
        perms+=(--perm "$permission")
    done
    farebox token mint --secret-file "$folder/secret" "${bearer[@]}" "${perms[@]}" >"$file" ||
        fail "no token for $file"
}

# Four tiers rather than the usual three, so that a limit is reached soon; and breakers that need
# little to open, and not long to try again. What is refused for a while is so for some seconds: a
# busy machine takes as long to start a program or two.
start_broker() {
    start fareboxd fareboxd --listen "$FAREBOX_URL" --data "$folder/data" \
        --jwt-secret-file "$folder/secret" \
        --tier 'trial per-minute=12 burst=5' --tier 'free per-minute=100 burst=10' \
        --tier 'pro per-minute=1000 burst=100 weight=4' --tier 'enterprise weight=16' \
        --upgrade-url https://example.com/upgrade \
        --breaker '* calls=4 window-ms=60000 open-ms=4000'
}

# As if the power of this one process had been cut.
kill_broker() {
    local pid=${pids[0]}
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    names=("${names[@]:1}") pids=("${pids[@]:1}")
}

# A service that has registered starts, and is ready once it has answered for its health.
is_ready() {
    farebox --token-file "$folder/operator.token" services | grep -q "^$1 *ready"
}

await_services() {
    local service
    for service in "${services[@]}"; do
        await is_ready "$service" || fail "$service does not get ready"
    done
}

start_bus() {
    (umask 077 && head -c 32 /dev/urandom | base64 >"$folder/secret")
    start_broker
    mint host platform host enterprise 'serve:*' 'call:data-bridge.*' 'publish:market.>' admin:tokens
    mint gateway platform gateway enterprise 'call:auth.*'
    mint operator platform ops enterprise 'admin:*' 'call:auth.*'
    mint acme acme ann pro 'call:echo.*' 'call:data-bridge.*' 'call:performance-analytics.*' \
        'subscribe:market.>'
    mint globex globex gus free 'call:echo.*' 'subscribe:market.>' 'publish:market.>'
    start farebox-host farebox-host --url "$FAREBOX_URL" --token-file "$folder/host.token" \
        --tier performance-analytics.report=pro --set auth.store="$folder/users" \
        --set auth.secret-file="$folder/secret" "${modules[@]}"
    await_services
}

# The first port of the loopback, from 8000 on, at which nobody listens.
free_port() {
    local port
    for port in {8000..8999}; do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

start_gateway() {
    local port
    port=$(free_port)
    # shellcheck disable=SC2034 # for who sources this
    web=http://127.0.0.1:$port
    start farebox-gateway farebox-gateway --url "$FAREBOX_URL" --listen "127.0.0.1:$port" \
        --token-file "$folder/gateway.token"
}

# admit TENANT USER PERMISSION...: somebody who may log in; their password is in `password`.
admit() {
    local perms=() permission
    password=$(head -c 12 /dev/urandom | base64)
    for permission in "${@:3}"; do
        perms+=(--perm "$permission")
    done
    farebox --token-file "$folder/operator.token" users create "$1" "$2" "${perms[@]}" \
        <<<"$password" >/dev/null || fail "$2 of $1 cannot be a user"
}
