"""A command in several processes, as torchrun would start them."""

import socket
import subprocess

from making.places import ENVIRONMENT


def together(count, command, cwd):
    """Run it in ``count`` processes at once; their exit codes and all that they said."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = {"WORLD_SIZE": f"{count}", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": f"{port}"}
    processes = [
        subprocess.Popen(
            command,
            cwd=cwd,
            env={**ENVIRONMENT, **place, "RANK": f"{rank}", "LOCAL_RANK": f"{rank}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for rank in range(count)
    ]
    said = [process.communicate()[0] for process in processes]
    return [process.returncode for process in processes], said
