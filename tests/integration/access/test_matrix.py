"""Every RPC with no credential, a wrong one, an expired one, one without its scope, and a good one.

On both transports; behind the native front, most of these calls come over its Unix socket.
"""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from stubtail.access.methods import OPEN, methods_with
from tests.integration.access.conftest import SCOPES, Guarded, Metadata, bearer
from tests.integration.calls import Code, Refusal, refusal, streams
from tests.unit.access.test_methods import described_paths

METHODS = methods_with("read")
REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
PATHS = sorted(described_paths() | {REFLECTION, REFLECTION.replace(".v1.", ".v1alpha.")})
WRONG = bearer("stk_aaaaaaaa_" + "b" * 43)


def ended(channel: grpc.Channel, path: str, metadata: Metadata) -> Refusal | None:
    """How a call with an empty message ends; None where it is answered.

    To gRPC each kind of method is a stream of messages in both directions.
    """

    def one() -> Iterator[bytes]:
        yield b""

    call: Any = streams(channel, path)(one(), metadata=metadata, timeout=20)
    try:
        next(call)
    except StopIteration:
        return None
    except grpc.RpcError as error:
        return refusal(error)
    finally:
        call.cancel()
    return None


def with_scopes(guarded: Guarded, *scopes: str) -> Metadata:
    """A good token of an operator-less tenant with just these scopes."""
    return guarded.token(*scopes)


@pytest.mark.parametrize("path", PATHS)
def test_every_rpc_with_every_kind_of_credential(guarded: Guarded, path: str) -> None:
    """Open methods answer everybody; all others say exactly what is wrong."""
    scope, channel = METHODS[path], guarded.channel
    good = ended(channel, path, bearer(guarded.keys["all"]))
    if good is not None and good.code is Code.UNIMPLEMENTED:
        assert good.reason in {"", "NOT_OFFERED"}
        return
    assert good is None or good.code not in {Code.UNAUTHENTICATED, Code.PERMISSION_DENIED}, good
    assert good is None or good.code not in {Code.UNKNOWN, Code.INTERNAL}, good
    if scope == OPEN:
        for metadata in ((), WRONG, bearer(guarded.keys["past"])):
            assert ended(channel, path, metadata) == good
        return
    others = [one for one in SCOPES if one != scope]
    expected: list[tuple[Metadata, Any, str]] = [
        ((), Code.UNAUTHENTICATED, "CREDENTIAL_MISSING"),
        (WRONG, Code.UNAUTHENTICATED, "CREDENTIAL_INVALID"),
        (bearer(guarded.keys["past"]), Code.UNAUTHENTICATED, "CREDENTIAL_EXPIRED"),
        (guarded.token(scope, exp=1_000_000_000), Code.UNAUTHENTICATED, "CREDENTIAL_EXPIRED"),
        (guarded.token(scope, aud="other"), Code.UNAUTHENTICATED, "CREDENTIAL_AUDIENCE"),
        (bearer(guarded.keys["none"]), Code.PERMISSION_DENIED, "SCOPE_MISSING"),
        (guarded.token(*others), Code.PERMISSION_DENIED, "SCOPE_MISSING"),
    ]
    for metadata, code, reason in expected:
        found = ended(channel, path, metadata)
        assert found is not None, (metadata, reason)
        assert (found.code, found.reason) == (code, reason)
        if reason == "SCOPE_MISSING":
            assert found.metadata["scope"] == f"stubtail:{scope}"
            assert f"stubtail:{scope}" in found.message
    right = ended(channel, path, guarded.token(scope))
    assert right is None or right.code not in {Code.UNAUTHENTICATED, Code.PERMISSION_DENIED}, right


def test_reflection_is_behind_a_scope_by_default(guarded: Guarded) -> None:
    """It tells what there is; `access.reflection` opens it or switches it off."""
    found = ended(guarded.channel, REFLECTION, ())
    assert found is not None
    assert found.reason == "CREDENTIAL_MISSING"
