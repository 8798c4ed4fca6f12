"""A page with a .tlic picture for any web server: decoded in the browser, by <tlic-img>. Nothing runs on the server."""

import shutil
import sys
from pathlib import Path

import trellic
from trellic.cli.demo import BUNDLED
from trellic.model import Model, find_model_by_hash
from trellic.web import STATIC
from trellic.web.pack import pack_decoder

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>A .tlic picture</title>
<script type="module" src="tlic-img.js"></script>
<tlic-img src="photograph.tlic" alt="Two parrots"></tlic-img>
</html>
"""

picture = Path(sys.argv[1]) if len(sys.argv) > 1 else BUNDLED
folder = Path("static-page")
(folder / "models").mkdir(parents=True, exist_ok=True)
shutil.copytree(STATIC, folder, dirs_exist_ok=True)  # tlic.js, tlic.wasm, tlic-img.js and what they import
(folder / "index.html").write_text(PAGE)

data = trellic.encode(picture)
(folder / "photograph.tlic").write_bytes(data)
name = trellic.info(data)["model"]
model = Model.read(find_model_by_hash(bytes.fromhex(name)))
(folder / "models" / name).write_bytes(pack_decoder(model))  # the decoder half, under the name that the stream says
print(f"python -m http.server --directory {folder}")
