# Steps of a demonstration: each shows a command, runs it and checks what it did. Sourced by bash,
# after lib.sh.
# shellcheck shell=bash disable=SC2154,SC2034 # variables of lib.sh and tell.sh

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
