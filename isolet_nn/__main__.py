"""``python -m isolet_nn`` is the command ``isolet-nn``."""

from isolet_nn.cli import main

main()
