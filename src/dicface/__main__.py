"""`python -m dicface`."""

from dicface.cli import main

main()
