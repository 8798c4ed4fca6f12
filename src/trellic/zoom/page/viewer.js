// A viewer of tiles at z/x/y: drag, pinch, wheel or keys move and zoom. Coarser tiles stay below until finer ones are there.

const { width, height, tile, levels, suffix } = JSON.parse(document.getElementById("facts").textContent);
const view = document.getElementById("view"), status = document.getElementById("scale");
const shown = new Map(); // images by "z/x/y"
const pointers = new Map();
let left = 0, top = 0, scale = 1; // what is at the view's corner, in pixels of the picture; screen pixels for each of these

function fit() {
  scale = Math.min(view.clientWidth / width, view.clientHeight / height);
  left = (width - view.clientWidth / scale) / 2;
  top = (height - view.clientHeight / scale) / 2;
  draw();
}

/** The coarsest level that has a pixel for each of the screen's. */
function level() {
  const wanted = levels - 1 + Math.ceil(Math.log2(scale * devicePixelRatio) - 0.01);
  return Math.min(levels - 1, Math.max(0, wanted));
}

function draw() {
  const finest = level(), needed = new Set();
  for (let z = 0; z <= finest; z++) {
    if (z < finest - 2 && z > 0) continue; // two coarser ones and the coarsest are enough to stand in
    const side = tile * 2 ** (levels - 1 - z);
    const right = Math.min(width, left + view.clientWidth / scale), bottom = Math.min(height, top + view.clientHeight / scale);
    for (let x = Math.max(0, Math.floor(left / side)); x * side < right; x++)
      for (let y = Math.max(0, Math.floor(top / side)); y * side < bottom; y++) needed.add(`${z}/${x}/${y}`);
  }
  for (const [name, image] of shown) if (!needed.has(name)) { image.remove(); shown.delete(name); }
  for (const name of needed) place(name);
  status.textContent = `${Math.round(100 * scale)} %`;
}

function place(name) {
  const [z, x, y] = name.split("/").map(Number), times = 2 ** (levels - 1 - z);
  if (!shown.has(name)) {
    const image = new Image();
    image.alt = "";
    image.style.zIndex = z;
    image.src = `${name}.${suffix}`;
    shown.set(name, image);
    view.append(image);
  }
  const at = (x * tile * times - left) * scale, down = (y * tile * times - top) * scale;
  shown.get(name).style.transform = `translate(${at}px, ${down}px) scale(${times * scale})`;
}

function zoom(factor, x, y) {
  const before = scale, least = Math.min(view.clientWidth / width, view.clientHeight / height) / 2;
  scale = Math.min(16, Math.max(least, scale * factor));
  left += x / before - x / scale;
  top += y / before - y / scale;
  draw();
}

function move(x, y) {
  left -= x / scale;
  top -= y / scale;
  draw();
}

view.addEventListener("pointerdown", (event) => {
  view.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, event);
});
for (const end of ["pointerup", "pointercancel"]) view.addEventListener(end, (event) => pointers.delete(event.pointerId));
view.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const other = [...pointers.values()].find((one) => one.pointerId !== event.pointerId);
  if (other) {
    const far = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    zoom(far(event) / Math.max(1, far(before)), other.clientX, other.clientY);
  } else move(event.clientX - before.clientX, event.clientY - before.clientY);
  pointers.set(event.pointerId, event);
});
view.addEventListener("wheel", (event) => {
  event.preventDefault();
  zoom(2 ** (-event.deltaY / 300), event.clientX, event.clientY);
}, { passive: false });
view.addEventListener("keydown", (event) => {
  const step = 100, steps = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
  const middle = [view.clientWidth / 2, view.clientHeight / 2];
  if (steps[event.key]) move(...steps[event.key]);
  else if (event.key === "+" || event.key === "=") zoom(2, ...middle);
  else if (event.key === "-") zoom(0.5, ...middle);
  else if (event.key === "0") fit();
});
addEventListener("resize", draw);
fit();
