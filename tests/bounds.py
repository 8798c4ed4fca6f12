"""What hostile input may take: time and memory."""

import resource
import time
from contextlib import contextmanager

SECONDS, KILOBYTES = 5, 500_000


@contextmanager
def bounded():
    """Fail where the body takes more than SECONDS of a processor, or KILOBYTES beyond what was ever in use before."""
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    yield
    assert time.process_time() - start < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < KILOBYTES
