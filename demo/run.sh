#!/usr/bin/env bash
# A broker, its services and the HTTP gateway on a fresh folder, until Ctrl-C. `make run` builds what is
# needed first.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=demo/lib.sh
. demo/lib.sh

start_bus
start_gateway
farebox --token-file "$folder/operator.token" tenants create acme --tier pro >/dev/null ||
    fail "acme gets no record"
admit acme ann 'call:*' 'subscribe:market.>'
ln -sfn "$folder" "$BUILD/run"
trap 'rm -f "$BUILD/run"; clean_up' EXIT
cat <<END

The bus is up. In another terminal:

    export PATH=$BUILD/bin:\$PATH
    export FAREBOX_URL=$FAREBOX_URL
    export FAREBOX_TOKEN_FILE=$folder/acme.token      # a pro customer; globex.token: a free one
    farebox services
    farebox call performance-analytics report '{"symbol": "sp500"}'
    farebox sub 'market.>' &
    farebox call data-bridge replay '{"symbol": "sp500", "speed": 5}'
    FAREBOX_TOKEN_FILE=$folder/operator.token farebox stats --watch

Over HTTP:

    curl -H "Authorization: Bearer \$(cat $BUILD/run/acme.token)" \\
        -d '{"symbol": "sp500"}' $web/v1/call/performance-analytics/report
    curl -d @- $web/v1/auth/login <<<'{"tenant": "acme", "user": "ann", "password": "$password"}'
    $web/ui    the dashboard, with the same password

Ctrl-C stops everything and removes $folder.
END

trap 'echo; stop_all; exit 0' INT TERM
wait -n
fail "something ended by itself"
