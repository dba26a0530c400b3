#!/usr/bin/env bash
# Shows the bus at work on real market data, and fails unless every step did what it says.
# `make demo` builds what is needed first. Takes well under a minute.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=demo/lib.sh
. demo/lib.sh

step() {
    printf '\n== %s\n' "$*"
}

# The words as one would type them.
typed() {
    local word
    for word in "$@"; do
        [[ $word =~ ^[a-zA-Z0-9_.,:=/-]+$ ]] || word="'$word'"
        printf ' %s' "$word"
    done
}

# as TOKEN COMMAND...: shows an inspector command, runs it, and keeps what it printed and how it ended.
as() {
    local who=$1
    shift
    echo "\$ farebox$(typed "$@")    # as $who"
    output=$(farebox --token-file "$folder/$who.token" "$@" 2>&1)
    status=$?
    [[ -z $output ]] || printf '%s\n' "$output"
}

# expect STATUS PATTERN...: of the last command; the patterns are extended regular expressions.
expect() {
    ((status == $1)) || fail "expected exit status $1, not $status"
    shift
    local pattern
    for pattern in "$@"; do
        grep -Eq -- "$pattern" <<<"$output" || fail "expected to see: $pattern"
    done
}

# listen TOKEN ARGUMENTS...: a subscriber in the background, back once the broker has its subscription.
listen() {
    local who=$1 fd note
    shift
    echo "\$ farebox sub$(typed "$@") &    # as $who"
    mkfifo "$folder/$who.notes"
    farebox --token-file "$folder/$who.token" sub "$@" >"$folder/$who.events" \
        2>"$folder/$who.notes" &
    listener=$!
    exec {fd}<"$folder/$who.notes"
    read -r -t 10 note <&"$fd" || fail "$who could not subscribe"
    [[ $note == *subscribed* ]] || fail "$who could not subscribe: $note"
}

# heard TOKEN PID: waits for its end, shows what it heard and keeps it for expect.
heard() {
    timeout 15 tail --pid="$2" -f /dev/null || fail "$1 hears nothing"
    wait "$2"
    status=$?
    output=$(<"$folder/$1.events")
    printf '%s\n' "$output"
}

step "A broker and three services, on a fresh folder"
start_bus

step "Who is there"
as operator services
for service in "${services[@]}"; do
    expect 0 "^$service +ready"
done

step "What a customer on the pro tier learns about the S&P 500: real daily prices, two services"
as acme call performance-analytics report '{"symbol": "sp500"}'
expect 0 '"total_return"' '"sharpe' '"max'

step "The same from a tenant whose token lacks the permission"
as globex call performance-analytics report '{"symbol": "sp500"}'
expect 77 'permission_denied'

step "Both tenants listen to market.>, and acme has the autumn of 2008 replayed"
listen acme 'market.>' --count 5
acme=$listener
listen globex 'market.>' --count 1
globex=$listener
as acme call data-bridge replay '{"symbol": "sp500", "from": "2008-09-15", "to": "2008-12-31"}'
expect 0
echo "acme hears:"
heard acme "$acme"
expect 0 'market\.bar\.sp500.*2008-09-15'
as globex pub market.of.globex '"our own"'
expect 0
echo "globex hears nothing of it, only itself:"
heard globex "$globex"
expect 0 '^market\.of\.globex +"our own"$'

step "What the broker counted"
as operator stats
expect 0 '^entitlement +[0-9]'

if [[ -x $BUILD/bin/farebox-bench ]]; then
    step "How fast: 64 calls in flight, each judged and routed"
    echo "\$ farebox-bench rr --window 64 --seconds 2"
    output=$(farebox-bench rr --window 64 --seconds 2 2>&1)
    status=$?
    printf '%s\n' "$output"
    expect 0 'rate=[1-9]' 'errors=0'
fi

step "Stopping"
stop_all
echo "services and broker have finished their work and ended well."
