"""The command `stubtail-bench`: load a gRPC inference server, and compare two loads."""

import argparse
import sys
from collections.abc import Sequence

from stubtail_bench.errors import LoadError

try:
    from stubtail_bench.command import STOPPED, compare, load
    from stubtail_bench.options import add_compare_arguments, add_load_arguments
except ModuleNotFoundError as missing:
    sys.exit(f"stubtail-bench needs {missing.name}: pip install 'stubtail[bench]'")
except KeyboardInterrupt:
    sys.exit(130)  # nothing has begun

_EXAMPLES = """\
examples:
  stubtail-bench load 127.0.0.1:8500 --model churn --rate 2000
  stubtail-bench load 127.0.0.1:8500 --model churn --rates 1000,2000,4000,8000 --html load.html
  stubtail-bench load 127.0.0.1:8500 --workload mix.toml --json a.json
  stubtail-bench load 127.0.0.1:8500 --model churn --mode server --p99-ms 5
  stubtail-bench compare a.json b.json
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; 0 for success, 1 for a load that failed, 2 for a wrong command line.

    130 for one that was stopped by Ctrl-C.
    """
    parser = argparse.ArgumentParser(
        prog="stubtail-bench",
        description="Loads any gRPC server that speaks the Open Inference Protocol.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_load_arguments(commands.add_parser("load", help="send calls and measure the answers"))
    add_compare_arguments(commands.add_parser("compare", help="do two loads differ?"))
    options = parser.parse_args(arguments)
    try:
        return load(options) if options.command == "load" else compare(options)
    except (LoadError, OSError) as error:
        sys.stderr.write(f"stubtail-bench: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stubtail-bench: stopped before the end of a run: there are no figures\n")
        return STOPPED


if __name__ == "__main__":
    sys.exit(main())
