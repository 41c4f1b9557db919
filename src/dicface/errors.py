"""Everything that dicface raises on purpose.

    DicfaceError
    +-- UsageError            the call itself is wrong (exit code 2); a ValueError, too
    |   +-- ConfigError       a training or network setting
    |   +-- UnknownModelError no embedded model and no file of that name
    +-- InputError            one input cannot be used; the rest of a batch goes on (exit code 1)
    |   +-- ImageError        not an image, damaged, too large
    |   |   +-- TooLargeError more pixels than are allowed
    |   +-- ClipError         not a clip, damaged, HDR
    |   +-- PackError         a face pack that is not one
    |   +-- CheckpointError   weights that do not fit or cannot be trusted
    +-- OutputError           a result cannot be written
    +-- TrainingError         a run that cannot go on
    +-- BenchmarkError        a measurement that did not finish
    +-- TooLongError          a visitor's photo needed too much time or memory

"No face found" is a result, not an error.
"""


class DicfaceError(Exception):
    """Base of all errors here; its text says what was expected, what came and what to do."""


class UsageError(DicfaceError, ValueError):
    """The call itself is wrong."""


class ConfigError(UsageError):
    """A setting is unknown or out of range."""


class UnknownModelError(UsageError):
    """Neither an embedded model nor a file."""


class InputError(DicfaceError):
    """One input cannot be used."""


class ImageError(InputError):
    """Not an image, or one that cannot be read."""


class TooLargeError(ImageError):
    """An image of more pixels than are allowed."""


class ClipError(InputError):
    """Not a clip, or one that cannot be read."""


class PackError(InputError):
    """Not a face pack, or a damaged one."""


class CheckpointError(InputError):
    """Weights that do not fit the network, or a file that cannot be trusted."""


class OutputError(DicfaceError):
    """A result cannot be written where it should go."""


class TrainingError(DicfaceError):
    """A training run that cannot go on, or was told to stop."""


class BenchmarkError(DicfaceError):
    """A measurement did not finish."""


class TooLongError(DicfaceError):
    """A photo needed more time or memory than the server of the web page allows."""


def is_our_fault(error: Exception) -> bool:
    """Whether an exception is a mistake in this package, and says nothing about the file that was being read."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    ours = trace is not None and trace.tb_frame.f_globals.get("__name__", "").startswith("dicface.")
    return ours and isinstance(error, TypeError | AttributeError | NameError | AssertionError)
