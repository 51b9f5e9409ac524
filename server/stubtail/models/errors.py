"""What can go wrong with a model: it cannot be loaded, or one run of it fails."""


class ModelError(Exception):
    """A version cannot be served. The message names the file, the problem and the mend.

    Args:
        where: the file or folder, relative to the folder of models.
        problem: what is wrong, in our words.
        mend: what the owner of the model can do about it.
        detail: what another library said; for the log only, since callers see the message.
        passing: whether the same files may load later, as the cause lies outside of them.
    """

    def __init__(
        self, where: str, problem: str, mend: str, *, detail: str = "", passing: bool = False
    ) -> None:
        self.where = where
        self.problem = problem
        self.mend = mend
        self.detail = detail
        self.passing = passing
        super().__init__(f"{where}: {problem}; {mend}")


class MemoryShortError(ModelError):
    """Loading or running a version took more memory than there was for it."""


class CutShortError(ModelError):
    """A check was ended ahead of its own limit, for others waited; it is to be done again."""


class RunFailed(Exception):  # noqa: N818  # it tells of an event, like asyncio.QueueFull
    """One run of a model raised; the rows of that run have no answer, the model goes on.

    Args:
        model: `name@version`.
        detail: what onnxruntime said; for the log only.
    """

    def __init__(self, model: str, detail: str) -> None:
        self.model = model
        self.detail = detail
        super().__init__(f"the model {model} failed on this input")
