"""grpcurl, evans and grpc-health-probe: tools that know nothing of stubtail but its address."""

import json
import subprocess
from collections.abc import Callable

from clients.foreign.commands import RUN_S, run
from clients.foreign.tools import ROOT

Tool = Callable[..., str]


def test_grpcurl(tool: Tool, server: str) -> None:
    """It lists, describes, and calls."""
    grpcurl = tool("grpcurl")
    listed = run([grpcurl, "-plaintext", server, "list"]).split()
    assert {"stubtail.v1.ScoringService", "inference.GRPCInferenceService"} <= set(listed)
    assert {"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"} <= set(listed)
    described = run([grpcurl, "-plaintext", server, "describe", "stubtail.v1.ScoreRequest"])
    assert "DenseRows dense" in described
    asked = [grpcurl, "-plaintext", "-d", '{"model": "churn"}', server]
    model = json.loads(run([*asked, "stubtail.v1.ModelService/GetModel"]))
    assert model["classes"] == ["stay", "leave"]
    wrong = [grpcurl, "-plaintext", "-d", '{"model": "chrun"}', server]
    told = run([*wrong, "stubtail.v1.ModelService/GetModel"], status=64 + 5)  # NOT_FOUND
    assert 'there is no model "chrun"' in told


def test_the_example_for_grpcurl(tool: Tool, server: str) -> None:
    """clients/examples/grpcurl, as a newcomer runs it."""
    grpcurl = tool("grpcurl")
    script = ROOT / "clients" / "examples" / "grpcurl" / "tour.sh"
    done = subprocess.run(  # noqa: S603 - our own script
        [str(script), server, grpcurl],
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for expected in ('"SERVING"', '"leave"', '"MODEL_STATE_READY"', '"ranked"', "expected"):
        assert expected in done.stdout, done.stdout


def test_evans(tool: Tool, server: str) -> None:
    """The other explorer, by reflection as well."""
    host, _, port = server.rpartition(":")
    evans = [tool("evans"), "--host", host, "--port", port, "--reflection", "cli"]
    assert "stubtail.v1.ScoringService" in run([*evans, "list"])
    call = [*evans, "call", "stubtail.v1.ModelService.GetModel"]
    assert json.loads(run(call, given='{"model": "churn"}'))["classes"] == ["stay", "leave"]


def test_grpc_health_probe(tool: Tool, server: str) -> None:
    """As Kubernetes before 1.24 asks; newer ones ask by themselves."""
    probe = tool("grpc_health_probe", "grpc-health-probe")
    assert "SERVING" in run([probe, f"-addr={server}"])
    assert "SERVING" in run([probe, f"-addr={server}", "-service=churn"])
