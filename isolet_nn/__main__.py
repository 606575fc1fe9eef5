"""``python -m isolet_nn`` is the command ``isolet-nn``."""

from isolet_nn.entry import main

if __name__ == "__main__":
    main()
