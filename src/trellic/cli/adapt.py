"""trellic adapt: an adapter for pictures of one kind."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from trellic.cli.options import DEFAULT, Force, Json, Model, PictureFiles
from trellic.cli.train import need_torch
from trellic.errors import BadRequest


def adapt(
    inputs: PictureFiles,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="ADAPTER.tra")],
    model: Model = DEFAULT,
    minutes: Annotated[float, typer.Option(min=0.1, help="Minutes to train.")] = 4.0,
    rank: Annotated[int, typer.Option(min=1, max=16, help="Rank of the changes: more learns more, in more bytes.")] = 2,
    parts: Annotated[
        str,
        typer.Option(metavar="NAMES", help="What is adapted: all of analysis,entropy,synthesis,kernels unless given."),
    ] = "",
    quantizer: Annotated[str, typer.Option(help="The quantizer to train with: tcq8 unless given.")] = "",
    layers: Annotated[
        bool, typer.Option("--layers", help="Of coarse planes of layers, not of one kind of pictures.")
    ] = False,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Adapt a model to a folder of similar pictures, in minutes. Needs trellic[train]."""
    if layers and (parts or quantizer):
        raise BadRequest(
            "--layers says what is adapted for which quantizer: neither --parts nor --quantizer goes with it"
        )
    need_torch()
    from trellic.files import check_free, write_bytes
    from trellic.jobs.local import complain
    from trellic.jobs.plan import find_pictures
    from trellic.model import Model as BaseModel
    from trellic.model import find_model
    from trellic.model.adapter_store import SUFFIX
    from trellic.picture.kinds import readable_suffixes
    from trellic.train.adapt import Adaptation
    from trellic.train.adapt import adapt as run

    if out.suffix != SUFFIX:
        raise BadRequest(f"{out}: an adapter is a {SUFFIX} file")
    check_free(out, force)
    paths = [path for path, _ in find_pictures(inputs, readable_suffixes(), complain)]
    given: dict[str, Any] = {"rank": rank, "minutes": minutes}
    if parts:
        given["parts"] = tuple(parts.split(","))
    if quantizer:
        given["quantizer"] = quantizer
    how = Adaptation.of_layers(**given) if layers else Adaptation(**given)
    made = run(BaseModel.read(find_model(model)), paths, how, complain)
    data = made.adapter.pack()
    write_bytes(out, data, replace=force)
    facts = {
        "adapter": made.adapter.name,
        "bytes": len(data),
        "decoder_bytes": len(made.adapter.decoder),
        "saved_percent": made.saved_percent,
        "pays_after": made.pays_after,
        "picture_bytes": made.picture_bytes,
    }
    line = (
        f"{out}: adapter {made.adapter.name}, {len(data)} bytes, {len(made.adapter.decoder)} of them for decoders; "
        f"{made.saved_percent:.1f} % fewer bits on validation pictures, "
        f"pays after {made.pays_after} pictures of {made.picture_bytes:.0f} bytes"
    )
    print(json.dumps(facts, indent=1) if as_json else line)
