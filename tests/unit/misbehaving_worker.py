"""The reading process, except that a file's name tells it how to misbehave: `die-1.jpg`,
`hang.jpg` and so on; that of its first sidecar, if it has one.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

from catalog.media import worker
from catalog.media.optional import OptionalReaders

_answer = worker.answer


def answer(request: Any, optional: OptionalReaders) -> tuple[str, Any]:
    name = os.path.basename((*request.sidecars, request.path)[0])
    behaviour = name.partition("-")[0].partition(".")[0]
    if behaviour == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif behaviour == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif behaviour == "exit":
        os._exit(7)
    elif behaviour == "hang":
        time.sleep(600)
    elif behaviour == "deaf":  # sleeps on whatever asks it to end politely
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    elif behaviour == "noise":
        sys.stdout.write("x" * 100_000)
        sys.stderr.write("x" * 100_000)
    elif behaviour == "large":
        return "read", "x" * 5_000_000
    elif behaviour == "bad":
        return "unreadable", "it is bad"
    elif behaviour == "strange":
        return "unsupported", "it is strange"
    elif behaviour == "real":
        return _answer(request, optional)
    return "read", f"{name} {request.left_out}".strip()


if __name__ == "__main__":
    worker.answer = answer
    worker.main()
