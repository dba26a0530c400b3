#!/usr/bin/env bash
# Shows the bus at work on real market data, and fails unless every step did what it says.
# `make demo` builds what is needed first. Takes well under a minute.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=demo/lib.sh
. demo/lib.sh

# shellcheck source=demo/tell.sh
. demo/tell.sh

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

# shellcheck source=demo/policy.sh
. demo/policy.sh

# shellcheck source=demo/http.sh
. demo/http.sh

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
