"""``python -m rgaviz``."""

from rgaviz.cli import main

main()
