#!/bin/sh
# Notes that it was started, in one write, so that the lines of two lanes never mix; gives its key back as JSON.
# The first try of every third execution asks to be tried again.
printf '%s %s %s\n' "$CARRIL_IDEMPOTENCY_KEY" "$CARRIL_EXECUTION_ID" "$CARRIL_ATTEMPT" >> "$1"
if [ "$CARRIL_ATTEMPT" = 1 ] && [ $((CARRIL_EXECUTION_ID % 3)) = 0 ]; then
    exit 75
fi
printf '{"key": "%s"}' "$CARRIL_IDEMPOTENCY_KEY"
