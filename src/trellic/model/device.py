"""Where networks run: on a device by name, but for networks before table indices that its arithmetic changes.

Those must compute the same on every machine. The probe in the model's card says whether they do on a device; one that
does not runs on the processor. All others, such as the synthesis, may differ in a last bit and run on the device.
"""

from trellic.errors import BadRequest
from trellic.model.model import Model
from trellic.model.probe import failures
from trellic.model.session import CPU, Provider, Sessions

DEVICES: dict[str, Provider] = {
    "cpu": CPU,
    "cuda": ("CUDAExecutionProvider", {"use_tf32": "0"}),
    "coreml": ("CoreMLExecutionProvider", {}),
    "directml": ("DmlExecutionProvider", {}),
    "openvino": ("OpenVINOExecutionProvider", {"precision": "FP32"}),
    "rocm": ("MIGraphXExecutionProvider", {}),
}
"""onnxruntime's names and options by ours: all in single precision, which several do not compute in by themselves."""


def sessions_on(model: Model, threads: int, device: str) -> Sessions:
    """Return a model's networks on a device. Raises BadRequest where there is none of that name here."""
    provider = provider_of(device)
    if provider == CPU:
        return Sessions(model, threads)
    tried = Sessions(model, threads, dict.fromkeys(names_of(model), provider))
    changed = failures(tried)
    return Sessions(model, threads, {name: provider for name in names_of(model) if name not in changed})


def provider_of(device: str) -> Provider:
    """Return what runs networks on a device. Raises BadRequest where there is none of that name here."""
    if device not in DEVICES:
        raise BadRequest(f"device {device!r} is unknown (known: {', '.join(DEVICES)})")
    if device != "cpu":
        import onnxruntime

        if DEVICES[device][0] not in onnxruntime.get_available_providers():
            raise BadRequest(f"the installed onnxruntime knows no device {device!r}")
    return DEVICES[device]


def names_of(model: Model) -> list[str]:
    """Return the names of a model's networks."""
    return [name for graphs in model.file.graphs.values() for name in graphs]
