"""`python -m beleg` is the command `beleg`."""

from beleg.cli import main

main()
