"""Make conformance vectors that are missing: `python tests/vectors.py`. Streams that are there never change.

A vector is a stream and what it must decode to; CONFORMANCE.md says how to use them. Some streams need `exact.trm`, an
untrained model with exact networks, whose scales and means depend on what was decoded before, or `corrected.trm`, which
is the same with corrected scales.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from conftest import sections_of, textured
from hostile import streams as hostile
from test_hostile_streams import REFUSED
from trellic.codec import Codec, Target
from trellic.codec.blocks import BlockDecoder, Payloads
from trellic.codec.coding import Coding, Pass, empty_variables, run, scalar
from trellic.codec.deployed import DeployedQuantizer
from trellic.codec.ring import Ring, arrays_of, edges_of
from trellic.codec.units import DecodedUnit
from trellic.container import Section, SectionType, Stream, write_stream
from trellic.container.header import HIGHEST_QUALITY
from trellic.container.sections import BY_LATENTS, PACKED
from trellic.entropy.rans import Decoder
from trellic.model import Model
from trellic.model.schedule import Code
from trellic.picture.metadata import ColourSpace, Metadata
from trellic.picture.types import Picture
from trellic.quantize import quantizer_numbered

TESTS = Path(__file__).parent
VECTORS = TESTS / "conformance"
MODELS = {name: TESTS / name for name in ("golden/golden.trm", "conformance/exact.trm", "conformance/corrected.trm")}
GOLDEN, EXACT, CORRECTED = MODELS
QUANTIZERS = ("uniform", "rdoq", "tcq8", "tcq1024", "lattice")
CORRECTED_QUANTIZERS = ("uniform", "tcq8", "lattice")
ELSEWHERE = ("adapter",)
"""What the browser's decoder refuses by its kind: names of streams of it begin so."""
WEIGHTS = (120, 50, 110), (-300, 1024, 90)
"""Of passes of the corrected model, in turn."""
FIRST = 8
"""Indices of a pass that are given one by one."""


def make_model(path: Path) -> None:
    """Write an untrained model with exact networks."""
    import torch

    from trellic.networks.codec import TrainableCodec
    from trellic.networks.design import Design, PriorOptions, TransformOptions
    from trellic.networks.export import export

    torch.manual_seed(1)
    transform = TransformOptions(fine=(0, 0, 8), coarse=(1, 1, 8), gain_knots=3)
    prior = PriorOptions(groups=(4, 8), z=4, features=8)
    model = TrainableCodec(Design(latents=12, exact=True, transform=transform, prior=prior))
    pixels = torch.from_numpy(textured(128, 128)).permute(2, 0, 1)[None] / 255
    model.family.fit_to(pixels, model.analysis, model.synthesis)
    with torch.no_grad():
        for name, parameter in model.prior.named_parameters():
            if parameter.ndim == 4:
                parameter.normal_(0, 0.5 / max(1, parameter[0].numel()) ** 0.5)
            elif name.endswith("bias"):
                parameter.normal_(0, 0.5)
    path.write_bytes(export(model, {"summary": "conformance: untrained, exact networks"}).pack())


def make_corrected_model(path: Path) -> None:
    """Write the model with exact networks, and weights for its deployed passes."""
    model, weights = Model.read(MODELS[EXACT]), cycle(WEIGHTS)
    code = tuple(
        replace(step, correction=next(weights)) if isinstance(step, Code) and not step.is_rounded else step
        for step in model.schedule.code
    )
    path.write_bytes(model.with_card(schedule=replace(model.schedule, code=code).to_json()).pack())


def pictures() -> dict[str, tuple[Picture, Target]]:
    """Return pictures of every kind, and how each is coded: grey, with alpha, drawn in part, with metadata, tiny."""
    drawn, grey = textured(300, 520), np.repeat(textured(40, 60)[:, :, :1], 3, axis=2)
    drawn[:256, :256] = 200
    drawn[100:140, 30:200] = [255, 0, 0]
    alpha = np.full((300, 520), 255, np.uint8)
    alpha[200:, 100:400] = np.arange(300) % 256
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    metadata = Metadata(ColourSpace.DISPLAY_P3, b"", b"Exif\0\0II*\0\x08\0\0\0\0\0", b"<xmp/>", (300.0, 72.5))
    lossy, exact = Target(70), Target(lossless=True)
    return {
        "grey": (Picture(grey, grey=True), lossy),
        "grey_exact": (Picture(grey, grey=True), exact),
        "alpha": (Picture(textured(300, 520), alpha=alpha), lossy),
        "drawn": (Picture(drawn), lossy),
        "drawn_alpha_exact": (Picture(drawn, alpha=alpha), exact),
        "noise": (Picture(noise), Target(100)),
        "metadata": (Picture(textured(20, 30), metadata=metadata), lossy),
        "pixel": (Picture(textured(1, 1)), lossy),
        "colour_exact": (Picture(textured(33, 65)), exact),
    }


def make_streams() -> None:
    """Write streams that are missing, and those that must be refused."""
    golden, exact, corrected = (Codec(str(path), 1, tile=256, restore=False) for path in MODELS.values())
    golden_blocks, exact_blocks, corrected_blocks = (
        Codec(str(path), 1, tile=128, predict=True, restore=False) for path in MODELS.values()
    )
    restoring, restoring_blocks = (Codec(str(MODELS[GOLDEN]), 1, tile=side, predict=side == 128) for side in (256, 128))
    made = {name: golden.encode_picture(*given).data for name, given in pictures().items()}
    header, sections = sections_of(made["grey"])
    made["unknown_section"] = write_stream(header, [Section(200, b"skipped"), *sections])
    made["blocks_alpha"] = golden_blocks.encode_picture(*pictures()["alpha"]).data
    made["exact_networks_blocks"] = exact_blocks.encode(textured(200, 420), 60)
    for quantizer in QUANTIZERS:
        made[f"exact_networks_{quantizer}"] = exact.using(quantizer).encode(textured(150, 420), 60)
    made["exact_networks_layers"] = exact.encode(textured(150, 420), 60, layers=6)
    for quantizer in CORRECTED_QUANTIZERS:
        made[f"corrected_{quantizer}"] = corrected.using(quantizer).encode(textured(150, 420), 60)
    larger_grey = np.repeat(textured(150, 210)[:, :, :1], 3, axis=2)
    made["restored"] = restoring.encode_picture(*pictures()["drawn"]).data
    made["restored_grey"] = restoring.encode_picture(Picture(larger_grey, grey=True), Target(70)).data
    made["restored_blocks"] = restoring_blocks.encode(textured(200, 420), 60)
    made["restored_layers"] = restoring.encode(textured(150, 420), 60, layers=6)
    made["restored_bands"] = restoring.encode(textured(150, 420), 60)
    made["deblocked"] = restoring_blocks.encode(textured(200, 420), 20)
    made["deblocked_grey"] = restoring_blocks.encode_picture(Picture(larger_grey, grey=True), Target(20)).data
    made["corrected_blocks"] = corrected_blocks.encode(textured(200, 420), 60)
    hard = {name: make for name, make in hostile.MAKERS.items() if not name.startswith(ELSEWHERE)}
    refused = {f"refused/{name}": make() for name, make in hard.items()}
    (VECTORS / "refused").mkdir(exist_ok=True)
    for name, data in {**made, **refused}.items():
        path = VECTORS / f"{name}.tlic"
        if not path.exists():
            path.write_bytes(data)


def all_passes(codec: Codec, stream: Stream) -> list[list[dict[str, Any]]]:
    """Return what each pass of each tile decodes to."""
    grid = stream.header.grid
    found: dict[int, list[dict[str, Any]]] = {number: [] for number in range(grid.tiles)}

    def decode(rings: Mapping[int, Ring | None], payloads: Payloads) -> Iterator[DecodedUnit]:
        for number, ring in rings.items():
            found[number], decoded = passes_of(codec, stream, number, payloads[number][-1], ring)
            yield DecodedUnit(None, edges=edges_of(decoded) if decoded else None)

    if grid.predicted:
        list(BlockDecoder(grid, stream.read_units, decode)(list(found)))
    else:
        list(decode(dict.fromkeys(found), dict(enumerate(stream.read_units(list(found))))))
    return list(found.values())


def passes_of(
    codec: Codec, stream: Stream, number: int, payload: bytes, ring: Ring | None
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return what each pass of a tile decodes to, and its variables; nothing where it is exact or in layers."""
    unit, header, model = stream.units[number], stream.header, codec.model
    if unit.coded.type not in {SectionType.LATENTS, *PACKED}:
        return [], {}
    deployed = DeployedQuantizer.of(model, quantizer_numbered(header.quantizer))
    fraction, tile = header.quality / HIGHEST_QUALITY, header.grid.tile(number)
    coder, found = Decoder(payload, ring is not None), []

    def code(at: Pass, states: Any, parameters: Any) -> Any:
        decoded = coder.pull_by(states, at.parameters.scale_indices, parameters.tables, at.state, at.correction)
        indices, cdf_indices, _ = decoded
        found.append({
            "variable": at.step.variable, "start": at.step.start, "stop": at.step.stop, "coded": len(indices),
            "first_indices": indices[:FIRST].tolist(), "first_tables": cdf_indices[:FIRST].tolist(),
            "first_means": at.parameters.means[:FIRST].tolist(), "indices": hash_of(indices.astype("<i4")),
            "tables": hash_of(cdf_indices), "means": hash_of(at.parameters.means.astype("<i4")),
        })  # fmt: skip
        return decoded

    empty = empty_variables(model, tile.height, tile.width)
    values = arrays_of(model, ring, quality=scalar(fraction), **empty)
    parameters = deployed.for_step(deployed.step_at(header.quality))
    run(model.schedule.code, codec.sessions.run, values, Coding(model, deployed, parameters, fraction, values, code))
    return found, {name: values.by_name[name] for name in empty}


def hash_of(values: Any) -> str:
    return hashlib.sha256(values.tobytes()).hexdigest()


def vector_of(path: Path, codecs: dict[bytes, tuple[str, Codec]]) -> dict[str, Any]:
    """Return what a stream decodes to, and write its picture where that is missing."""
    stream = Stream.parse(path.read_bytes())
    model, codec = codecs[stream.header.model]
    picture = path.with_suffix(".png")
    if not picture.exists():
        codec.decode(stream).convert("RGBA").save(picture)
    lossy = any(unit.coded.type in BY_LATENTS for unit in stream.units)
    return {
        "stream": str(path.relative_to(TESTS)), "model": model, "width": stream.header.width,
        "height": stream.header.height, "grey": stream.header.grey, "alpha": stream.has_alpha,
        "indices": codec.verify(stream), "picture": str(picture.relative_to(TESTS)), "tolerance": int(lossy),
        "tiles": all_passes(codec, stream),
    }  # fmt: skip


def main() -> None:
    VECTORS.mkdir(exist_ok=True)
    if not MODELS[EXACT].exists():
        make_model(MODELS[EXACT])
    if not MODELS[CORRECTED].exists():
        make_corrected_model(MODELS[CORRECTED])
    make_streams()
    codecs = {}
    for name, path in MODELS.items():
        codec = Codec(str(path), 1)
        codecs[codec.model.sha256[:4]] = name, codec
    golden = [path for path in sorted((TESTS / "golden").glob("*.tlic")) if not path.stem.startswith(ELSEWHERE)]
    streams = [*golden, *sorted(VECTORS.glob("*.tlic"))]
    vectors = {
        "models": {name: codec.model.sha256.hex() for name, codec in codecs.values()},
        "decoded": [vector_of(path, codecs) for path in streams],
        "refused": [
            {"stream": f"conformance/refused/{name}.tlic", "error": error.__name__}
            for name, (error, _) in sorted(REFUSED.items())
            if not name.startswith(ELSEWHERE)
        ],
    }
    (VECTORS / "vectors.json").write_text(json.dumps(vectors, indent=1) + "\n")


if __name__ == "__main__":
    main()
