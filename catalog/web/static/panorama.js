/** Looking around in an equirectangular picture, by WebGL; where there is none the picture stays as it is. */

import { element } from "./icons.js";
import { t } from "./texts.js";

const CORNERS = `
attribute vec2 corner;
varying vec2 at;
void main() {
  at = corner;
  gl_Position = vec4(corner, 0.0, 1.0);
}`;
const SPHERE = `
precision highp float;
uniform sampler2D picture;
uniform vec2 view;
uniform vec2 turn;
varying vec2 at;
void main() {
  vec3 ray = normalize(vec3(at * view, -1.0));
  float c = cos(turn.y);
  float s = sin(turn.y);
  ray = vec3(ray.x, c * ray.y - s * ray.z, s * ray.y + c * ray.z);
  float yaw = atan(ray.x, -ray.z) + turn.x;
  float pitch = asin(clamp(ray.y, -1.0, 1.0));
  gl_FragColor = texture2D(picture, vec2(fract(yaw / 6.2831853 + 0.5), 0.5 - pitch / 3.1415927));
}`;
const [NARROWEST, WIDEST] = [0.35, 1.9];

export class Panorama extends EventTarget {
  #turn = [0, 0];
  #angle = 1.25;
  #drag = null;

  /** Show the picture at `source` over `parent`; null without WebGL, or where the picture does not come. */
  static async open(source, parent, name) {
    const canvas = element("canvas", "look");
    const gl = canvas.getContext("webgl", { antialias: false });
    if (!gl) return null;
    const image = new Image();
    image.src = source;
    try {
      await image.decode();
    } catch {
      return null;
    }
    return new Panorama(canvas, gl, image, parent, name);
  }

  constructor(canvas, gl, image, parent, name) {
    super();
    this.canvas = canvas;
    this.gl = gl;
    this.before = document.activeElement;
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.ariaLabel = `${name}. ${t("look.hint")}`;
    parent.append(canvas);
    this.#prepare(image);
    this.resized = new ResizeObserver(() => this.#draw());
    this.resized.observe(canvas);
    for (const name of [
      "pointerdown",
      "pointermove",
      "pointerup",
      "pointercancel",
      "wheel",
      "keydown",
    ]) {
      canvas.addEventListener(name, (event) => this.#event(event));
    }
    canvas.focus();
  }

  /** End it; tells "close". */
  close() {
    this.resized.disconnect();
    this.canvas.remove();
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
    this.before?.focus?.();
    this.dispatchEvent(new Event("close"));
  }

  #prepare(image) {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, source] of [
      [gl.VERTEX_SHADER, CORNERS],
      [gl.FRAGMENT_SHADER, SPHERE],
    ]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
    const corner = gl.getAttribLocation(program, "corner");
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    const most = gl.getParameter(gl.MAX_TEXTURE_SIZE);
    const scale = Math.min(1, most / image.naturalWidth, 8192 / image.naturalWidth);
    const fitted = element("canvas");
    fitted.width = image.naturalWidth * scale;
    fitted.height = image.naturalHeight * scale;
    fitted.getContext("2d").drawImage(image, 0, 0, fitted.width, fitted.height);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGB, gl.RGB, gl.UNSIGNED_BYTE, fitted);
    for (const [name, value] of [
      [gl.TEXTURE_MIN_FILTER, gl.LINEAR],
      [gl.TEXTURE_MAG_FILTER, gl.LINEAR],
      [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE],
      [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
    ]) {
      gl.texParameteri(gl.TEXTURE_2D, name, value);
    }
    this.view = gl.getUniformLocation(program, "view");
    this.turn = gl.getUniformLocation(program, "turn");
  }

  #draw() {
    const { gl, canvas } = this;
    canvas.width = canvas.clientWidth * devicePixelRatio;
    canvas.height = canvas.clientHeight * devicePixelRatio;
    gl.viewport(0, 0, canvas.width, canvas.height);
    const half = Math.tan(this.#angle / 2);
    gl.uniform2f(this.view, half, (half * canvas.height) / canvas.width);
    gl.uniform2f(this.turn, ...this.#turn);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    canvas.dataset.turn = this.#turn.map((angle) => angle.toFixed(2)).join(" ");
  }

  #event(event) {
    event.stopPropagation();
    if (event.type === "pointerdown") {
      this.canvas.setPointerCapture(event.pointerId);
      this.#drag = event;
    } else if (event.type === "pointermove" && this.#drag) {
      const scale = this.#angle / this.canvas.clientWidth;
      this.#go(
        (this.#drag.clientX - event.clientX) * scale,
        (event.clientY - this.#drag.clientY) * scale,
      );
      this.#drag = event;
    } else if (event.type === "wheel") this.#zoom(event.deltaY > 0 ? 1.1 : 0.9);
    else if (event.type === "keydown") this.#key(event);
    else if (event.type !== "pointermove") this.#drag = null;
  }

  #key(event) {
    const step = 0.1;
    const does = {
      ArrowLeft: () => this.#go(-step, 0),
      ArrowRight: () => this.#go(step, 0),
      ArrowUp: () => this.#go(0, step),
      ArrowDown: () => this.#go(0, -step),
      "+": () => this.#zoom(0.85),
      "-": () => this.#zoom(1.18),
      Escape: () => this.close(),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  }

  #zoom(by) {
    this.#angle = Math.min(WIDEST, Math.max(NARROWEST, this.#angle * by));
    this.#draw();
  }

  #go(yaw, pitch) {
    const [x, y] = this.#turn;
    this.#turn = [x + yaw, Math.min(1.5, Math.max(-1.5, y + pitch))];
    this.#draw();
  }
}
