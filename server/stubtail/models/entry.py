"""One model of the repository: what is known of its versions, and which of them is live."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from stubtail.models import events
from stubtail.models.errors import CutShortError, ModelError
from stubtail.models.layout import Found
from stubtail.models.policy import Action, Fingerprint, Held, next_action
from stubtail.models.session import LoadedModel
from stubtail.models.status import BY_OPERATOR, ModelState, VersionStatus

RETIRED: Final = "newer versions are kept in memory instead (models.versions_kept)"
REMOVED: Final = "its files were removed"
# A cause that lies outside may be gone soon; what really fills the memory must not do so all day.
RETRY_S: Final = 5.0  # after the first failure, then twice as long each time
RETRY_MAX_S: Final = 3600.0


class _Version:
    """What is known of one version."""

    def __init__(self) -> None:
        self.state = ModelState.LOADING
        self.reason = ""
        self.again_s: float | None = None  # when the same files may load
        self.cut_short = False  # its check is to be done again in this look
        self.failures = 0  # in a row, of these files, for causes outside of them
        self.tried: Fingerprint | None = None
        self.failed: Fingerprint | None = None  # the files that `failures` counts
        self.model: LoadedModel | None = None


class Entry:
    """The versions of one model.

    Attributes:
        name: of the model.
        found: its versions on disk; None when its folder is gone.
        settling: versions on disk whose files changed a moment ago, found or not.
        live: the version that answers calls without a version.
        disabled: whether an operator unloaded it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: Mapping[str, Found] | None = None
        self.settling: Collection[str] = ()
        self.live: str | None = None
        self.disabled = False
        self._versions: dict[str, _Version] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to remember."""
        return self.found is None and not self._versions and not self.disabled

    @property
    def untried(self) -> int:
        """How many versions on disk were not tried with the files that they have."""
        found, known = self.found or {}, self._versions
        tried = {key: known[key].tried for key in found if key in known}
        return sum(tried.get(key) != item.fingerprint for key, item in found.items())

    def next_action(self, versions_kept: int) -> Action | None:
        """What the policy wants next."""
        found = self.found
        return next_action(
            None if found is None else {key: item.fingerprint for key, item in found.items()},
            {key: Held(item.tried, item.model is not None) for key, item in self._versions.items()},
            self.live,
            disabled=self.disabled,
            versions_kept=versions_kept,
        )

    def begin_load(self, version: str) -> Found:
        """Notes that a version is being loaded; returns what to load."""
        assert self.found is not None
        found = self.found[version]
        item = self._versions.setdefault(version, _Version())
        if item.failed != found.fingerprint:
            item.failures = 0
        item.tried = found.fingerprint
        if item.model is None:
            item.state, item.reason = ModelState.LOADING, ""
        events.loading(self.name, version)
        return found

    def end_load(self, version: str, outcome: LoadedModel | ModelError, now_s: float) -> None:
        """Takes a loaded version into service, or notes why it failed and keeps what there is."""
        item = self._versions[version]
        item.cut_short = isinstance(outcome, CutShortError)
        if item.cut_short:
            return  # it goes on loading
        item.again_s = None
        if isinstance(outcome, ModelError) and outcome.passing:
            item.failed = item.tried
            item.again_s = now_s + min(RETRY_S * 2.0 ** min(item.failures, 32), RETRY_MAX_S)
            item.failures += 1
        if not isinstance(outcome, ModelError):
            item.model, item.state, item.reason, item.failures = outcome, ModelState.READY, "", 0
            events.ready(outcome)
            return
        events.failed(self.name, version, outcome, item.model)
        if item.model is None:
            item.state, item.reason = ModelState.FAILED, str(outcome)
        else:
            item.reason = f"it answers with its earlier files; {outcome}"

    def set_live(self, version: str | None) -> None:
        """Lets calls that name no version go to `version`."""
        events.live(self.name, version, self.live)
        self.live = version

    def unload(self, version: str) -> None:
        """Drops a version; calls in flight hold their own reference, the last one frees it."""
        item = _Version()
        item.state, item.reason = ModelState.UNLOADED, self._reason_unloaded(version)
        self._versions[version] = item
        events.unloaded(self.name, version, item.reason)

    def forget(self, version: str) -> None:
        """Drops what is known of a version."""
        del self._versions[version]

    def disable(self) -> None:
        """An operator wants it unloaded; versions that failed count as unloaded too."""
        self.disabled = True
        for item in self._versions.values():
            if item.model is None:
                item.state, item.reason = ModelState.UNLOADED, BY_OPERATOR

    def enable(self) -> None:
        """An operator wants it loaded; what failed is tried again, whatever its files."""
        self.disabled = False
        for item in self._versions.values():
            if item.state is not ModelState.READY or item.reason:
                item.tried = None

    def retry(self, now_s: float) -> None:
        """Lets what failed for a cause outside of its files be tried again, once, at its time."""
        for item in self._versions.values():
            if item.again_s is not None and now_s >= item.again_s:
                item.again_s, item.tried = None, None

    def resume(self) -> None:
        """Lets what was cut short be loaded with all the time that it may take."""
        for item in self._versions.values():
            if item.cut_short:
                item.cut_short, item.tried = False, None

    def statuses(self) -> list[VersionStatus]:
        """All versions in memory or on disk, in ascending order.

        Where there is none, those that will be in a moment: the model is not gone.
        """
        known = {*self._versions, *(self.found or ())} or self.settling
        return [self._status(version) for version in sorted(known, key=int)]

    def routes(self) -> Iterator[tuple[str, LoadedModel]]:
        """What answers: `name@version` and, for the live version, `name`."""
        for version, item in self._versions.items():
            if item.model is not None:
                yield f"{self.name}@{version}", item.model
                if version == self.live:
                    yield self.name, item.model

    def _status(self, version: str) -> VersionStatus:
        item = self._versions.get(version)
        if item is not None:
            live = version == self.live
            return VersionStatus(self.name, version, item.state, item.reason, live, item.model)
        # On disk and not tried: its turn comes, unless enough newer ones are in memory.
        waits = self.live is None and not self.disabled
        state = ModelState.LOADING if waits else ModelState.UNLOADED
        reason = "" if waits else self._reason_unloaded(version)
        return VersionStatus(self.name, version, state, reason, live=False, model=None)

    def _reason_unloaded(self, version: str) -> str:
        if self.disabled:
            return BY_OPERATOR
        return RETIRED if version in (self.found or ()) else REMOVED
