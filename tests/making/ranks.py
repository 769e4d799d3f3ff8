"""Processes of a run, as torchrun would start them, forked: what is imported is imported once."""

import os
import socket
import sys
import traceback


def fork(count, carry_out, log=None):
    """Start ``count`` processes at once that each return what ``carry_out`` does, an exit code, and
    say what they have to say into ``log``; their numbers.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sys.stdout.flush()
    return [_forked((rank, count, port), carry_out, log) for rank in range(count)]


def _forked(place, carry_out, log):
    process = os.fork()
    if process:
        return process
    code = 70
    try:
        if log:
            written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.dup2(written, 1)
            os.dup2(written, 2)
        rank, size, port = place
        if size > 1:
            os.environ |= {"RANK": f"{rank}", "LOCAL_RANK": f"{rank}", "WORLD_SIZE": f"{size}"}
            os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": f"{port}"}
        code = carry_out()
    except BaseException:  # noqa: BLE001 - it must not go on as its parent would
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def codes(processes):
    """Wait for all; their exit codes, negative for signals."""
    return [os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) for process in processes]
