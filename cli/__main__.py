"""``python -m cli``: what the ``subai`` launcher starts."""

import sys

from cli.main import main

sys.exit(main(sys.argv[1:]))
