"""The errors a user can cause or must hear of, each with the exit code it ends the program with.

Everything raised on purpose anywhere in the package derives from :class:`IsoletNNError`; the
command line prints its message without a traceback.
"""


class IsoletNNError(Exception):
    """The work failed for a reason the message explains (exit code 1)."""

    exit_code = 1


class ConfigError(IsoletNNError):
    """The command line or a config file is wrong (exit code 2)."""

    exit_code = 2


class DataError(IsoletNNError):
    """Data given by the user is missing, malformed or not what it claims to be (exit code 2)."""

    exit_code = 2


class DownloadError(IsoletNNError):
    """A data set could not be fetched (exit code 1)."""


class RunError(IsoletNNError):
    """A run folder is missing, incomplete or does not fit what is asked of it (exit code 2)."""

    exit_code = 2


class BackendUnavailableError(IsoletNNError):
    """The chosen backend, device or cluster is not installed on this machine (exit code 2)."""

    exit_code = 2


class ClusterError(IsoletNNError):
    """A cluster does not answer, or runs another version of this package (exit code 1)."""
