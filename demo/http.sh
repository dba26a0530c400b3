# The same bus for programs that speak HTTP. Sourced by demo.sh.
# shellcheck shell=bash disable=SC2154,SC2034 # variables of lib.sh and tell.sh

# Whose token goes with a request: nobody's. Others' are in a file, which no list of processes shows.
bearer=() whose=

# request [OPTION...] PATH: shows a request, makes it, and shows the answer, of tokens only how they
# begin. `status` is that of HTTP.
request() {
    local path=${*: -1} options=("${@:1:$#-1}")
    echo "\$ curl -i$(typed "${options[@]}") '$web$path'$whose"
    output=$(curl -isS --max-time "$patience" "${bearer[@]}" "${options[@]}" "$web$path" 2>&1 |
        tr -d '\r')
    status=${output#HTTP/* } status=${status%% *}
    sed -E 's/("[a-z_]*token":"[^"]{9})[^"]*/\1…/g' <<<"$output"
}

has_line() {
    grep -Eq "$2" "$1"
}

step "The same over HTTP: a gateway in front of the bus"
await_services
start_gateway
request /readyz
expect 200

step "Uma of Umbrella, on the free tier, gets a password and logs in with curl"
as operator tenants create umbrella --tier free
expect 0 '^tier +free'
echo "\$ farebox users create umbrella uma --perm 'call:*' …    # as operator; it asks for a password"
admit umbrella uma 'call:*' 'publish:news.>' 'subscribe:news.>'
echo "{\"tenant\": \"umbrella\", \"user\": \"uma\", \"password\": \"$password\"}" >"$folder/login"
echo "# In a file, so that no list of processes shows it: $(sed 's/[^"]*"}$/…"}/' "$folder/login")"
request -d @"$folder/login" /v1/auth/login
expect 200 '"token_type":"Bearer"' '"expires_in":86400' '"subscription_tier":"free"'
[[ $output =~ \"token\":\"([^\"]+)\" ]] || fail "there is no token"
echo "Authorization: Bearer ${BASH_REMATCH[1]}" >"$folder/bearer"
bearer=(-H @"$folder/bearer") whose="    # with uma's token"

step "She makes a call"
request -d '{"hello": ["bus", 8000]}' /v1/call/echo/echo
expect 200 '^X-Request-Id: ' '^X-Tenant-Id: umbrella' '^X-Subscription-Tier: free' \
    '^RateLimit-Policy: "minute";q=100;w=60' '^\{"hello":\["bus",8000\]\}$'

step "A report takes pro, and the refusal says where to get it"
request -d '{"symbol": "sp500"}' /v1/call/performance-analytics/report
expect 403 '^Content-Type: application/problem\+json' '"error":"subscription_insufficient"' \
    '"message":"This feature requires pro subscription"' '"current_tier":"free"' \
    '"upgrade_url":"https://example.com/upgrade"'

step "Umbrella upgrades: in force at the next request, with the same token"
as operator tenants update umbrella --tier pro
expect 0 '^tier +pro'
request -d '{"symbol": "sp500"}' /v1/call/performance-analytics/report
expect 200 '^X-Subscription-Tier: pro' '"total_return"'

step "She listens, as a browser's EventSource would, and publishes"
echo "\$ curl -N '$web/v1/subscribe?topic=news.%3E' &$whose"
curl -sSN "${bearer[@]}" "$web/v1/subscribe?topic=news.%3E" >"$folder/uma.events" 2>&1 &
listener=$!
await has_line "$folder/uma.events" '^event: ready' || fail "uma cannot subscribe: $(<"$folder/uma.events")"
request -d '{"headline": "Umbrella is on the bus"}' /v1/publish/news.today
expect 202
await has_line "$folder/uma.events" '^data: .*Umbrella is on the bus' ||
    fail "uma hears nothing: $(<"$folder/uma.events")"
echo "uma hears:"
cat "$folder/uma.events"
kill "$listener"
wait "$listener" 2>/dev/null

step "Umbrella falls back to a trial: five calls at once, and then it is told when to come again"
as operator tenants update umbrella --tier trial
expect 0 '^tier +trial'
for ((call = 1; call <= 30; call++)); do
    request -d "$call" /v1/call/echo/echo >"$folder/answer"
    ((status == 200)) || break
done
cat "$folder/answer"
expect 429 '^Retry-After: [1-9]' '^RateLimit-Policy: "minute";q=12;w=60' '^RateLimit: "minute";r=0' \
    '^X-RateLimit-Limit: 12' '^X-RateLimit-Remaining: 0' '^X-RateLimit-Reset: [1-9]' '"code":"rate_limited"'

step "What Umbrella will be billed for"
request '/v1/usage?by=service'
expect 200 '"service":"echo"' '"service":"performance-analytics"'
