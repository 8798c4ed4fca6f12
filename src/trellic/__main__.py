"""`python -m trellic` is the command line."""

from trellic.cli import main

main()
