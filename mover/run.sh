#!/usr/bin/env bash
# Start the mover as an ordinary user, in a terminal of JupyterHub for instance: installed once into
# a folder of the user's own, then started. What is given here goes to the program, such as --dryrun.
#   MOVER_VENV   that folder, instead of ../.venv of this checkout
set -euo pipefail
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${MOVER_VENV:-$checkout/.venv}

if [ ! -x "$venv/bin/mover" ]; then
    python=python3
    for newer in python3.11 python3.12 python3.13; do
        if command -v "$newer" > /dev/null; then python=$newer; fi
    done
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --require-hashes -r "$checkout/requirements.lock"
    "$venv/bin/python" -m pip install --quiet --no-deps --no-build-isolation "$checkout"
fi
exec "$venv/bin/mover" --watch "$@"
