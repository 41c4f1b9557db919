// The page: photos are uploaded, their faces shown as boxes, restored once, and blended here at any strength and choice.

import { COULD_NOT_REACH, Said, aboutClip, call, fault, tooLarge } from "./server.js";
import { settings } from "./settings.js";
import { onSharpness, refreshSharpness, sharpnessOf } from "./sharpness.js";
import { backgroundSeconds, onSwitch, refreshSwitches, switchesOf } from "./switches.js";

const $ = (id) => document.getElementById(id);
const photos = [];
let current = null;
let busy = false;

// ---- Small things ----

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function keyOf(box) {
  return box.map((edge) => edge.toFixed(1)).join(",");
}

function loaded(url) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Said("A picture could not be loaded. Please try again."));
    image.src = url;
  });
}

/** Shows a picture as large as there is room: small ones are enlarged, since small faces have to be hit. */
function fit(shown, width, height, percentOfScreen) {
  const ratio = width / height;
  shown.style.width = `min(100%, ${(percentOfScreen * ratio).toFixed(2)}vh, ${Math.max(width, Math.min(1, ratio) * 640)}px)`;
  shown.style.aspectRatio = `${width} / ${height}`;
}

// ---- The server ----

function send(photo) {
  return new Promise((resolve, reject) => {
    if (photo.file.size === 0) return reject(new Said("This file is empty."));
    const clip = aboutClip(photo.name);
    if (clip) return reject(new Said(clip));
    if (photo.file.size > settings.upload_mb * 2 ** 20) return reject(new Said(tooLarge()));
    const request = new XMLHttpRequest();
    request.open("POST", `photos?name=${encodeURIComponent(photo.name)}`);
    request.upload.onprogress = (event) => {
      photo.sent = event.lengthComputable ? event.loaded / event.total : 0;
      if (event.loaded < event.total) say(photo, `Sending ${Math.round(100 * photo.sent)} %`);
    };
    request.onload = () =>
      request.status === 201 ? resolve(JSON.parse(request.responseText)) : reject(fault(request.status, request.responseText));
    request.onerror = () => reject(new Said(COULD_NOT_REACH));
    request.send(photo.file);
  });
}

/** Does something with an uploaded photo; uploads it again if the server has deleted it meanwhile. */
async function withUpload(photo, action) {
  if (!photo.id) photo.id = (await send(photo)).id;
  try {
    return await action();
  } catch (error) {
    if (error.status !== 404) throw error;
    photo.id = (await send(photo)).id;
    return action();
  }
}

function requestOf(photo) {
  return {
    turn: photo.turn,
    model: photo.model,
    scale: photo.scale,
    boxes: photo.faces.filter((face) => face.drawn).map((face) => face.box),
    forced: photo.faces.filter((face) => face.forced).map((face) => face.number),
    ...switchesOf(photo),
    sharpness: sharpnessOf(photo),
  };
}

// ---- Photos: adding, finding faces ----

let preparing = Promise.resolve();

function add(files) {
  for (const file of files) {
    const photo = {
      file, name: file.name || "photo.png", id: null, turn: 0, scale: 1, scales: [], model: settings.models[0]?.name, largeFaces: settings.large_faces, background: false, sharpness: 0,
      faces: [], strength: 1, state: "new", words: "Waiting", error: null, result: null, picture: null, ratio: 1,
    };
    photos.push(photo);
    preparing = preparing.then(() => prepare(photo));
  }
  if (files.length) show(photos[photos.length - files.length]);
}

async function prepare(photo) {
  if (!photos.includes(photo)) return;
  photo.state = "sending";
  say(photo, "Sending");
  showLocally(photo);
  try {
    const seen = await send(photo);
    Object.assign(photo, { id: seen.id, width: seen.width, height: seen.height, scales: seen.scales, scale: seen.scale });
    photo.picture = await loaded(`photos/${photo.id}/preview.jpg`);
    photo.thumbnail = photo.picture.src;
    await look(photo);
  } catch (error) {
    fail(photo, error);
  }
}

/** Shows the file at once where the browser can, until the server's preview is there. */
function showLocally(photo) {
  const url = URL.createObjectURL(photo.file);
  loaded(url).then(
    (image) => {
      if (photo.picture || photo.error) return;
      Object.assign(photo, { picture: image, thumbnail: url });
      refresh(photo);
    },
    () => URL.revokeObjectURL(url),
  );
}

async function look(photo) {
  const number = (photo.looks = (photo.looks || 0) + 1);
  photo.state = "looking";
  say(photo, "Looking for faces…");
  const start = performance.now();
  try {
    const reply = await withUpload(photo, () => call(`photos/${photo.id}/faces`, requestOf(photo)));
    const found = await reply.json();
    if (number !== photo.looks) return;
    photo.findSeconds = (performance.now() - start) / 1000;
    photo.turned = found.turned;
    photo.faces = merged(photo.faces, found.faces);
    photo.state = "ready";
    say(photo, foundWords(photo));
  } catch (error) {
    if (number === photo.looks) fail(photo, error);
  }
}

/** Faces as the server gives them, with what the visitor has chosen for each. */
function merged(before, now) {
  const known = new Map(before.map((face) => [keyOf(face.box), face]));
  return now.map((face) => {
    const old = known.get(keyOf(face.box)) || {};
    return { ...face, out: old.out || false, forced: (old.forced && !face.restored) || false, own: old.own ?? null };
  });
}

function fail(photo, error) {
  const said = error instanceof Said ? error : new Said("Something went wrong here. Please try again.");
  if (!(error instanceof Said)) console.error(error);
  Object.assign(photo, { state: "failed", error: said.message });
  say(photo, said.message);
}

function say(photo, words) {
  photo.words = words;
  refresh(photo);
}

function willRestore(face) {
  return !face.out && (face.restored || face.forced);
}

function foundWords(photo) {
  const count = photo.faces.length;
  if (photo.turned) return `The photo seems to lie on its side. Press Turn until it is upright. ${plural(count, "face")} found.`;
  if (!count) return "No face found. Press Add a face, and draw a box about one, from the brows to the chin.";
  const left = photo.faces.filter((face) => !face.restored && !face.forced).length;
  const rest = left ? ` ${left === count ? (count === 1 ? "It is" : "All are") : plural(left, "face") + (left === 1 ? " is" : " are")} left as ${left === 1 ? "it is" : "they are"}: point at or tap a box to see why.` : "";
  return `${plural(count, "face")} found.${rest}`;
}

async function turn() {
  const photo = current;
  if (!photo?.picture || busy) return;
  const { width, height } = photo;
  photo.turn = (photo.turn + 1) % 4;
  [photo.width, photo.height] = [height, width];
  photo.faces = photo.faces
    .filter((face) => face.drawn)
    .map((face) => ({ ...face, box: [height - face.box[3], face.box[0], height - face.box[1], face.box[2]] }));
  const canvas = element("canvas", { width: photo.picture.naturalHeight, height: photo.picture.naturalWidth });
  const pen = canvas.getContext("2d");
  pen.translate(canvas.width, 0);
  pen.rotate(Math.PI / 2);
  pen.drawImage(photo.picture, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  photo.picture = await loaded(URL.createObjectURL(blob));
  photo.thumbnail = photo.picture.src;
  stale(photo);
  await look(photo);
}

function remove() {
  const at = photos.indexOf(current);
  if (at < 0 || busy) return;
  const [gone] = photos.splice(at, 1);
  gone.looks = (gone.looks || 0) + 1;
  if (gone.id) call(`photos/${gone.id}`, undefined, "DELETE").catch(() => {});
  tell("");
  show(photos[Math.min(at, photos.length - 1)] || null);
  (current ? $("remove") : $("files")).focus();
}

// ---- The photo with its boxes ----

function show(photo) {
  current = photo;
  stopDrawing();
  hideTip();
  document.body.classList.toggle("working", photos.length > 0);
  $("work").hidden = !photo;
  $("result").hidden = true;
  if (photo) refresh(photo);
  else refreshList();
}

function refresh(photo) {
  refreshList();
  if (photo === current) {
    refreshStage();
    refreshResult();
  }
  refreshButton();
}

function refreshList() {
  $("photos").hidden = photos.length < 2;
  const items = photos.map((photo) => {
    const thumbnail = photo.thumbnail
      ? element("img", { src: photo.thumbnail, alt: "" })
      : element("div", { className: "blank", textContent: photo.error ? "!" : "…" });
    const button = element("button", { type: "button", title: photo.name, onclick: () => show(photo) },
      thumbnail, element("b", { textContent: photo.name }), element("span", { textContent: shortWords(photo) }));
    button.classList.toggle("failed", photo.state === "failed");
    button.setAttribute("aria-current", String(photo === current));
    return element("li", {}, button);
  });
  const focused = [...$("list").querySelectorAll("button")].indexOf(document.activeElement);
  $("list").replaceChildren(...items);
  if (focused >= 0) $("list").querySelectorAll("button")[Math.min(focused, items.length - 1)]?.focus();
}

function shortWords(photo) {
  if (photo.state === "failed") return "cannot be read";
  if (photo.result && !photo.stale) return photo.result.restored ? `${photo.result.restored} restored` : photo.result.background ? "enlarged" : "nothing restored";
  if (photo.state === "ready") return photo.faces.length ? plural(photo.faces.length, "face") : "no face found";
  return photo.state === "restoring" ? "restoring…" : photo.state === "new" ? "waiting" : "looking…";
}

function refreshStage() {
  const photo = current;
  $("name").textContent = photo.name;
  $("found").textContent = photo.words;
  $("found").classList.toggle("error", photo.state === "failed");
  $("found").classList.toggle("message", photo.state === "failed");
  $("frame").hidden = !photo.picture;
  if (photo.picture && $("photo").src !== photo.picture.src) {
    $("photo").src = photo.picture.src;
    fit($("photo"), photo.picture.naturalWidth, photo.picture.naturalHeight, 70);
  }
  $("photo").alt = `${photo.name}, ${photo.faces.length ? plural(photo.faces.length, "face") : "no face found yet"}`;
  $("frame").classList.toggle("looking", photo.state === "looking" || photo.state === "sending");
  const usable = photo.id && photo.state !== "sending" && photo.state !== "failed";
  for (const id of ["turn", "draw"]) Object.assign($(id), { disabled: busy || !usable, hidden: photo.state === "failed" });
  $("remove").disabled = busy;
  const kinds = photo.faces.map(kindOf).join(" ").split(" ");
  $("legend").hidden = !photo.faces.length;
  for (const item of $("legend").children) item.hidden = !kinds.includes(item.className);
  refreshBoxes();
  refreshChoices();
}

function kindOf(face) {
  const kind = face.out ? "out" : face.restored || face.forced ? "in" : "left";
  return `${kind}${face.drawn ? " drawn" : ""}${kind === "left" && face.outcome === "doubtful" ? " doubtful" : ""}`;
}

function faceWords(face) {
  const name = `Face ${face.number}, ${face.size} px`;
  const doubt = face.warnings.length && face.restored ? ` (${face.warnings.join(", ")})` : "";
  if (face.out) return `${name}: taken out. Press to put it in again.`;
  if (face.forced) return `${name}: will be restored all the same. Press to leave it as it is.`;
  if (!face.restored) return `${name}: ${face.words}. Press to restore it all the same.`;
  const done = current?.result && !current.stale;
  const used = done ? usedWords(face, current) : "";
  return `${name}${doubt}: ${done ? "restored" : face.words}. ${used}${used && " "}Press to take it out.`;
}

function refreshBoxes() {
  const photo = current;
  const focused = document.activeElement?.dataset?.key;
  // A small face in front of a large one can be hit.
  const bySize = [...photo.faces].sort((one, other) => other.size - one.size);
  const boxes = photo.faces.map((face) => {
    const [left, top, right, bottom] = inside(face.box, photo);
    const button = element("button", { type: "button", className: `box ${kindOf(face)}` }, element("i", { textContent: face.number }));
    button.dataset.key = keyOf(face.box);
    button.setAttribute("aria-pressed", String(willRestore(face)));
    button.setAttribute("aria-label", faceWords(face));
    button.classList.toggle("low", top / photo.height < 0.08);
    Object.assign(button.style, {
      left: `${(100 * left) / photo.width}%`, top: `${(100 * top) / photo.height}%`,
      width: `${(100 * (right - left)) / photo.width}%`, height: `${(100 * (bottom - top)) / photo.height}%`,
      zIndex: 1 + bySize.indexOf(face),
    });
    button.onpointerenter = () => showTip(face);
    button.onpointerleave = hideTip;
    button.onfocus = () => showTip(face);
    button.onblur = hideTip;
    button.onclick = () => toggle(face);
    button.onkeydown = (event) => {
      if (face.drawn && ["Delete", "Backspace"].includes(event.key)) removeDrawn(face);
    };
    return button;
  });
  $("boxes").replaceChildren(...boxes);
  if (focused) boxes.find((button) => button.dataset.key === focused)?.focus();
}

/** A box without what reaches beyond the photo. */
function inside([left, top, right, bottom], { width, height }) {
  return [Math.max(0, left), Math.max(0, top), Math.min(width, right), Math.min(height, bottom)];
}

function toggle(face) {
  if (busy) return;
  if (face.restored) face.out = !face.out;
  else {
    face.forced = !face.forced;
    stale(current);
  }
  refresh(current);
  showTip(face);
}

function removeDrawn(face) {
  current.faces = current.faces.filter((other) => other !== face);
  stale(current);
  $("draw").focus();
  // A face that was found in its place is there again.
  look(current);
}

function showTip(face) {
  const tip = $("tip");
  tip.textContent = faceWords(face);
  tip.hidden = false;
  const [left, top, right, bottom] = inside(face.box, current).map((edge, at) => edge / (at % 2 ? current.height : current.width));
  const { clientWidth, clientHeight } = $("frame");
  const x = Math.min(Math.max(0, ((left + right) / 2) * clientWidth - tip.offsetWidth / 2), clientWidth - tip.offsetWidth);
  const below = bottom * clientHeight + 10;
  const fits = below + tip.offsetHeight <= clientHeight;
  Object.assign(tip.style, { left: `${Math.max(0, x)}px`, top: `${fits ? below : Math.max(0, top * clientHeight - tip.offsetHeight - 26)}px` });
}

function hideTip() {
  $("tip").hidden = true;
}

// ---- Drawing a face: with a pointer, or with the arrow keys ----

let drawing = null;

function startDrawing() {
  drawing = { start: null, box: null };
  $("draw").setAttribute("aria-pressed", "true");
  $("frame").classList.add("drawing");
  $("found").textContent =
    "Draw a box about the face, from the brows to the chin. With the keyboard: arrow keys move it, plus and minus size it, Enter adds it.";
}

function stopDrawing() {
  drawing = null;
  $("draw").setAttribute("aria-pressed", "false");
  $("frame").classList.remove("drawing");
  $("frame").querySelector(".new")?.remove();
}

function toPhoto(event) {
  const frame = $("photo").getBoundingClientRect();
  const clamp = (value) => Math.min(1, Math.max(0, value));
  return [clamp((event.clientX - frame.left) / frame.width) * current.width, clamp((event.clientY - frame.top) / frame.height) * current.height];
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
  } else if (event.pointerType === "mouse" && event.button === 0) pressed = { at: toPhoto(event), x: event.clientX, y: event.clientY };
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
  const [left, top, right, bottom] = drawing.box || [(width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2];
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  const sizes = { "+": step, "=": step, "-": -step };
  if (event.key === "Enter" && drawing.box) {
    event.preventDefault();
    addDrawn(drawing.box);
  } else if (moves[event.key]) {
    event.preventDefault();
    const [x, y] = moves[event.key];
    if (left + right + 2 * x > 0 && left + right + 2 * x < 2 * width && top + bottom + 2 * y > 0 && top + bottom + 2 * y < 2 * height)
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
  const face = { box: rounded, number, size, drawn: true, restored: true, words: "added", warnings: [], out: false, forced: false, own: null };
  photo.faces.push(face);
  stale(photo);
  // The server numbers the faces again: a box about a face that was found takes its place.
  await look(photo);
  const added = photo.faces.find((other) => keyOf(other.box) === keyOf(rounded));
  if (added && photo.state === "ready") say(photo, `Face ${added.number} added: ${added.words}.`);
}

// ---- Choices ----

function refreshChoices() {
  const photo = current;
  $("scales").hidden = !photo.scales.length;
  const focused = document.activeElement?.name === "scale";
  const labels = photo.scales
    .filter((each) => each.scale < 8 || photo.width * photo.height < 400_000)
    .map((each) => {
      const input = element("input", { type: "radio", name: "scale", value: each.scale, checked: each.scale === photo.scale, disabled: busy || !each.possible });
      input.onchange = () => {
        photo.scale = each.scale;
        stale(photo);
        refresh(photo);
      };
      const size = `${photo.width * each.scale}x${photo.height * each.scale}`;
      const title = each.possible ? "" : "larger than what can be made here";
      return element("label", { title }, input, element("b", { textContent: `${each.scale}x` }), element("small", { textContent: each.possible ? size : "too large" }));
    });
  $("scales").querySelector(".segments").replaceChildren(...labels);
  if (focused) $("scales").querySelector(":checked")?.focus();
  refreshSharpness(photo, busy);
  refreshSwitches(photo, busy);
  $("more").hidden = settings.models.length < 2 || photo.state === "failed";
  for (const input of $("models").querySelectorAll("input")) Object.assign(input, { checked: input.value === photo.model, disabled: busy });
}

function stale(photo) {
  if (photo.result) photo.stale = true;
}

function waiting() {
  return photos.filter((photo) => photo.state !== "failed" && (!photo.result || photo.stale));
}

function refreshButton(words = "") {
  const button = $("restore");
  button.disabled = busy;
  button.setAttribute("aria-busy", String(busy));
  if (busy) {
    if (words) $("restore-words").textContent = words;
    return;
  }
  const left = waiting();
  const faces = current ? current.faces.filter(willRestore).length : 0;
  let label = faces ? `Restore ${plural(faces, "face")}` : "Restore";
  if (photos.length > 1 && left.length) label = `Restore ${plural(left.length, "photo")}`;
  if (photos.length && !left.length && photos.some((photo) => photo.result)) label = "Show the result";
  $("restore-words").textContent = label;
}

function tell(words, isError = false) {
  $("message").textContent = words;
  $("message").classList.toggle("error", isError);
}

// ---- Restoring ----

async function restoreAll() {
  if (busy) return;
  tell("");
  if (!photos.length) return tell("Choose a photo first.", true);
  busy = true;
  const failures = [];
  let last = null;
  try {
    progress(0, "Getting ready…");
    refreshStage();
    await preparing;
    failures.push(...photos.filter((photo) => photo.state === "failed").map((photo) => `${photo.name}: ${photo.error}`));
    const wanted = waiting();
    for (const [at, photo] of wanted.entries()) {
      const count = photo.faces.filter(willRestore).length || photo.faces.length;
      const words = wanted.length > 1 ? `Restoring photo ${at + 1} of ${wanted.length}` : count ? `Restoring ${plural(count, "face")}` : "Enlarging";
      try {
        await restoreOne(photo, words, at / wanted.length, 1 / wanted.length);
        last ??= photo;
      } catch (error) {
        if (!(error instanceof Said)) console.error(error);
        photo.state = "ready";
        failures.push(`${photo.name}: ${error instanceof Said ? error.message : "Something went wrong here. Please try again."}`);
      }
    }
  } finally {
    busy = false;
  }
  tell(failures.join("\n"), true);
  if (last && (!current?.result || current.stale)) show(last);
  if (current) refresh(current);
  if (current?.result && !current.stale) reveal();
}

async function restoreOne(photo, words, from, share) {
  photo.state = "restoring";
  refreshList();
  const expected = 1.5 + (photo.findSeconds || 2) * 0.5 + photo.faces.length * 0.2 + backgroundSeconds(photo);
  const start = performance.now();
  const tick = () => {
    const seconds = (performance.now() - start) / 1000;
    progress(from + share * 0.95 * (1 - Math.exp((-1.6 * seconds) / expected)), "");
  };
  progress(from, `${words}…`);
  const bar = setInterval(tick, 400);
  const line = setInterval(async () => {
    try {
      const { ahead } = await (await call(`photos/${photo.id}/queue`)).json();
      if (busy) progress(null, ahead ? `Waiting for ${plural(ahead, "other photo")}…` : `${words}…`);
    } catch { /* the request itself says what is wrong */ }
  }, 2000);
  try {
    const reply = await withUpload(photo, () => call(`photos/${photo.id}/restored`, requestOf(photo)));
    const done = await reply.json();
    await take(photo, done);
  } finally {
    clearInterval(bar);
    clearInterval(line);
  }
}

async function take(photo, done) {
  const faces = merged(photo.faces, done.faces);
  const restored = faces.filter((face) => face.restored);
  for (const face of faces) if (face.restored) face.forced = photo.faces.some((old) => keyOf(old.box) === keyOf(face.box) && old.forced);
  const version = `?v=${Date.now()}`;
  const layers = new Map();
  const plain = loaded(`photos/${photo.id}/plain.jpg${version}`);
  const before = done.background ? loaded(`photos/${photo.id}/before.jpg${version}`) : plain;
  await Promise.all(
    restored.map(async (face) => {
      const [layer, before] = await Promise.all([
        loaded(`photos/${photo.id}/face-${face.number}.png${version}`),
        loaded(`photos/${photo.id}/face-${face.number}-before.png${version}`),
      ]);
      layers.set(face.number, { layer, before, steps: `photos/${photo.id}/face-${face.number}-steps.png${version}` });
    }),
  );
  photo.faces = faces;
  photo.result = { ...done, restored: restored.length, layers, plain: await plain, before: await before, asked: requestOf(photo) };
  Object.assign(photo, { stale: false, state: "ready" });
  photo.words = foundWords(photo);
}

function progress(share, words) {
  if (share !== null) $("restore").style.setProperty("--done", share.toFixed(3));
  refreshButton(words);
}

function reveal() {
  $("result").scrollIntoView({ block: "start" });
  $("result-title").focus({ preventScroll: true });
}

// ---- The result: blended here ----

function strengthOf(face, photo) {
  return face.out ? 0 : (face.own ?? photo.strength);
}

/** The strength that the result has, where that is less than the one chosen; empty where it is the same. */
function usedWords(face, photo) {
  const chosen = strengthOf(face, photo);
  if (!chosen || face.strength >= 1) return "";
  return `Used: ${Math.round(100 * chosen * face.strength)} %, since the model is not sure of this face.`;
}

function kept(photo) {
  return photo.faces.filter((face) => face.restored && photo.result.layers.has(face.number) && strengthOf(face, photo) > 0);
}

/** Whether a result differs from the plain enlargement, so that it is worth a download. */
function isMade(photo) {
  return photo.result.background || kept(photo).length > 0;
}

let shownResult = null;

function refreshResult() {
  const photo = current;
  const result = photo?.result;
  $("result").hidden = !result || Boolean(photo.stale);
  if ($("result").hidden) {
    shownResult = null;
    return;
  }
  const nothing = !result.restored && !result.background;
  if (shownResult !== result) {
    shownResult = result;
    $("result-title").textContent = result.restored ? `${plural(result.restored, "face")} restored` : "No face was restored";
    $("result-words").textContent = resultWords(photo);
    $("next").replaceChildren(...nextSteps(photo).map((words) => element("li", { textContent: words })));
    $("shown").hidden = nothing;
    if (!nothing) {
      $("strength").value = Math.round(100 * photo.strength);
      $("after").width = $("before").width = result.plain.naturalWidth;
      $("after").height = $("before").height = result.plain.naturalHeight;
      $("before").getContext("2d").drawImage(result.before, 0, 0);
      fit($("compare"), $("after").width, $("after").height, 82);
      cutThrough(photo);
      makeCards(photo);
      for (const part of [document.querySelector(".controls"), $("faces-title")]) part.hidden = !result.restored;
    }
  }
  if (!nothing) redraw();
}

/** Puts the line between before and after through the largest restored face. */
function cutThrough(photo) {
  const largest = photo.faces.filter((face) => face.restored).sort((one, other) => other.size - one.size)[0];
  const middle = largest ? (50 * (largest.box[0] + largest.box[2])) / photo.width : 50;
  $("cut").value = Math.round(Math.min(92, Math.max(8, middle)));
  $("cut").oninput();
}

function resultWords(photo) {
  const { result } = photo;
  const left = photo.faces.length - result.restored;
  const size = `${photo.width}x${photo.height} became ${result.width}x${result.height} pixels`;
  const made = result.restored || result.background;
  const parts = [made ? `${size} in ${result.elapsed_s.toFixed(1)} s${result.background ? ", with a sharper background" : ""}${result.restored && result.sharpness ? `, with ${result.sharpness < 1 ? "some" : "much"} detail that is invented` : ""}.` : "There is nothing to download."];
  if (left && made) parts.push(`${plural(left, "face")} ${left === 1 ? "was" : "were"} left as ${left === 1 ? "it is" : "they are"}; the boxes in the photo say why.`);
  if (result.warnings.length) parts.push(`Look closely at ${result.warnings.join("; ")}.`);
  if (result.notes.length) parts.push(`About the file: ${result.notes.join("; ")}.`);
  return parts.join(" ");
}

function nextSteps(photo) {
  const { result, faces } = photo;
  const steps = [];
  if (result.turned) steps.push("The photo seems to lie on its side: press Turn until it is upright.");
  if (!result.restored) {
    if (!faces.length) {
      steps.push("Is there a face? Press Add a face, and draw a box about it, from the brows to the chin.");
      if (!result.turned) steps.push("Is the photo upright? If not, press Turn.");
    } else {
      const reasons = [...new Set(faces.map((face) => face.words))];
      steps.push(...reasons.map((words) => `${plural(faces.filter((face) => face.words === words).length, "face")}: ${words}.`));
      steps.push("Tap a box in the photo to restore that face all the same, and press Restore again.");
    }
    steps.push("Or try another photo: faces that are small or blurred gain most.");
  }
  return steps;
}

let frame = 0;

function redraw() {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(() => {
    if (current?.result && !current.stale && (current.result.restored || current.result.background)) drawResult(current);
  });
}

function drawResult(photo) {
  const { result } = photo;
  const canvas = $("after");
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.globalAlpha = 1;
  pen.drawImage(result.plain, 0, 0);
  const [across, down] = [canvas.width / photo.width, canvas.height / photo.height];
  for (const face of kept(photo)) {
    const [left, top, side] = face.square;
    pen.globalAlpha = strengthOf(face, photo) * face.strength;
    pen.drawImage(result.layers.get(face.number).layer, left * across, top * down, side * across, side * down);
  }
  const count = kept(photo).length;
  canvas.setAttribute("aria-label", `${photo.name} after, with ${plural(count, "restored face")}`);
  $("before").setAttribute("aria-label", `${photo.name} before, enlarged`);
  $("strength-words").textContent = `${Math.round(100 * photo.strength)} %`;
  for (const face of photo.faces) {
    drawCard(photo, face);
    $("boxes").querySelector(`[data-key="${keyOf(face.box)}"]`)?.setAttribute("aria-label", faceWords(face));
  }
  const made = isMade(photo);
  $("downloads").hidden = !made;
  $("nothing").hidden = made;
  $("nothing").textContent = made ? "" : "Every face is taken out, so there is nothing to download. Put one in again, or raise the strength.";
  $("download").textContent = `Download ${result.download}`;
  const ready = done().length;
  $("download-all").hidden = ready < 2;
  $("download-all").textContent = `Download all ${ready} as one zip`;
  $("download").classList.toggle("primary", ready < 2);
}

function makeCards(photo) {
  const cards = photo.faces.filter((face) => photo.result.layers.has(face.number)).map((face) => {
    const { steps } = photo.result.layers.get(face.number);
    // What holds for every face is said once, above.
    const ownWarnings = face.warnings.filter((words) => photo.faces.some((other) => other.restored && !other.warnings.includes(words)));
    const keep = element("input", { type: "checkbox", checked: !face.out, id: `keep-${face.number}` });
    keep.onchange = () => {
      faceOf(face).out = !keep.checked;
      refresh(photo);
    };
    const output = element("output");
    const own = element("input", { type: "range", min: 0, max: 100, step: 1, id: `strength-${face.number}` });
    own.setAttribute("aria-label", `Strength of face ${face.number}`);
    own.oninput = () => {
      faceOf(face).own = own.value / 100;
      output.textContent = `${own.value} %`;
      redraw();
    };
    const details = element("details", {}, element("summary", { textContent: "Every step" }));
    details.ontoggle = () => {
      if (!details.open || details.querySelector("img")) return;
      details.append(element("img", { className: "steps", src: steps, alt: `Face ${face.number} as found, after each step, and with the landmarks that were found` }));
    };
    const card = element("li", {},
      element("div", { className: "row" },
        element("label", { className: "keep" }, keep, `Face ${face.number}`),
        element("span", { className: "mark", textContent: sureness(face) })),
      element("div", { className: "pair" }, figure(face, "was", "as it was"), figure(face, "made", "restored")),
      ...(ownWarnings.length ? [element("p", { className: "why", textContent: `Look closely: ${ownWarnings.join(", ")}.` })] : []),
      element("label", { className: "own", htmlFor: own.id }, "Strength", output), own,
      element("p", { className: "used quiet", hidden: true }), details);
    card.id = `card-${face.number}`;
    return card;
  });
  $("faces").replaceChildren(...cards);
}

function faceOf(face) {
  return current.faces.find((other) => other.number === face.number);
}

function sureness(face) {
  if (face.drawn) return `${face.size} px, added by you`;
  return face.probability === null ? `${face.size} px` : `${face.size} px, ${Math.round(100 * face.probability)} % sure a face`;
}

function figure(face, kind, words) {
  const canvas = element("canvas", { className: kind, width: 256, height: 256 });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Face ${face.number} ${words}`);
  return element("figure", {}, canvas, element("figcaption", { textContent: words }));
}

function drawCard(photo, face) {
  const card = $(`card-${face.number}`);
  const pictures = photo.result.layers.get(face.number);
  if (!card || !pictures) return;
  const strength = strengthOf(face, photo);
  for (const [kind, share] of [["was", 0], ["made", strength * face.strength]]) {
    const canvas = card.querySelector(`.${kind}`);
    const pen = canvas.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.globalAlpha = 1;
    pen.drawImage(pictures.before, 0, 0, canvas.width, canvas.height);
    // With a sharper background, the face is blended over that.
    if (kind === "made" && photo.result.background) drawPart(pen, photo, face, canvas);
    pen.globalAlpha = share;
    if (share) pen.drawImage(pictures.layer, 0, 0, canvas.width, canvas.height);
  }
  card.classList.toggle("off", face.out);
  card.querySelector("[type=checkbox]").checked = !face.out;
  const percent = Math.round(100 * (face.own ?? photo.strength));
  card.querySelector("[type=range]").value = percent;
  card.querySelector("output").textContent = `${percent} %`;
  const used = card.querySelector(".used");
  used.textContent = usedWords(face, photo);
  used.hidden = !used.textContent;
}

/** Draws what the plain picture shows of a face's square. */
function drawPart(pen, photo, face, canvas) {
  const { plain } = photo.result;
  const [left, top, side] = face.square;
  const scale = plain.naturalWidth / photo.width;
  pen.drawImage(plain, left * scale, top * scale, side * scale, side * scale, 0, 0, canvas.width, canvas.height);
}

// ---- Downloads ----

function composition(photo) {
  return { id: photo.id, ...photo.result.asked, strengths: Object.fromEntries(kept(photo).map((face) => [face.number, strengthOf(face, photo)])) };
}

/** Saves what the server sends under the name that it gives. */
async function save(button, path, body) {
  const words = button.textContent;
  button.disabled = true;
  button.textContent = "Preparing…";
  try {
    const reply = await call(path, body);
    const name = decodeURIComponent(/filename\*=UTF-8''([^;]+)/.exec(reply.headers.get("content-disposition"))?.[1] || "restored");
    const link = element("a", { href: URL.createObjectURL(await reply.blob()), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    if (error.status === 404) {
      for (const photo of photos) stale(photo);
      tell("The results have been deleted in the meantime. Press Restore once more.", true);
      if (current) refresh(current);
      $("restore").focus();
    } else tell(error.message, true);
  } finally {
    button.disabled = false;
    button.textContent = words;
  }
}

function done() {
  return photos.filter((photo) => photo.result && !photo.stale && isMade(photo));
}

$("download").onclick = () => save($("download"), `photos/${current.id}/result`, composition(current));
$("report").onclick = () => save($("report"), `photos/${current.id}/report`, composition(current));
$("download-all").onclick = () => save($("download-all"), "zip", { photos: done().map(composition) });

// ---- Wiring ----

$("cut").oninput = () => $("compare").style.setProperty("--at", `${$("cut").value}%`);
$("strength").oninput = () => {
  current.strength = $("strength").value / 100;
  $("strength-words").textContent = `${$("strength").value} %`;
  for (const face of current.faces) face.own = null;
  redraw();
};
$("turn").onclick = turn;
$("remove").onclick = remove;
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
onSharpness((sharpness) => {
  current.sharpness = sharpness;
  stale(current);
  refresh(current);
});

onSwitch(
  (on) => {
    current.largeFaces = on;
    stale(current);
    look(current);
  },
  (on) => {
    current.background = on;
    stale(current);
    refresh(current);
  },
);
$("restore").onclick = restoreAll;
$("files").onchange = () => {
  add([...$("files").files]);
  $("files").value = "";
};
$("example").onclick = async () => {
  try {
    const reply = await fetch("static/example.jpg");
    add([new File([await reply.blob()], "example.jpg", { type: "image/jpeg" })]);
  } catch {
    tell(COULD_NOT_REACH, true);
  }
};

for (const kind of ["dragover", "dragleave", "drop"])
  document.addEventListener(kind, (event) => {
    if (![...(event.dataTransfer?.types || [])].includes("Files")) return;
    event.preventDefault();
    document.body.classList.toggle("over", kind === "dragover");
    if (kind === "drop") add([...event.dataTransfer.files]);
  });
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files || [])];
  if (files.length) add(files);
});

async function begin() {
  try {
    Object.assign(settings, await (await call("settings")).json());
  } catch (error) {
    return tell(error.message, true);
  }
  $("files").accept = ["image/*", ...settings.suffixes].join(",");
  $("version").textContent = `dicface ${settings.version}`;
  const choices = settings.models.map((model) => {
    const input = element("input", { type: "radio", name: "model", value: model.name });
    input.onchange = () => {
      current.model = model.name;
      stale(current);
      look(current);
    };
    return element("label", { className: "choice" }, input, model.words);
  });
  $("models").replaceChildren(...choices);
  for (const photo of photos) photo.model ||= settings.models[0].name;
}

begin();
