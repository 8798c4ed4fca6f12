// <tlic-img src="x.tlic" alt="…">: like <img>, for .tlic files. loading="lazy" waits until it comes near.
// Fires "load" and "error". Without the decoder, or for a file that is refused, its content is shown, if any, or alt.

import { decode, draw } from "./pictures.js";

const near = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) target.load();
}, { rootMargin: "50%" });

const style = new CSSStyleSheet();
style.replaceSync(`
:host { display: inline-block; max-width: 100%; vertical-align: bottom; }
:host([hidden]) { display: none; }
canvas { display: block; width: 100%; height: auto; }
[hidden] { display: none; }
`);

export class TlicImg extends HTMLElement {
  static observedAttributes = ["src", "alt"];
  #canvas = document.createElement("canvas");
  #instead = document.createElement("slot");
  #internals = this.attachInternals();
  #wanted = "";

  constructor() {
    super();
    this.#canvas.part = "picture";
    this.#instead.hidden = this.#canvas.hidden = true;
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style];
    root.append(this.#canvas, this.#instead);
  }

  get src() {
    return this.getAttribute("src") ?? "";
  }

  set src(value) {
    this.setAttribute("src", value);
  }

  get naturalWidth() {
    return this.#canvas.hidden ? 0 : this.#canvas.width;
  }

  get naturalHeight() {
    return this.#canvas.hidden ? 0 : this.#canvas.height;
  }

  connectedCallback() {
    this.#describe();
    this.#begin();
  }

  disconnectedCallback() {
    near.unobserve(this);
  }

  attributeChangedCallback(name) {
    if (name === "alt") this.#describe();
    else if (this.isConnected) this.#begin();
  }

  /** Fetch and show the picture now. */
  async load() {
    near.unobserve(this);
    const wanted = (this.#wanted = new URL(this.src, document.baseURI).href);
    try {
      const response = await fetch(wanted, { headers: { Accept: "image/x-tlic" } });
      if (!response.ok) throw new Error(`${wanted}: status ${response.status}`);
      const picture = await decode(new Uint8Array(await response.arrayBuffer()));
      if (wanted !== this.#wanted) return; // another picture is wanted by now
      draw(picture, this.#canvas);
      this.#show(true);
    } catch (error) {
      if (wanted !== this.#wanted) return;
      this.#show(false);
      this.dispatchEvent(new ErrorEvent("error", { error, message: error.message }));
    }
  }

  #begin() {
    if (!this.src) return;
    if (this.getAttribute("loading") === "lazy") near.observe(this);
    else this.load();
  }

  #show(decoded) {
    this.#canvas.hidden = !decoded;
    this.#instead.hidden = decoded;
    if (decoded) this.dispatchEvent(new Event("load"));
  }

  /** Say what is seen to those who do not see it. */
  #describe() {
    const alt = this.getAttribute("alt");
    this.#internals.role = alt === "" ? "presentation" : "img";
    this.#internals.ariaLabel = alt;
    this.#instead.textContent = alt;
  }
}

customElements.define("tlic-img", TlicImg);
