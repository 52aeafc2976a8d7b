"""`python -m fovea` is the program."""

from fovea._program import main

main()
