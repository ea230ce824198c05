#!/bin/sh
# npm test: set up, then every test. `npm test -- --full` runs the full counts; other arguments go to vitest.
set -eu
cd "$(dirname "$0")/.."
tools/setup.sh --test
for argument in "$@"; do
  shift
  if [ "$argument" = --full ]; then
    export ONEHOP_FULL=1
  else
    set -- "$@" "$argument"
  fi
done
exec node node_modules/vitest/vitest.mjs run --reporter=default --reporter=./tools/closing_line.ts "$@"
