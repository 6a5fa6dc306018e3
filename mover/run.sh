#!/usr/bin/env bash
# Start the mover, in a terminal of JupyterHub for instance; what is given here goes to it, such as --dryrun.
exec "$(dirname "${BASH_SOURCE[0]}")/../tools/start_service.sh" mover --watch "$@"
