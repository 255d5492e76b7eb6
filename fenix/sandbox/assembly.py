# SPDX-License-Identifier: Apache-2.0
"""What is made of parts that start one after another."""

import contextlib
import logging
import pathlib
import tempfile


class Assembly:
    """A context manager; the parts that have started are stopped at its end.

    In the opposite order, and also if a later one does not start.
    """

    def __init__(self):
        self._stack = contextlib.ExitStack()

    def _start(self):
        """Start the parts, and leave to ``self._stack`` how each is stopped.

        :raises Exception: something does not start
        """
        raise NotImplementedError

    def _make_directory(self, wanted: str | None, prefix: str) -> pathlib.Path:
        """Make the directory that is wanted, or one that is not kept.

        :param prefix: of the name of one that is not kept
        """
        if wanted is None:
            return pathlib.Path(self._stack.enter_context(
                tempfile.TemporaryDirectory(prefix=prefix)))
        path = pathlib.Path(wanted).absolute()
        path.mkdir(parents=True, exist_ok=True)
        return path

    def _start_log(self, path: pathlib.Path):
        """Keep what this process logs in a file, off the screen."""
        handler = logging.FileHandler(path)
        handler.setFormatter(logging.Formatter(
            '%(asctime)s %(levelname)s %(name)s %(message)s'))
        root = logging.getLogger()
        root.addHandler(handler)
        root.setLevel(logging.INFO)
        self._stack.callback(handler.close)
        self._stack.callback(root.removeHandler, handler)

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *error):
        self._stack.close()
