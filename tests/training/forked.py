"""Two processes that are told of each other as torchrun does it, and start from one that has loaded everything."""

from __future__ import annotations

import os
import socket
import sys
import traceback
from collections.abc import Callable

# Once, and not in both; optimizers load the compiler.
import accelerate  # noqa: F401


def under_torchrun() -> bool:
    """Whether this is already one of several."""
    return "RANK" in os.environ


def in_two(work: Callable[[], None]) -> None:
    """Do it in two processes; ends this one if either fails."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    processes = [_start(work, rank, port) for rank in (0, 1)]
    if any([os.waitpid(process, 0)[1] for process in processes]):
        sys.exit("a process failed")


def _start(work: Callable[[], None], rank: int, port: int) -> int:
    process = os.fork()
    if process == 0:
        told = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2, "MASTER_PORT": port}
        os.environ.update({name: str(value) for name, value in told.items()}, MASTER_ADDR="127.0.0.1")
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return process
