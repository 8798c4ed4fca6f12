// Two pictures of one size, one over the other, divided by a slider; both are zoomed and moved together.

import { draw } from "./pictures.js";

const STEP = Math.SQRT2;
const LARGEST = 16, LARGEST_FIT = 8;
const MOVE = 40; // CSS pixels of an arrow key

export class Viewer {
  #canvases;
  #size = { width: 1, height: 1 };
  #scale = 0; // CSS pixels of a pixel; 0 fits
  #middle = [0.5, 0.5]; // what of the picture is in the middle of the stage
  #pointers = new Map();

  /** stage holds two canvases and the slider; `report` is called with the scale whenever it changes. */
  constructor(stage, slider, report) {
    this.stage = stage;
    this.report = report;
    this.#canvases = [...stage.querySelectorAll("canvas")];
    slider.addEventListener("input", () => stage.style.setProperty("--split", `${slider.value}%`));
    stage.addEventListener("pointerdown", (event) => this.#press(event));
    stage.addEventListener("pointermove", (event) => this.#drag(event));
    for (const type of ["pointerup", "pointercancel"]) {
      stage.addEventListener(type, (event) => this.#pointers.delete(event.pointerId));
    }
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#place()).observe(stage);
  }

  /** Show a picture on the left (0) or right (1); one of another size than before is fitted. */
  show(side, picture) {
    if (picture.width !== this.#size.width || picture.height !== this.#size.height) {
      this.#size = { width: picture.width, height: picture.height };
      this.stage.style.setProperty("--aspect", picture.width / picture.height);
      this.zoomTo(0);
    }
    draw(picture, this.#canvases[side]);
    this.#place();
  }

  /** Zoom to a scale, 0 for what fits; the middle stays where it is. */
  zoomTo(scale) {
    this.#scale = scale && Math.min(LARGEST, Math.max(Math.min(1, this.#fit()) / 2, scale));
    if (!scale) this.#middle = [0.5, 0.5];
    this.#place();
  }

  /** Zoom in or out by steps. */
  zoomBy(steps) {
    this.zoomTo(this.scale * STEP ** steps);
  }

  get scale() {
    return this.#scale || this.#fit();
  }

  #fit() {
    const { clientWidth, clientHeight } = this.stage;
    return Math.min(clientWidth / this.#size.width, clientHeight / this.#size.height, LARGEST_FIT) || 1;
  }

  #place() {
    const scale = this.scale, extent = [this.#size.width * scale, this.#size.height * scale];
    const room = [this.stage.clientWidth, this.stage.clientHeight];
    const at = room.map((length, axis) => {
      const half = Math.min(0.5, length / extent[axis] / 2); // the stage stays full where it can
      this.#middle[axis] = Math.min(1 - half, Math.max(half, this.#middle[axis]));
      return Math.round(length / 2 - this.#middle[axis] * extent[axis]);
    });
    for (const canvas of this.#canvases) {
      canvas.style.transform = `translate(${at[0]}px, ${at[1]}px) scale(${scale})`;
      canvas.style.imageRendering = scale * devicePixelRatio >= 1.9 ? "pixelated" : "auto";
    }
    this.stage.classList.toggle("movable", extent.some((length, axis) => length > room[axis] + 1));
    this.report(scale);
  }

  #move(across, down) {
    this.#middle[0] -= across / (this.#size.width * this.scale);
    this.#middle[1] -= down / (this.#size.height * this.scale);
    this.#place();
  }

  #press(event) {
    if (event.target.closest("select, input") || event.button) return;
    this.#pointers.set(event.pointerId, [event.clientX, event.clientY]);
    this.stage.setPointerCapture(event.pointerId);
  }

  /** Move with one pointer, zoom with two. */
  #drag(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    const now = [event.clientX, event.clientY];
    const [other] = [...this.#pointers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
    this.#pointers.set(event.pointerId, now);
    if (!other) return this.#move(now[0] - before[0], now[1] - before[1]);
    const distance = (place) => Math.hypot(place[0] - other[0], place[1] - other[1]);
    this.zoomTo((this.scale * distance(now)) / Math.max(1, distance(before)));
  }

  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
    event.preventDefault();
    this.zoomBy(-Math.sign(event.deltaY) / 2);
  }

  #key(event) {
    if (event.target !== this.stage || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      "+": () => this.zoomBy(1), "=": () => this.zoomBy(1), "-": () => this.zoomBy(-1), 0: () => this.zoomTo(0),
      1: () => this.zoomTo(1), ArrowLeft: () => this.#move(MOVE, 0), ArrowRight: () => this.#move(-MOVE, 0),
      ArrowUp: () => this.#move(0, MOVE), ArrowDown: () => this.#move(0, -MOVE),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}
