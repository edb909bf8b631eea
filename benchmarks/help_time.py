"""``rgaviz --help`` against importing the two libraries it is built on, whole processes."""

from __future__ import annotations

import subprocess
import sys

from measure import Claim, Result, alternate, run, seconds

COMMANDS = {
    "import typer, rich": ["-c", "import typer, rich"],
    "rgaviz --help": [
        "-c",
        "from rgaviz.cli import main; main()",
        "--help",
    ],  # what the installed program does
}


def measure(quick: bool) -> Result:
    """Time both processes in turn."""

    def start(arguments: list[str]) -> None:
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    works = {name: seconds(lambda command=command: start(command)) for name, command in COMMANDS.items()}
    times = alternate(works, 2 if quick else 10)
    imports, mine = times.values()
    rows = [[name, f"{1000 * value:.0f} ms", f"{value / imports:.2f}x"] for name, value in times.items()]
    claims = [Claim("rgaviz --help, of importing typer and rich", mine / imports, 2.5, at_most=True)]
    return Result(["process", "time", "ratio"], rows, claims)


if __name__ == "__main__":
    run(measure, __doc__ or "")
