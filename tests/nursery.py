"""Where the product's processes begin: what they all load from others is loaded here once.

    python -m tests.nursery

A start of `python -m uvicorn` takes more than a second of a processor, two thirds of it to load
Django, Celery and their like. This process has loaded them and nothing of the product. Each start
is a fork of it that goes on as `python -m` does: in a session of its own, with its own environment,
which it reads its settings from, and its own output.

It reads a line of JSON for each request, and answers with one. `{"start": [module, argument, ...],
"environ": {...}, "log": path}`: the process's id. `{"poll": id}`: its exit code as `subprocess` has
it, null as long as it runs. It ends with its input; whoever started the processes ends them.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import sys

_OF_OTHERS = (
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.fixups.django",
    "channels.routing",
    "cryptography.hazmat.primitives.ciphers.aead",
    "django.contrib.postgres.fields",
    "django.core.handlers.asgi",
    "django.core.management",
    "django.forms",
    "django.template.backends.django",
    "django_stubs_ext",
    "jsonschema",
    "kombu.transport.redis",
    "psycopg_pool",
    "redis.asyncio",
    "shapely",
    "uvicorn.main",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
    "whitenoise.middleware",
)


def main() -> None:
    """Serves until its input ends, or, as a process that was started, goes on as its module."""
    for name in _OF_OTHERS:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    ended: dict[int, int] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            answer = os.fork()
            if not answer:
                _go_on_as(**request)
                break
        else:
            answer = _exit_code(request["poll"], ended)
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


def _exit_code(pid: int, ended: dict[int, int]) -> int | None:
    if pid not in ended:
        gone, status = os.waitpid(pid, os.WNOHANG)
        if not gone:
            return None
        ended[pid] = os.waitstatus_to_exitcode(status)
    return ended[pid]


def _go_on_as(*, start: list[str], environ: dict[str, str], log: str) -> None:
    os.setsid()
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_APPEND)
    for opened, number in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(opened, number)
    os.close(nothing)
    os.close(output)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = list(start)
    runpy.run_module(start[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
