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

# try TOKEN COMMAND...: runs an inspector command, and keeps what it printed and how it ended.
try() {
    output=$(farebox --token-file "$folder/$1.token" "${@:2}" 2>&1)
    status=$?
    ((status == 0))
}

# as TOKEN COMMAND...: shows the command, tries it, and shows what it printed.
as() {
    echo "\$ farebox$(typed "${@:2}")    # as $1"
    try "$@"
    [[ -z $output ]] || printf '%s\n' "$output"
}

# as_soon_as_possible TOKEN COMMAND...: the same, once the command succeeds, as it must in the end.
as_soon_as_possible() {
    echo "\$ farebox$(typed "${@:2}")    # as $1"
    await try "$@" || fail "it never did: $output"
    printf '%s\n' "$output"
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
    read -r -t "$patience" note <&"$fd" || fail "$who could not subscribe"
    [[ $note == *subscribed* ]] || fail "$who could not subscribe: $note"
}

# heard TOKEN PID: waits for its end, shows what it heard and keeps it for expect.
heard() {
    timeout "$patience" tail --pid="$2" -f /dev/null || fail "$1 hears nothing"
    wait "$2"
    status=$?
    output=$(<"$folder/$1.events")
    printf '%s\n' "$output"
}
