"""What every script here needs."""

import importlib.metadata
from contextlib import contextmanager


def version_of(package):
    """Prints what is tested."""
    print(f"{package} {importlib.metadata.version(package)}")


@contextmanager
def raises(kind, *words):
    """Fails unless the block raises exactly this kind of exception, with the words in its text."""
    try:
        yield
    except kind as error:
        missing = [word for word in words if word not in str(error)]
        assert not missing, f"{missing} not in {error!r}"
    else:
        raise AssertionError(f"nothing raised, {kind.__name__} expected")
