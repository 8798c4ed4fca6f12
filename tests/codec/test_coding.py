"""The loop that follows a schedule holds nothing longer than it is needed: large tiles would take the memory twice."""

from weakref import ReferenceType, ref

import numpy as np

from trellic.codec.coding import Arrays, no_passes, run
from trellic.model.schedule import Run


def test_what_a_graph_wrote_can_be_forgotten_before_the_next_one_runs():
    values, written = Arrays(), list[ReferenceType[np.ndarray]]()

    def graph(name, arrays):
        assert all(earlier() is None for earlier in written)
        outputs = [np.zeros((1, 2, 2), np.float32), np.ones((1, 2, 2), np.float32)]
        written.extend(map(ref, outputs))
        return outputs

    steps = [Run(name, (), ("mean", "log_scale")) for name in ("first", "second", "third")]
    run(steps, graph, values, no_passes, done=lambda step: values.keep(set()))
    assert len(written) == 6
