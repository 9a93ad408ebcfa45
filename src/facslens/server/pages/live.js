// The live page: pictures from a file or the camera go to the facslens that serves this page, one
// at a time, and its answers are drawn over them. Nothing is kept, here or there.
"use strict";

/**
 * @typedef {object} Detector  An action unit, and the unit of the network that detects it.
 * @property {string} au
 * @property {string} name
 * @property {string} unit  Layer and number.
 * @property {number} threshold  Response from which it fires.
 * @property {boolean} calibrated  Whether there is a probability.
 * @property {string} evidence  In words.
 * @property {number[][]} region  Ellipses: centre x, y and radii, in shares of the crop's side.
 *
 * @typedef {object} Network
 * @property {string[]} expressions
 * @property {Detector[]} units
 * @property {boolean} explorer  Whether the pages of a run are served, too.
 * @property {number} most  Bytes that a picture may have.
 * @property {string[]} types  Media types that are read.
 *
 * @typedef {object} Projection
 * @property {string} unit
 * @property {string} reason  An expression or an action unit.
 * @property {?number} share  Of the positive contributions to the expression.
 * @property {string} levels  Base64, as large as the crop.
 *
 * @typedef {object} Face
 * @property {number[]} box  Left, top, width, height, in pixels of the picture.
 * @property {number[]} way  Turn and shift, complex, from shares of the crop's side to the picture.
 * @property {{side: number, grey: string}} crop
 * @property {Object<string, any>} row  As `facslens predict` writes it.
 * @property {Projection[]} projections
 *
 * @typedef {object} Answer
 * @property {number} width
 * @property {number} height
 * @property {Face[]} faces
 * @property {?string} note
 */

const GLOW = "#ffd34d";
const INK = "#1c1d20";
const PLATE = "rgb(18 19 22 / .8)";
const PAPER = "#f4f2ec";
/** Where a response at its threshold ends in its bar. */
const TICK = 0.4;
/** Milliseconds between what is said to a screen reader while the camera runs. */
const PAUSE = 4000;
const NO_FACE = {
  camera: "No face found. Look into the camera, come closer, or turn on a light.",
  picture: "No face found in this picture. Faces from the front, a tenth of its width or more, are found best.",
};

/** @param {string} id @returns {any} */
const get = (id) => document.getElementById(id);
const [video, photo, canvas, frame] = ["video", "photo", "drawing", "frame"].map(get);

/** @type {Network} */
let network;
/** What is shown: an answer, which face of it, the action unit that was chosen, how the picture lies. */
const shown = { answer: /** @type {?Answer} */ (null), face: 0, au: "", mirrored: false, live: false };
/** The camera: its stream, the picture that was read last, and when the latest ones were. */
const filming = {
  stream: /** @type {?MediaStream} */ (null),
  last: /** @type {?Blob} */ (null),
  times: /** @type {number[]} */ ([]),
  waiting: false,
};
/** Counts what was asked for, so that a late answer to something else is dropped. */
let turn = 0;
let spokenAt = 0;

/* ---- asking ---- */

/** An answer that is none; its message is a sentence for people. */
class Refused extends Error {
  /** @param {string} sentence @param {number} status @param {number} pause seconds */
  constructor(sentence, status, pause) {
    super(sentence);
    this.status = status;
    this.pause = pause;
  }
}

/** @param {string} path @param {?Blob} picture @returns {Promise<any>} */
async function ask(path, picture = null) {
  let response;
  try {
    response = await fetch(path, picture
      ? { method: "POST", body: picture, headers: { "Content-Type": picture.type } }
      : {});
  } catch {
    throw new Refused("facslens does not answer. Is it still running where you started it?", 0, 1);
  }
  if (response.ok) return response.json();
  const sentence = (await response.text()).trim() || "facslens could not read this.";
  throw new Refused(sentence, response.status, Number(response.headers.get("Retry-After") ?? 0));
}

/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/* ---- the reading beside the picture ---- */

/** @param {string} tag @param {Object<string, string>} attributes @param {...(Node|string)} parts */
function make(tag, attributes, ...parts) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...parts);
  return element;
}

/** Lay out a row for each expression and each detector; they stay where they are. */
function layOut() {
  const bar = (tick = false) =>
    make("td", { class: "bar" }, make("div", { class: "track", "aria-hidden": "true" },
      make("div", { class: "fill" }), ...(tick ? [make("div", { class: "tick" })] : [])));
  get("expressions").tBodies[0].replaceChildren(...network.expressions.map((name) =>
    make("tr", { "data-name": name }, make("th", { scope: "row" }, name), bar(), make("td", {}, "–"))));
  get("units").tBodies[0].replaceChildren(...network.units.map((one) =>
    make("tr", { "data-name": one.au }, make("th", { scope: "row" }, called(one)),
      make("td", { class: "unit" }, one.unit.split("/")[1]), bar(true), make("td", {}, "–"))));
  const layer = network.units[0]?.unit.split("/")[0] ?? "";
  get("units").caption.textContent = `Action units, and the unit of ${layer} that detects each`;
}

/** The name of an action unit: when it is chosen, its evidence is told and its place shown. @param {Detector} one */
function called(one) {
  const button = make("button", { type: "button", class: "au", "aria-pressed": "false" },
    make("span", { class: "code" }, one.au), make("span", { class: "name" }, one.name));
  button.addEventListener("click", () => {
    shown.au = shown.au === one.au ? "" : one.au;
    for (const row of get("units").tBodies[0].rows) {
      row.querySelector(".au").setAttribute("aria-pressed", String(row.dataset.name === shown.au));
    }
    const said = shown.au ? one.evidence : "Choose an action unit for its place and its evidence.";
    get("evidence").textContent = get("spoken").textContent = said;
    draw();
  });
  return button;
}

/** @param {HTMLElement} row @param {number} share */
function fill(row, share) {
  /** @type {HTMLElement} */ (row.querySelector(".fill")).style.transform = `scaleX(${Math.min(Math.max(share, 0), 1)})`;
}

/** @param {?number} share */
const percent = (share) => (share == null ? "–" : `${Math.round(100 * share)} %`);

/** Fill the rows with what was read in a face, or empty them. @param {?Face} face @param {string} otherwise what stands above then */
function tell(face, otherwise = "No face found") {
  const row = face?.row ?? {};
  get("said").textContent = row.expression ?? otherwise;
  get("sure").textContent = face
    ? `Probability ${percent(row[row.expression])} · face found with score ${row.FaceScore?.toFixed(2) ?? "–"}`
    : "";
  for (const line of get("expressions").tBodies[0].rows) {
    const share = row[line.dataset.name];
    line.classList.toggle("top", line.dataset.name === row.expression);
    line.lastChild.textContent = percent(share);
    fill(line, share ?? 0);
  }
  for (const [number, line] of [...get("units").tBodies[0].rows].entries()) {
    const one = network.units[number];
    line.classList.toggle("fired", Boolean(row[`${one.au}_fired`]));
    line.lastChild.textContent = face && one.calibrated ? percent(row[one.au]) : face && row[`${one.au}_fired`] ? "fires" : "–";
    fill(line, (TICK * (row[`${one.au}_response`] ?? 0)) / one.threshold);
  }
  grey(get("crop"), face?.crop.grey, face?.crop.side ?? 48);
  get("behind").hidden = !face?.projections.length;
  get("tiles").replaceChildren(...(face?.projections ?? []).map((one) => {
    const tile = make("canvas", { role: "img", "aria-label": `Projection of unit ${one.unit}` });
    grey(/** @type {HTMLCanvasElement} */ (tile), one.levels, face?.crop.side ?? 48);
    const why = one.share === null ? one.reason : `${percent(one.share)} of ${one.reason}`;
    return make("figure", {}, tile, make("figcaption", {}, why, make("small", {}, one.unit)));
  }));
}

/** Draw grey levels into a canvas of their size. @param {HTMLCanvasElement} into @param {string|undefined} text @param {number} side */
function grey(into, text, side) {
  into.width = into.height = side; // also clears it
  if (text === undefined) return;
  const levels = atob(text);
  const image = new ImageData(side, side);
  for (let i = 0; i < levels.length; i++) {
    image.data.fill(levels.charCodeAt(i), 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255;
  }
  into.getContext("2d")?.putImageData(image, 0, 0);
}

/** @param {Face} face */
function inWords(face) {
  const fired = network.units.filter((one) => face.row[`${one.au}_fired`]).map((one) => `${one.au} ${one.name}`);
  return `${face.row.expression}, ${percent(face.row[face.row.expression])}. ` +
    (fired.length ? `Units fire for ${fired.join(", ")}.` : "No unit of an action unit fires.");
}

/** Say it to screen readers, seldom while the camera runs. @param {string} sentence */
function speak(sentence) {
  const now = performance.now();
  if (shown.live && now - spokenAt < PAUSE) return;
  if (get("spoken").textContent !== sentence) {
    get("spoken").textContent = sentence;
    spokenAt = now;
  }
}

/** Lay a sentence over the picture. @param {?string} sentence */
function message(sentence) {
  if (sentence) speak(sentence);
  get("message").hidden = !sentence;
  if (get("message").textContent !== (sentence ?? "")) get("message").textContent = sentence ?? "";
}

/** A button for each face, where there are several. @param {Face[]} faces */
function listFaces(faces) {
  const group = get("faces");
  group.hidden = faces.length < 2;
  const missing = faces.length - group.children.length;
  for (let i = 0; i < missing; i++) {
    const button = make("button", { type: "button" }, `Face ${group.children.length + 1}`);
    const number = group.children.length;
    button.addEventListener("click", () => choose(number));
    group.append(button);
  }
  for (let i = 0; i > missing; i--) group.lastChild.remove();
  [...group.children].forEach((button, i) => button.setAttribute("aria-pressed", String(i === shown.face)));
}

/** @param {number} number */
function choose(number) {
  shown.face = number;
  if (shown.answer) show(shown.answer);
}

/** @param {Answer} answer */
function show(answer) {
  shown.answer = answer;
  const { faces } = answer;
  shown.face = Math.min(shown.face, Math.max(0, faces.length - 1));
  const face = faces[shown.face] ?? null;
  listFaces(faces);
  tell(face);
  draw();
  message(answer.note ?? (face ? null : shown.live ? NO_FACE.camera : NO_FACE.picture));
  if (face) speak(inWords(face));
  frame.dataset.faces = String(faces.length);
}

/** Show no picture, and say why. @param {string} sentence @param {string} caption */
function clear(sentence, caption = "") {
  shown.answer = null;
  shown.live = false;
  photo.hidden = video.hidden = true;
  frame.dataset.faces = "0";
  get("caption").textContent = caption;
  listFaces([]);
  tell(null, "Nothing read");
  draw();
  message(sentence || null);
}

/* ---- drawing over the picture ---- */

/** Bring the canvas to the size of the frame; give what draws in CSS pixels, and the size. */
function surface() {
  const { clientWidth: width, clientHeight: height } = frame;
  const sharp = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * sharp);
  canvas.height = Math.round(height * sharp);
  const pen = canvas.getContext("2d");
  pen.scale(sharp, sharp);
  return { pen, width, height };
}

function draw() {
  const { pen, width, height } = surface();
  const { answer } = shown;
  if (!answer?.faces.length) return;
  const scale = Math.min(width / answer.width, height / answer.height);
  const left = (width - scale * answer.width) / 2;
  const top = (height - scale * answer.height) / 2;
  /** @param {number} x @param {number} y */
  const place = (x, y) => [shown.mirrored ? width - left - scale * x : left + scale * x, top + scale * y];
  const face = answer.faces[shown.face];
  drawRegions(pen, face, place);
  answer.faces.forEach((one) => drawBox(pen, one, place, one === face, width));
  drawLabels(pen, face, place, width, height);
}

/** How much larger words are in a wide frame. @param {number} width */
const enlarged = (width) => Math.min(Math.max(width / 760, 1), 1.6);

/** Give the corners of a face on the frame. @param {Face} face @param {(x: number, y: number) => number[]} place */
function corners(face, place) {
  const [x, y, w, h] = face.box;
  const [one, two] = [place(x, y), place(x + w, y + h)];
  return { x: Math.min(one[0], two[0]), y: one[1], w: Math.abs(two[0] - one[0]), h: two[1] - one[1] };
}

/** @param {CanvasRenderingContext2D} pen @param {Face} face @param {(x: number, y: number) => number[]} place @param {boolean} chosen @param {number} width */
function drawBox(pen, face, place, chosen, width) {
  const { x, y, w, h } = corners(face, place);
  const arm = Math.min(w, h) / 6;
  pen.globalAlpha = chosen ? 1 : 0.6;
  pen.strokeStyle = GLOW;
  pen.lineWidth = chosen ? 3 : 2;
  pen.lineCap = "round";
  pen.lineJoin = "round";
  pen.beginPath();
  for (const [cx, cy, sx, sy] of [[x, y, 1, 1], [x + w, y, -1, 1], [x + w, y + h, -1, -1], [x, y + h, 1, -1]]) {
    pen.moveTo(cx + sx * arm, cy);
    pen.lineTo(cx, cy);
    pen.lineTo(cx, cy + sy * arm);
  }
  pen.stroke();
  const text = `${face.row.expression} ${percent(face.row[face.row.expression])}`;
  const size = enlarged(width) * (chosen ? 1 : 0.86);
  pen.font = `600 ${15 * size}px ${getComputedStyle(document.body).fontFamily}`;
  const wide = pen.measureText(text).width + 20 * size;
  const tall = 26 * size;
  const from = Math.min(Math.max(4, x + (w - wide) / 2), width - wide - 4);
  const above = y - tall - 8 < 4 ? y + 6 : y - tall - 8;
  pen.fillStyle = GLOW;
  pen.beginPath();
  pen.roundRect(from, above, wide, tall, tall / 2);
  pen.fill();
  pen.fillStyle = INK;
  pen.textBaseline = "middle";
  pen.fillText(text, from + 10 * size, above + tall / 2 + 1);
  pen.globalAlpha = 1;
}

/** Detectors that fire in a face. @param {Face} face */
const firing = (face) => network.units.filter((one) => face.row[`${one.au}_fired`]);

/** Move a place of the crop to the picture. @param {Face} face @param {number} x @param {number} y */
function inPicture(face, x, y) {
  const [a, b, c, d] = face.way;
  return /** @type {[number, number]} */ ([a * x - b * y + c, b * x + a * y + d]);
}

/** Outline where the action units lie that show, as one shape; or the one that was chosen. @param {CanvasRenderingContext2D} pen @param {Face} face @param {(x: number, y: number) => number[]} place */
function drawRegions(pen, face, place) {
  const some = shown.au ? network.units.filter((one) => one.au === shown.au) : firing(face);
  const shape = (/** @type {number} */ grown) => {
    const path = new Path2D();
    for (const [x, y, across, down] of some.flatMap((one) => one.region)) {
      for (const middle of new Set([x, 1 - x])) {
        const [cx, cy] = place(...inPicture(face, middle, y));
        const [ax, ay] = place(...inPicture(face, middle + across, y));
        const [dx, dy] = place(...inPicture(face, middle, y + down));
        const wide = Math.hypot(ax - cx, ay - cy) + grown;
        const tall = Math.hypot(dx - cx, dy - cy) + grown;
        const one = new Path2D();
        one.ellipse(cx, cy, wide, tall, Math.atan((ay - cy) / (ax - cx)), 0, 2 * Math.PI);
        path.addPath(one);
      }
    }
    return path;
  };
  pen.fillStyle = "rgb(255 211 77 / .85)";
  pen.fill(shape(shown.au ? 2.5 : 1.5));
  pen.globalCompositeOperation = "destination-out"; // the canvas holds nothing else yet
  pen.fillStyle = "#000";
  pen.fill(shape(0));
  pen.globalCompositeOperation = "source-over";
  pen.fillStyle = "rgb(255 211 77 / .16)";
  pen.fill(shape(0));
}

/** Name the units that fire at the sides of the face, with a line to where each action unit lies. @param {CanvasRenderingContext2D} pen @param {Face} face @param {(x: number, y: number) => number[]} place @param {number} width @param {number} height */
function drawLabels(pen, face, place, width, height) {
  const size = enlarged(width);
  const box = corners(face, place);
  const room = Math.min(box.x, width - box.x - box.w) - 22;
  const small = room < 140 * size || (shown.answer?.faces.length ?? 0) > 1; // codes alone
  const tall = small ? 22 : 40 * size;
  const sans = getComputedStyle(document.body).fontFamily;
  const anchors = firing(face)
    .map((one) => {
      const [x, y] = one.region[0] ?? [0.5, 1];
      const ends = [x, 1 - x].map((middle) => place(...inPicture(face, middle, y)));
      ends.sort((a, b) => a[0] - b[0]);
      return { one, ends, y: ends[0][1] };
    })
    .sort((a, b) => a.y - b.y);
  for (const side of [0, 1]) {
    const own = anchors.filter((_, i) => i % 2 === side);
    // as near to their places as they can stand, one below the other
    const gap = 6;
    let next = 8;
    const tops = own.map(({ y }) => {
      const top = Math.max(next, y - tall / 2);
      next = top + tall + gap;
      return top;
    });
    let limit = height - 8;
    for (let i = tops.length - 1; i >= 0; i--) {
      tops[i] = Math.min(tops[i], limit - tall);
      limit = tops[i] - gap;
    }
    own.forEach(({ one, ends }, i) => {
      const lines = small
        ? [one.au]
        : [`${one.au} ${one.name}`, `unit ${one.unit.split("/")[1]} · ${face.row[`${one.au}_response`].toFixed(2)} > ${one.threshold.toFixed(2)}`];
      const fonts = [`600 ${13 * size}px ${sans}`, `${12 * size}px ${sans}`];
      const wide = 20 * size + Math.max(...lines.map((line, n) => {
        pen.font = fonts[n];
        return pen.measureText(line).width;
      }));
      const clear = 22;
      const from = side === 0
        ? Math.max(8, box.x - clear - wide)
        : Math.min(width - 8 - wide, box.x + box.w + clear);
      const [ax, ay] = ends[side];
      const edge = side === 0 ? from + wide : from;
      pen.strokeStyle = GLOW;
      pen.lineWidth = 1.5;
      pen.beginPath();
      pen.moveTo(ax, ay);
      pen.lineTo(edge, tops[i] + tall / 2);
      pen.stroke();
      pen.fillStyle = GLOW;
      pen.beginPath();
      pen.arc(ax, ay, 3.5, 0, 2 * Math.PI);
      pen.fill();
      pen.fillStyle = PLATE;
      pen.beginPath();
      pen.roundRect(from, tops[i], wide, tall, 8);
      pen.fill();
      pen.textBaseline = "middle";
      lines.forEach((line, n) => {
        pen.font = fonts[n];
        pen.fillStyle = n ? "#c9c7c0" : PAPER;
        pen.fillText(line, from + 10 * size, tops[i] + (small ? tall / 2 : (13 + 16 * n) * size) + 0.5);
      });
    });
  }
}

/* ---- pictures ---- */

/** Give the frame the shape of a picture. @param {number} width @param {number} height @param {boolean} mirrored */
function fit(width, height, mirrored) {
  frame.style.aspectRatio = `${width} / ${height}`;
  frame.style.width = `min(100%, calc(78vh * ${width / height}))`;
  frame.classList.toggle("mirrored", mirrored);
  shown.mirrored = mirrored;
}

/** Show a picture, and have it read. @param {Blob} file @param {string} caption @param {boolean} mirrored @param {boolean} units */
async function look(file, caption, mirrored = false, units = true) {
  const mine = ++turn;
  shown.live = false;
  shown.face = 0;
  get("caption").textContent = caption;
  URL.revokeObjectURL(photo.src);
  photo.src = URL.createObjectURL(file);
  try {
    await photo.decode();
  } catch {
    clear("This file is no picture that the browser can open.");
    return;
  }
  if (mine !== turn) return;
  video.hidden = true;
  photo.hidden = false;
  photo.alt = caption;
  fit(photo.naturalWidth, photo.naturalHeight, mirrored);
  shown.answer = null;
  draw();
  message("Reading…");
  try {
    const picture = await sendable(file);
    for (const path of units ? ["faces", "units"] : ["faces"]) {
      const answer = await patiently(path, picture);
      if (mine !== turn) return;
      show(answer);
    }
  } catch (error) {
    if (mine === turn) clear(/** @type {Error} */ (error).message);
  }
}

/** Ask again while facslens is busy. @param {string} path @param {Blob} picture @returns {Promise<Answer>} */
async function patiently(path, picture) {
  for (;;) {
    try {
      return await ask(path, picture);
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 503) throw error;
      await pause(1000 * (error.pause || 1));
    }
  }
}

/** Give a file as facslens reads it: itself, or drawn anew where it is too large or of another type. @param {Blob} file @returns {Promise<Blob>} */
async function sendable(file) {
  if (network.types.includes(file.type) && file.size <= network.most) return file;
  const side = 3000 / Math.max(photo.naturalWidth, photo.naturalHeight);
  const sheet = document.createElement("canvas");
  sheet.width = Math.round(photo.naturalWidth * Math.min(side, 1));
  sheet.height = Math.round(photo.naturalHeight * Math.min(side, 1));
  sheet.getContext("2d")?.drawImage(photo, 0, 0, sheet.width, sheet.height);
  return encoded(sheet);
}

/** @param {HTMLCanvasElement} sheet @returns {Promise<Blob>} */
const encoded = (sheet) =>
  new Promise((done, failed) => sheet.toBlob((blob) => (blob ? done(blob) : failed(new Error("This picture cannot be encoded."))), "image/jpeg", 0.9));

/** @param {?File} file */
function photograph(file) {
  if (!file) return;
  begin();
  stop();
  look(file, file.name);
}

/** From the first page to the one that shows what was read. */
function begin() {
  if (document.body.dataset.state === "reading") return;
  document.body.dataset.state = "reading";
  draw();
}

let number = 0;
/** Show one of the drawn faces that come with the page, and say what was drawn. @param {boolean} units */
async function showDrawn(units) {
  const { faces } = await ask("drawn.json");
  const { file, expression, aus } = faces[number++ % faces.length];
  const picture = await fetch(file).then((response) => response.blob());
  const last = aus.pop();
  await look(picture, `A face drawn by a program to show ${expression}: ${aus.join(", ")} and ${last}. ` +
    "The network may read others. Outlines show where an action unit lies on an average face.", false, units);
}

/* ---- the camera ---- */

/** Why there is no camera, in one sentence. @param {unknown} error */
function whyNot(error) {
  const name = error instanceof Error ? error.name : "";
  if (!window.isSecureContext) {
    return "Browsers give a page the camera only on this computer's own address. Open it at 127.0.0.1, through ssh -L where facslens runs elsewhere.";
  }
  return {
    NotFoundError: "No camera was found. Connect one, or choose a photograph.",
    OverconstrainedError: "No camera was found. Connect one, or choose a photograph.",
    NotAllowedError: "The browser was not allowed to use the camera. Allow it for this page, or choose a photograph.",
    NotReadableError: "The camera is in use by another program. Close that, or choose a photograph.",
  }[name] ?? "The camera cannot be used here. Choose a photograph.";
}

async function start() {
  begin();
  const mine = ++turn;
  filming.waiting = true;
  message("Waiting for the camera…");
  try {
    if (!navigator.mediaDevices) throw new Error();
    filming.stream = await navigator.mediaDevices.getUserMedia({
      video: { width: { ideal: 640 }, height: { ideal: 480 }, facingMode: "user" },
    });
  } catch (error) {
    clear(whyNot(error));
    return;
  } finally {
    filming.waiting = false;
  }
  if (mine !== turn) {
    release();
    return;
  }
  video.srcObject = filming.stream;
  filming.stream.getVideoTracks()[0].addEventListener("ended", () => {
    stop();
    clear("The camera is gone. Was it unplugged?");
  });
  await video.play();
  get("camera").textContent = "Turn the camera off";
  get("camera").classList.add("on");
  get("hold").hidden = get("speed").hidden = false;
  get("caption").textContent = "The camera is on. Its pictures are read and forgotten; none is recorded.";
  shown.face = 0;
  await film(mine);
}

/** Send the camera's pictures, one at a time. @param {number} mine */
async function film(mine) {
  photo.hidden = true;
  video.hidden = false;
  fit(video.videoWidth, video.videoHeight, true);
  message(null);
  shown.live = true;
  const sheet = document.createElement("canvas");
  sheet.width = 640;
  sheet.height = Math.round((640 * video.videoHeight) / video.videoWidth);
  const pen = sheet.getContext("2d", { alpha: false });
  filming.times = [];
  while (mine === turn && filming.stream) {
    if (document.hidden) {
      await pause(250);
      continue;
    }
    pen?.drawImage(video, 0, 0, sheet.width, sheet.height);
    const picture = await encoded(sheet);
    try {
      const answer = await ask("faces", picture);
      if (mine !== turn) return;
      filming.last = picture;
      show(answer);
      timed();
    } catch (error) {
      if (mine !== turn) return;
      message(/** @type {Error} */ (error).message);
      await pause(1000 * Math.max(1, error instanceof Refused ? error.pause : 1));
    }
  }
}

/** Say how many pictures a second are read. */
function timed() {
  const now = performance.now();
  filming.times = [...filming.times.filter((time) => time > now - 2000), now];
  const [first] = filming.times;
  if (now - first < 500) return;
  const rate = (1000 * (filming.times.length - 1)) / (now - first);
  get("speed").textContent = `${rate.toFixed(0)} a second`;
  get("speed").dataset.rate = rate.toFixed(2);
}

/** Let go of the camera. */
function release() {
  filming.stream?.getTracks().forEach((track) => track.stop());
  filming.stream = null;
  video.srcObject = null;
}

function stop() {
  turn++;
  release();
  video.hidden = true;
  get("camera").textContent = "Turn the camera on";
  get("camera").classList.remove("on");
  get("hold").hidden = get("speed").hidden = true;
  get("hold").textContent = "Hold this picture";
  message(null);
}

/** Hold the picture that was read last, with the projections of its units; or go on. */
function hold() {
  if (shown.live && filming.last) {
    get("hold").textContent = "Go on filming";
    get("speed").hidden = true;
    look(filming.last, "Held. Outlines show where an action unit lies on an average face.", true);
  } else if (filming.stream) {
    get("hold").textContent = "Hold this picture";
    get("speed").hidden = false;
    get("caption").textContent = "The camera is on. Its pictures are read and forgotten; none is recorded.";
    film(++turn);
  }
}

/* ---- what people do ---- */

get("camera").addEventListener("click", () => {
  if (filming.waiting) return;
  if (!filming.stream) {
    start();
    return;
  }
  stop();
  clear("", "The camera is off.");
});
get("hold").addEventListener("click", hold);
get("choose").addEventListener("click", () => get("file").click());
get("file").addEventListener("change", () => {
  photograph(get("file").files[0]);
  get("file").value = "";
});
get("drawn").addEventListener("click", () => {
  begin();
  stop();
  showDrawn(true);
});
frame.addEventListener("click", (/** @type {MouseEvent} */ event) => {
  const { answer } = shown;
  if (!answer) return;
  const scale = Math.min(frame.clientWidth / answer.width, frame.clientHeight / answer.height);
  const x = (shown.mirrored ? frame.clientWidth - event.offsetX : event.offsetX) / scale;
  const found = answer.faces.findIndex(({ box: [left, top, w, h] }) =>
    x > left && x < left + w && event.offsetY / scale > top && event.offsetY / scale < top + h);
  if (found >= 0) choose(found);
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  photograph(event.dataTransfer?.files[0] ?? null);
});
document.addEventListener("paste", (event) => photograph(event.clipboardData?.files[0] ?? null));
window.addEventListener("pagehide", stop);
new ResizeObserver(draw).observe(frame);

(async () => {
  for (const place of document.querySelectorAll(".where")) place.textContent = location.host;
  try {
    network = await ask("network.json");
  } catch (error) {
    for (const id of ["camera", "choose", "drawn"]) get(id).disabled = true;
    message(/** @type {Error} */ (error).message);
    return;
  }
  get("explorer").hidden = !network.explorer;
  layOut();
  document.body.dataset.ready = "yes";
  await showDrawn(false);
})();
