# Starts and stops replicas as a service manager does; `.` by the programs beside it. $SITE is the folder of the test.

# stop_replica NAME: by SIGTERM, and waits for its end.
stop_replica() {
    pid=$(cat "$SITE/$1.pid")
    kill -TERM "$pid"
    # A process that nobody has waited for has no program any more.
    while [ -e "/proc/$pid/exe" ]; do sleep 0.05; done
    rm "$SITE/$1.pid"
}

# start_replica NAME ADDRESS: under the settings of the file NAME.settings, and waits until it is ready.
start_replica() {
    run_with "$1.settings" "LISTEN_ADDR=$2" serve --no-migrate >>"$SITE/$1.log" 2>&1 &
    echo $! >"$SITE/$1.pid"
    until curl -fsk "https://$2/readyz" >/dev/null; do
        [ -e "/proc/$!/exe" ] || { cat "$SITE/$1.log" >&2; exit 1; }
        sleep 0.05
    done
}

# run_with FILE NAME=VALUE COMMAND…: the program with these settings and no others.
run_with() {
    settings=$SITE/$1 more=$2
    shift 2
    cd /
    # shellcheck disable=SC2046 # one setting is one word
    exec env -i $(grep -v '^ *#' "$SITE/common.settings") $(grep -v '^ *#' "$settings") "$more" "$PROGRAM" "$@"
}
