// A face is drawn: with a pointer, or with the arrow keys.

import { $, element } from "./elements.js";
import { keyOf } from "./faces.js";
import { look } from "./finding.js";
import { say, stale } from "./photo.js";
import { hideTip, refreshStage } from "./stage.js";
import { current } from "./state.js";

let drawing = null;

function startDrawing() {
  drawing = { start: null, box: null };
  $("draw").setAttribute("aria-pressed", "true");
  $("frame").classList.add("drawing");
  $("found").textContent =
    "Draw a box about the face, from the brows to the chin. " +
    "With the keyboard: arrow keys move it, plus and minus size it, Enter adds it.";
}

export function stopDrawing() {
  drawing = null;
  $("draw").setAttribute("aria-pressed", "false");
  $("frame").classList.remove("drawing");
  $("frame").querySelector(".new")?.remove();
}

function toPhoto(event) {
  const frame = $("photo").getBoundingClientRect();
  const clamp = (value) => Math.min(1, Math.max(0, value));
  return [
    clamp((event.clientX - frame.left) / frame.width) * current.width,
    clamp((event.clientY - frame.top) / frame.height) * current.height,
  ];
}

function drawNew(box) {
  drawing.box = box;
  const shape = $("frame").querySelector(".new") || $("frame").appendChild(element("div", { className: "box new" }));
  Object.assign(shape.style, {
    left: `${(100 * box[0]) / current.width}%`, top: `${(100 * box[1]) / current.height}%`,
    width: `${(100 * (box[2] - box[0])) / current.width}%`, height: `${(100 * (box[3] - box[1])) / current.height}%`,
  });
}

// With a mouse, a drag draws without the button, from inside of another box, too; a click stays a click.
const DRAG_PX = 6;
let pressed = null;

$("frame").addEventListener("pointerdown", (event) => {
  if (!current?.picture || $("draw").disabled) return;
  if (drawing) {
    event.preventDefault();
    drawing.start = toPhoto(event);
    $("frame").setPointerCapture(event.pointerId);
  } else if (event.pointerType === "mouse" && event.button === 0)
    pressed = { at: toPhoto(event), x: event.clientX, y: event.clientY };
});

$("frame").addEventListener("pointermove", (event) => {
  if (pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) >= DRAG_PX) {
    drawing = { start: pressed.at, box: null, quick: true };
    pressed = null;
    hideTip();
    $("frame").setPointerCapture(event.pointerId);
  }
  if (!drawing?.start) return;
  const [x, y] = toPhoto(event);
  const [left, top] = drawing.start;
  drawNew([Math.min(x, left), Math.min(y, top), Math.max(x, left), Math.max(y, top)]);
});

$("frame").addEventListener("pointerup", () => {
  pressed = null;
  if (!drawing?.start) return;
  const { box } = drawing;
  const shown = $("photo").getBoundingClientRect().width / current.width;
  if (box && Math.min(box[2] - box[0], box[3] - box[1]) * shown >= 4) addDrawn(box);
  else if (drawing.quick) stopDrawing();
  else drawing.start = null;
});

$("frame").addEventListener("pointercancel", stopDrawing);

function drawByKey(event) {
  if (event.key === "Escape") {
    stopDrawing();
    refreshStage();
    return;
  }
  const { width, height } = current;
  const step = Math.max(1, Math.round(Math.min(width, height) / (event.shiftKey ? 20 : 100)));
  const side = Math.max(4, Math.min(width, height) / 8);
  const middle = [(width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2];
  const [left, top, right, bottom] = drawing.box || middle;
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  const sizes = { "+": step, "=": step, "-": -step };
  if (event.key === "Enter" && drawing.box) {
    event.preventDefault();
    addDrawn(drawing.box);
  } else if (moves[event.key]) {
    event.preventDefault();
    const [x, y] = moves[event.key];
    const [across, down] = [(left + right) / 2 + x, (top + bottom) / 2 + y];
    if (across > 0 && across < width && down > 0 && down < height)
      drawNew([left + x, top + y, right + x, bottom + y]);
    else if (!drawing.box) drawNew([left, top, right, bottom]);
  } else if (sizes[event.key]) {
    event.preventDefault();
    const more = sizes[event.key] / 2;
    if (right - left + 2 * more >= 4) drawNew([left - more, top - more, right + more, bottom + more]);
  }
}

async function addDrawn(box) {
  const photo = current;
  const rounded = box.map((edge) => Math.round(edge * 10) / 10);
  stopDrawing();
  $("draw").focus();
  const size = Math.round(Math.max(rounded[2] - rounded[0], rounded[3] - rounded[1]));
  const number = Math.max(0, ...photo.faces.map((face) => face.number)) + 1;
  const face = {
    box: rounded, number, size, drawn: true, restored: true, words: "added", warnings: [],
    out: false, forced: false, own: null,
  };
  photo.faces.push(face);
  stale(photo);
  // The server numbers the faces again: a box about a face that was found takes its place.
  await look(photo);
  const added = photo.faces.find((other) => keyOf(other.box) === keyOf(rounded));
  if (added && photo.state === "ready") say(photo, `Face ${added.number} added: ${added.words}.`);
}

$("draw").onclick = () => {
  if (!drawing) startDrawing();
  else {
    stopDrawing();
    refreshStage();
  }
};

$("draw").onkeydown = (event) => {
  if (drawing) drawByKey(event);
};
