"""The errors for calls to models that do not answer: code, reason, and what to do."""

from google.rpc import error_details_pb2, status_pb2

from stubtail.errors import Code
from stubtail.models.status import BY_OPERATOR, ModelState, VersionStatus, load_failed, lookup_error


def status(version="1", state=ModelState.READY, reason=""):
    """One version of the model `churn`."""
    return VersionStatus("churn", version, state, reason, live=False, model=None)


def details(error):
    """The types of the details that the caller gets."""
    data = dict(error.trailing_metadata)["grpc-status-details-bin"]
    return [item.type_url.split("/")[1] for item in status_pb2.Status.FromString(data).details]


def test_unknown_names():
    """NOT_FOUND with the resource, and the nearest name if there is one."""
    error = lookup_error("chrun", ["churn", "fraud"], ())
    assert (error.code, error.reason) == (Code.NOT_FOUND, "MODEL_NOT_FOUND")
    assert error.message == 'there is no model "chrun"; did you mean "churn"?'
    assert error_details_pb2.ResourceInfo.DESCRIPTOR.full_name in details(error)
    assert "did you mean" not in lookup_error("zzz", ["churn"], ()).message
    assert "has none" in lookup_error("churn", [], ()).message


def test_long_names_are_cut():
    """What the caller sent comes back only in a readable length."""
    assert len(lookup_error("x" * 10_000, ["churn"], ()).message) < 300
    assert len(lookup_error("churn@" + "9" * 10_000, ["churn"], [status()]).message) < 300


def test_suggestions_are_bounded():
    """Unknown names stay cheap among a thousand models."""
    names = [f"model-{index:04}" for index in range(1000)]
    assert lookup_error("model-0001x", names, ()).code is Code.NOT_FOUND


def test_unknown_versions():
    """NOT_FOUND names the newest versions that there are."""
    known = [status(str(version)) for version in range(1, 9)]
    error = lookup_error("churn@99", ["churn"], known)
    assert (error.code, error.reason) == (Code.NOT_FOUND, "VERSION_NOT_FOUND")
    assert "versions of churn: 8, 7, 6, 5, 4, …" in error.message


def test_loading():
    """UNAVAILABLE with a short retry while the first version loads."""
    for ref in ("churn", "churn@1"):
        error = lookup_error(ref, ["churn"], [status(state=ModelState.LOADING)])
        assert (error.code, error.reason) == (Code.UNAVAILABLE, "MODEL_LOADING")
        assert error_details_pb2.RetryInfo.DESCRIPTOR.full_name in details(error)


def test_failed():
    """UNAVAILABLE with the reason of the newest version when none loads, cut to be readable."""
    known = [
        status("1", ModelState.FAILED, "old"),
        status("2", ModelState.FAILED, "churn/2/model.onnx: the file is empty; copy it again"),
    ]
    error = lookup_error("churn", ["churn"], known)
    assert error.code is Code.UNAVAILABLE
    assert "churn@2 could not be loaded: churn/2/model.onnx: the file is empty" in error.message
    assert "old" in lookup_error("churn@1", ["churn"], known).message
    assert len(load_failed(status(state=ModelState.FAILED, reason="x" * 9999)).message) < 400


def test_unloaded():
    """FAILED_PRECONDITION for what an operator unloaded, and for old versions not in memory."""
    known = [status(state=ModelState.UNLOADED, reason=BY_OPERATOR)]
    for ref in ("churn", "churn@1"):
        error = lookup_error(ref, ["churn"], known)
        assert (error.code, error.reason) == (Code.FAILED_PRECONDITION, "MODEL_DISABLED")
        assert "RepositoryModelLoad" in error.message
    known = [status("1", ModelState.UNLOADED, "newer versions are kept"), status("2")]
    error = lookup_error("churn@1", ["churn"], known)
    assert (error.code, error.reason) == (Code.FAILED_PRECONDITION, "MODEL_DISABLED")
    assert "newer versions" in error.message
