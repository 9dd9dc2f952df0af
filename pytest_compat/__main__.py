"""`python -m pytest_compat COMMAND`."""

import sys

from pytest_compat.commands import main

if __name__ == "__main__":
    sys.exit(main())
