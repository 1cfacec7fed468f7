"""``python -m cli``: what the ``subai`` launcher starts."""

import sys

try:
    from cli.main import main

    code = main(sys.argv[1:])
except KeyboardInterrupt:  # while the above was imported: main sees to its own
    print("subai: Cancelled.", file=sys.stderr)
    code = 130
sys.exit(code)
