"""Why a measurement cannot be made; the command line prints these without a trace."""


class BenchmarkError(Exception):
    """No figures come of it; the message says why."""


class LoadError(BenchmarkError):
    """The load cannot be made: the server is not there, or refuses the very first call."""


class ServerError(BenchmarkError):
    """A server did not start; the message has the end of what it wrote to stderr."""


class WrongAnswerError(BenchmarkError):
    """A server answered with other scores than onnxruntime; nothing it did may be counted."""


class H2loadError(BenchmarkError):
    """h2load is missing, or its calls were not answered as they should."""
