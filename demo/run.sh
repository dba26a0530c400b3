#!/usr/bin/env bash
# A broker and its services on a fresh folder, until Ctrl-C. `make run` builds what is needed first.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=demo/lib.sh
. demo/lib.sh

start_bus
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

Ctrl-C stops everything and removes $folder.
END

trap 'echo; stop_all; exit 0' INT TERM
wait -n
fail "something ended by itself"
