"""Two processes that train together, as torchrun starts them, but as forks of one that has imported torch.

`in_two_processes` runs `python tests/together.py MODULE SCRIPT ARGUMENTS...`.
"""

import gc
import os
import signal
import socket
import subprocess
import sys
from importlib import import_module


def in_two_processes(
    script: str, *arguments: object, imported: str = "torch._dynamo"
) -> subprocess.CompletedProcess[str]:
    """Run a Python script in two processes; the exit code is 1 where one fails, and the other is ended.

    imported  what is imported before they part: by itself, all that torch imports where an optimizer is made
    """
    command = [sys.executable, __file__, imported, script, *map(str, arguments)]
    variables = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}  # one that aborts says where
    return subprocess.run(command, capture_output=True, text=True, check=False, env=variables)


def _main() -> int:
    import_module(sys.argv.pop(1))
    gc.freeze()  # what is imported is no garbage: looking through it would copy its memory
    script = sys.argv.pop(1)
    meeting = socket.create_server(("127.0.0.1", 0))
    port = meeting.getsockname()[1]
    children = set[int]()
    for rank in "01":
        child = os.fork()
        if not child:
            place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "TORCHELASTIC_USE_AGENT_STORE": "True"}
            os.environ |= {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2", **place}
            exec(script, {"__name__": "__main__"})
            return 0
        children.add(child)
    from torch.distributed import TCPStore

    store = TCPStore("127.0.0.1", port, is_master=True, wait_for_workers=False, master_listen_fd=meeting.detach())
    failed = False
    while children:
        child, status = os.wait()
        children.remove(child)
        if status:
            failed = True
            print(f"a process ended with {os.waitstatus_to_exitcode(status)}", file=sys.stderr)
            for other in children:
                os.kill(other, signal.SIGKILL)
    del store
    return int(failed)


if __name__ == "__main__":
    sys.exit(_main())
