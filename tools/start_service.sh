#!/usr/bin/env bash
# Start a program of this checkout as an ordinary user: start_service.sh PROGRAM [WORDS...]
# It is installed once into a folder of the user's own, then started.
#   SCALER_VENV, MOVER_VENV   that folder, instead of .venv of this checkout
set -euo pipefail
program=$1
shift
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
variable=${program^^}_VENV
venv=${!variable:-$checkout/.venv}

if [ ! -x "$venv/bin/$program" ]; then
    python=python3
    for newer in python3.11 python3.12 python3.13; do
        if command -v "$newer" > /dev/null; then python=$newer; fi
    done
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --require-hashes -r "$checkout/requirements.lock"
    "$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation "$checkout"
fi
exec "$venv/bin/$program" "$@"
