"""Let a child process end together with its parent, however the parent ends."""

from __future__ import annotations

import multiprocessing
import os
import threading


def leave_with_parent() -> None:
    """From now on, end this process when its parent has ended.

    Otherwise a process of a pool would wait for work forever, as it holds both ends of its pipe.
    """
    parent = multiprocessing.parent_process()

    def wait() -> None:
        assert parent is not None
        parent.join()
        os._exit(1)

    if parent is not None:
        threading.Thread(target=wait, daemon=True).start()
