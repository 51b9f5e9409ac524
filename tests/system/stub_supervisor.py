"""Runs the supervisor over stub workers: `python stub_supervisor.py FAULTS WORKERS SETTINGS`.

SETTINGS is a JSON object of settings by section, as a worker is handed them.
"""

import json
import sys
from pathlib import Path

from stubtail.__main__ import announce
from stubtail.config import Settings, from_document
from stubtail.logs import Logs
from stubtail.monitoring import MonitoringError
from stubtail.supervisor.ports import PortError
from stubtail.supervisor.supervisor import Supervisor


def main() -> int:
    """Serves until a signal."""
    faults, workers, document = sys.argv[1:]
    settings = from_document(Settings, json.loads(document))
    logs = Logs(settings.log)
    logs.start()
    command = (sys.executable, str(Path(__file__).with_name("stub_worker.py")), faults)
    try:
        return Supervisor(settings, int(workers), command=command, announce=announce).run()
    except (PortError, MonitoringError) as error:
        sys.stderr.write(f"stubtail: {error}\n")
        return 1
    finally:
        logs.close()


if __name__ == "__main__":
    sys.exit(main())
