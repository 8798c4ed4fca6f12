"""Decoder halves of the installed models, as browsers fetch them: packed once, then kept by name."""

import re
import threading
from http import HTTPStatus

from trellic.model import Model, find_model_by_hash
from trellic.model.adapter_store import find_adapter_by_hash
from trellic.serve.answers import FOREVER, Answer, Refused
from trellic.web.pack import pack_decoder

_NAME = re.compile(r"([0-9a-f]{8})(?:\+([0-9a-f]{8}))?")


class PackedModels:
    """Models by the eight digits that streams name them by; with "+" and an adapter's digits, that is merged."""

    def __init__(self) -> None:
        self._packed: dict[str, Answer] = {}
        self._lock = threading.Lock()

    def find(self, name: str) -> Answer:
        """Return a model's decoder half, never to be asked for again.

        Raises Refused, MissingModel, MissingAdapter or DamagedModel.
        """
        match = _NAME.fullmatch(name)
        if not match:
            raise Refused(HTTPStatus.NOT_FOUND, "a model is named by eight hexadecimal digits, in small letters")
        with self._lock:
            if name not in self._packed:
                base = Model.read(find_model_by_hash(bytes.fromhex(match[1])))
                adapter = find_adapter_by_hash(bytes.fromhex(match[2]), base.sha256) if match[2] else None
                packed = pack_decoder(base, adapter)
                self._packed[name] = Answer("application/octet-stream", packed, name, FOREVER)
            return self._packed[name]
