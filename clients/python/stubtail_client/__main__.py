"""Runs the command line: `python -m stubtail_client score churn --input customers.csv`."""

import sys

from stubtail_client.cli.run import main

if __name__ == "__main__":
    sys.exit(main())
