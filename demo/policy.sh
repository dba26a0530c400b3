# What the broker decides for every service: tiers, limits, breakers, fairness and the bill. Sourced by
# demo.sh.
# shellcheck shell=bash disable=SC2154,SC2034 # variables of lib.sh and tell.sh

mint initech initech ida free 'call:*'
mint hooli hooli hal trial 'call:echo.*'
mint stark stark sam enterprise 'call:*' 'serve:*'

step "Initech is on the free tier: a report takes pro"
as initech call performance-analytics report '{"symbol": "sp500"}'
expect 77 'subscription_insufficient' 'requires pro'

step "Initech upgrades: in force at the next call, with the same token"
as operator tenants create initech --tier pro
expect 0 '^tier +pro'
as initech call performance-analytics report '{"symbol": "sp500"}'
expect 0 '"total_return"'

step "Hooli is on a trial: five calls at once, then one a second"
for ((call = 1; call <= 5; call++)); do
    as hooli call echo echo "$call"
    expect 0
done
as hooli call echo echo 6
expect 75 'rate_limited' 'try again in'
sleep 1.1
echo "a second later:"
as hooli call echo echo 7
expect 0

step "The echo service fails for acme, and is spared, but only from acme"
for ((call = 1; call <= 4; call++)); do
    as acme call echo fail
    ((status != 0)) || fail "expected a failure"
done
as acme call echo echo '"once more"'
expect 75 'breaker_open' 'try again in'
as operator breakers
expect 0 'echo +acme .*open'
as initech call echo echo '"all is well"'
expect 0
sleep 1.6
echo "it has been left alone for a while, and is well again:"
as acme call echo echo '"once more"'
expect 0 'once more'

# p99 LINE: of farebox-bench, in microseconds.
p99() {
    [[ $1 =~ p99_us=([0-9]+) ]] && echo "${BASH_REMATCH[1]}"
}

if [[ -x $BUILD/bin/farebox-bench ]]; then
    step "Hooli calls as often as it can, which is not often; stark does not notice"
    load=(farebox-bench rr --url "$FAREBOX_URL" --service echo --warm 0.2)
    quiet=$("${load[@]}" --token-file "$folder/stark.token" --seconds 1)
    "${load[@]}" --token-file "$folder/hooli.token" --window 8 --seconds 2 >"$folder/noise" 2>&1 &
    noise=$!
    noisy=$("${load[@]}" --token-file "$folder/stark.token" --seconds 1)
    status=$?
    wait "$noise"
    printf '%s\n' "$quiet" "$noisy" "hooli: $(<"$folder/noise")"
    output=$noisy
    expect 0 'rate=[1-9]' 'errors=0'
    echo "stark's p99 was $(p99 "$quiet") us, and is $(p99 "$noisy") us beside hooli"
fi

# calls FILE N: makes calls one after the other, and adds a line to the file for each answer.
calls() {
    local n
    for ((n = 0; n < $2; n++)); do
        farebox --token-file "$folder/globex.token" --timeout 2s call echo echo "$n" \
            >/dev/null 2>&1 && echo "$n" >>"$1"
    done
}

# billed TENANT: calls, as they will be billed.
billed() {
    farebox --token-file "$folder/operator.token" usage --tenant "$1" -o json |
        grep -o '"total":{"calls":[0-9]*' | grep -o '[0-9]*$'
}

step "The bill is what was received, even if the broker is killed half way"
as operator tenants create globex --tier enterprise
: >"$folder/answers"
calls "$folder/answers" 60
received=$(wc -l <"$folder/answers") bill=$(billed globex)
echo "globex received $received answers, and is billed for $bill"
((received == 60 && bill == received)) || fail "they differ"

calls "$folder/answers" 200 &
caller=$!
sleep 0.5
echo "\$ kill -9 ${pids[0]}    # the broker"
kill_broker
start_broker
wait "$caller"
received=$(wc -l <"$folder/answers") bill=$(billed globex)
echo "globex has received $received answers by now, and is billed for $bill"
((received >= 100 && bill >= received && bill <= received + 1)) ||
    fail "they differ by more than the one call that was under way"
as operator usage --tenant globex --by service --by user
expect 0 '^total +[1-9]'
