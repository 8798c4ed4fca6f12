// The page: files come in, pictures are compared, and are saved.

import { compare, isStream } from "./comparison.js";
import { cells, grouped } from "./figures.js";
import { png } from "./png.js";
import { fetchFile, findServer } from "./server.js";
import { Viewer } from "./viewer.js";

const NAMES = { original: "Original", trellic: "trellic", jpeg: "JPEG", webp: "WebP", avif: "AVIF" };
const at = (id) => document.getElementById(id);
const sides = [at("left"), at("right")];
const wanted = ["original", "trellic"]; // on each side
const viewer = new Viewer(at("stage"), at("split"), (scale) => (at("scale").textContent = `${Math.round(scale * 100)} %`));
const asked = findServer().then(greet);
let server;
let opened = {}; // picture and stream, as they came
let pictures = new Map(); // those of the comparison, by name
let running = new AbortController();

/** Open what was dropped or chosen: a picture, a stream, or both of one picture. */
async function open(files) {
  opened = {};
  for (const file of files) opened[(await isStream(file)) ? "stream" : "picture"] ??= file;
  await asked;
  const { picture, stream } = opened;
  if (!picture && !stream) return;
  if (!stream && !server) return fail("Pictures are coded by trellic serve, which is not behind this page.");
  at("coding").hidden = !(picture && server) || Boolean(stream);
  at("name").textContent = (stream ?? picture).name;
  pictures = new Map();
  at("figures").replaceChildren();
  await run();
}

/** Make the comparison anew, in place of one that is still being made. */
async function run() {
  running.abort();
  const { signal } = (running = new AbortController());
  const options = { ...opened, quality: at("quality").value, codecs: server?.codecs ?? [], signal };
  for (const line of at("figures").rows) line.classList.add("old");
  fail("");
  at("work").hidden = false;
  at("work").setAttribute("aria-busy", "true");
  try {
    for await (const made of compare({ ...options, say: (what) => signal.aborted || say(`${what} …`) })) {
      if (signal.aborted) return;
      pictures.set(made.name, { ...made, signal });
      list();
    }
    say("");
  } catch (error) {
    if (signal.aborted) return;
    say("");
    fail(`${at("name").textContent}: ${error.message}`);
    if (!pictures.size) at("work").hidden = true;
  }
  at("work").removeAttribute("aria-busy");
}

/** Show what there is so far: figures, what can be chosen, and the pictures. */
function list() {
  const there = [...pictures.values()].filter((made) => made.data);
  at("figures").replaceChildren(...[...pictures.values()].map(row));
  at("stage").classList.toggle("single", there.length < 2);
  sides.forEach((select, side) => {
    select.replaceChildren(...there.map(({ name }) => new Option(NAMES[name], name)));
    select.value = there.some(({ name }) => name === wanted[side]) ? wanted[side] : there[0].name;
    look(side);
  });
  const trellic = pictures.get("trellic");
  at("save-png").disabled = at("save-tlic").disabled = !trellic;
  at("about").textContent = trellic ? about(trellic) : "";
}

function row(made) {
  const line = document.createElement("tr");
  line.dataset.name = made.name;
  line.classList.toggle("old", made.signal.aborted);
  const heading = document.createElement("th");
  heading.scope = "row";
  heading.textContent = NAMES[made.name];
  line.append(heading);
  for (const text of made.error ? [made.error] : cells(made)) line.insertCell().textContent = text;
  if (made.error) line.cells[1].colSpan = 4;
  return line;
}

/** Put the chosen picture on a side; all are taken to be of the stream's colour space. */
function look(side) {
  const metadata = pictures.get("trellic")?.metadata;
  viewer.show(side, { ...pictures.get(sides[side].value), metadata });
}

function about({ width, height, quality, quantizer, tiles, model }) {
  const parts = [`${width} × ${height}`, `quality ${+quality.toFixed(1)}`, quantizer, `model ${model}`];
  return (tiles > 1 ? [...parts, `${tiles} tiles`] : parts).join(" · ");
}

function say(text) {
  at("status").textContent = text;
}

function fail(text) {
  at("failure").textContent = text;
  at("failure").hidden = !text;
  if (text) at("failure").scrollIntoView({ block: "nearest" });
}

function save(blob, suffix) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = at("name").textContent.replace(/(\.[a-z0-9]{2,5})?$/i, suffix);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** List the folder: a stream is opened together with the picture that it was made of, where that lies beside it. */
function listFolder(files) {
  const bare = (name) => name.replace(/\.[^./]*$/, "");
  for (const { name, bytes, type } of files) {
    const others = type === "image/x-tlic" ? files.filter((each) => each.type !== type && bare(each.name) === bare(name)) : [];
    const item = document.createElement("li"), button = document.createElement("button");
    const image = new Image(), label = document.createElement("span"), size = document.createElement("small");
    image.loading = "lazy";
    image.alt = "";
    image.src = `files/${name.split("/").map(encodeURIComponent).join("/")}`;
    label.textContent = name;
    size.textContent = `${grouped.format(bytes)} bytes`;
    button.type = "button";
    button.append(image, label, size);
    button.addEventListener("click", async () => {
      try {
        await open(await Promise.all([name, ...others.slice(0, 1).map((other) => other.name)].map(fetchFile)));
        at("work").scrollIntoView({ behavior: "smooth" });
      } catch (error) {
        fail(error.message);
      }
    });
    item.append(button);
    at("files").append(item);
  }
  at("folder").hidden = !files.length;
}

/** Show what the server behind the page does, if it is ours. */
function greet(found) {
  server = found;
  at("example").hidden = !server;
  at("privacy").textContent = server
    ? `.tlic files are decoded in this page and sent nowhere. Pictures to be coded go to trellic serve at ${location.host}, which keeps none.`
    : "Files are decoded in this page and sent nowhere. To code pictures as well, run trellic serve.";
  listFolder(server?.files ?? []);
}

sides.forEach((select, side) => select.addEventListener("change", () => {
  wanted[side] = select.value;
  look(side);
}));
at("file").addEventListener("change", ({ target }) => open([...target.files]).then(() => (target.value = "")));
at("quality").addEventListener("input", ({ target }) => (at("chosen").value = target.value));
at("quality").addEventListener("change", run);
at("smaller").addEventListener("click", () => viewer.zoomBy(-1));
at("larger").addEventListener("click", () => viewer.zoomBy(1));
at("fit").addEventListener("click", () => viewer.zoomTo(0));
at("real").addEventListener("click", () => viewer.zoomTo(1));
at("save-png").addEventListener("click", async () => save(await png(pictures.get("trellic")), ".png"));
at("save-tlic").addEventListener("click", () => save(pictures.get("trellic").file, ".tlic"));
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
addEventListener("dragleave", (event) => event.relatedTarget ?? document.body.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  open([...event.dataTransfer.files]);
});
addEventListener("paste", (event) => open([...event.clipboardData.files]));

at("example").addEventListener("click", async () => {
  const response = await fetch("demo.webp");
  open([new File([await response.blob()], "photograph.webp")]);
});
navigator.serviceWorker?.register("service-worker.js", { type: "module" }).catch(() => {}); // older browsers do without
