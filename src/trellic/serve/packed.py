"""Decoder halves of the installed models, as browsers fetch them: packed once, then kept by name."""

import threading
from http import HTTPStatus

from trellic.container.header import HASH_BYTES
from trellic.model import Model, find_model_by_hash
from trellic.serve.answers import FOREVER, Answer, Refused
from trellic.web.pack import pack_decoder


class PackedModels:
    """Models by the eight digits that streams name them by."""

    def __init__(self) -> None:
        self._packed: dict[str, Answer] = {}
        self._lock = threading.Lock()

    def find(self, name: str) -> Answer:
        """Return a model's decoder half, never to be asked for again. Raises Refused, MissingModel or DamagedModel."""
        try:
            prefix = bytes.fromhex(name)
        except ValueError:
            prefix = b""
        if len(prefix) != HASH_BYTES or prefix.hex() != name:
            raise Refused(HTTPStatus.NOT_FOUND, f"a model is named by {2 * HASH_BYTES} hexadecimal digits")
        with self._lock:
            if name not in self._packed:
                packed = pack_decoder(Model.read(find_model_by_hash(prefix)))
                self._packed[name] = Answer("application/octet-stream", packed, name, FOREVER)
            return self._packed[name]
