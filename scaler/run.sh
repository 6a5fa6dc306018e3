#!/usr/bin/env bash
# Start the scaler, in a terminal of JupyterHub for instance; what is given here goes to it, such as --once.
exec "$(dirname "${BASH_SOURCE[0]}")/../tools/start_service.sh" scaler --frequency 30 "$@"
