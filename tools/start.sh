#!/bin/sh
# npm start: set up, then the demonstration lab; arguments go to `onehop lab demo`.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
"$here/tools/setup.sh"
exec node "$here/dist/onehop.mjs" lab demo "$@"
