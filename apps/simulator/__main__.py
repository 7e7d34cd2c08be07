"""`python -m apps.simulator demo`: watch a shift. `... smoke`: have it played and checked.

Both start PostgreSQL and Valkey of their own where DATABASE_URL and REDIS_URL name none, and end
every process that they have started.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from apps.core.engines import EngineError
from apps.simulator import demo, smoke
from apps.simulator.stack import PROJECT, StackError

# Logs, passwords and tablets of a run. Not under version control.
FOLDER = PROJECT / "var"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; see the module's docstring. Returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return _demo(options) if options.command == "demo" else _smoke(options)
    except KeyboardInterrupt:
        return 130
    except (EngineError, StackError) as error:
        _say(str(error))
        return 1


def _demo(options: argparse.Namespace) -> int:
    chosen = demo.Options(
        port=options.port,
        speed=options.speed or (demo.ONCE_SPEED if options.once else demo.SPEED),
        once=options.once,
        picture=options.picture,
        gallery=options.gallery,
    )
    demo.demo(chosen, folder=options.folder, say=_say)
    _say("Everything is stopped. The data is kept for the next start.")
    return 0


def _smoke(options: argparse.Namespace) -> int:
    chosen = smoke.Options(
        calls=options.calls,
        crews=options.crews,
        dead_zone_seconds=options.dead_zone_seconds,
        dead_zone_every=options.dead_zone_every,
        cut_every=options.cut_every,
        three_days=options.three_days,
        seed=options.seed,
    )
    line, findings = smoke.smoke(chosen, folder=options.folder, say=_say)
    for kind, lines in (*findings.wrong(), ("kept", findings.kept)):
        for text in lines[: smoke.SHOWN]:
            _say(f"{kind}: {text}")
    sys.stdout.write(json.dumps(line) + "\n")
    return 0 if findings.clean else 1


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m apps.simulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    watch = commands.add_parser("demo", help="a shift on one live screen, until Ctrl-C")
    watch.add_argument("--port", type=int, default=8000, help="another one is used if it is taken")
    watch.add_argument("--speed", type=float, help="how much faster than the clock: 30; once, 80")
    watch.add_argument("--once", action="store_true", help="end when a dozen calls are over")
    watch.add_argument("--picture", type=Path, help="draw the last screen here, as SVG")
    watch.add_argument("--gallery", type=Path, help="photograph pages of the admin into here")
    watch.add_argument("--folder", type=Path, default=FOLDER / "demo")
    defaults = smoke.Options()
    check = commands.add_parser("smoke", help="the demo unattended, with faults; one JSON line")
    check.add_argument("--calls", type=int, default=defaults.calls)
    check.add_argument("--crews", type=int, default=defaults.crews, help="two tablets each")
    for name in ("dead_zone_seconds", "dead_zone_every", "cut_every"):
        flag = f"--{name.replace('_', '-')}"
        check.add_argument(flag, type=float, default=getattr(defaults, name))
    check.add_argument(
        "--three-days", type=float, default=defaults.three_days, help="go by in so many seconds"
    )
    check.add_argument("--seed", type=int, default=defaults.seed, help="of the dice")
    check.add_argument("--folder", type=Path, default=FOLDER / "smoke", help="logs and tablets")
    return parser


if __name__ == "__main__":
    sys.exit(main())
