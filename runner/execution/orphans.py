"""A child process ends with the one that started it, however that one ends."""

from __future__ import annotations

import multiprocessing
import os
import threading


def leave_with_parent() -> None:
    """From now on, end this process when its parent is gone.

    One of a pool would otherwise wait for work for ever: it holds the other end of its own pipe.
    """
    parent = multiprocessing.parent_process()

    def wait() -> None:
        assert parent is not None
        parent.join()
        os._exit(1)

    if parent is not None:
        threading.Thread(target=wait, daemon=True).start()
