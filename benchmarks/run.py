"""All benchmarks, each in a process of its own; prints Markdown: the claims first, then every table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import torch
from measure import Claim, arguments, claim_table, heading, machine, table

SCRIPTS = (
    "rga_module",
    "training_step",
    "explain_pass",
    "cam_throughput",
    "cam_memory",
    "compare_process",
    "folder",
    "help_time",
    "cifar_epoch",
    "kept_memory",
    "ranking",
    "reid_data_path",
    "windows",
    "head",
    "whole_pictures",
    "questions",
)


def main() -> None:
    """Run them one after the other."""
    options = arguments(__doc__ or "").parse_args()
    torch.set_num_threads(options.threads)
    before = machine()
    passed_on = ["--json", "--threads", str(options.threads), *(["--quick"] if options.quick else [])]
    claims, tables = [], []
    for name in SCRIPTS:
        print(f"{name} ...", file=sys.stderr)
        command = [sys.executable, str(Path(__file__).with_name(f"{name}.py")), *passed_on]
        result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        claims += [Claim(**claim) for claim in result["claims"]]
        tables.append(table(result["header"], result["rows"]))
    print(heading(before, options.quick), claim_table(claims), *tables, sep="\n\n")


if __name__ == "__main__":
    main()
