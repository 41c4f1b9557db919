// The photo that is shown, with a box about each face.

import { refreshChoices } from "./choices.js";
import { $, element, fit } from "./elements.js";
import { inside, keyOf, kindOf, willRestore } from "./faces.js";
import { look } from "./finding.js";
import { stale } from "./photo.js";
import { busy, current, refresh } from "./state.js";
import { faceWords, plural } from "./words.js";

export function refreshStage() {
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
  for (const id of ["turn", "draw"])
    Object.assign($(id), { disabled: busy || !usable, hidden: photo.state === "failed" });
  $("remove").disabled = busy;
  const kinds = photo.faces.map(kindOf).join(" ").split(" ");
  $("legend").hidden = !photo.faces.length;
  for (const item of $("legend").children) item.hidden = !kinds.includes(item.className);
  refreshBoxes();
  refreshChoices();
}

function refreshBoxes() {
  const photo = current;
  const focused = document.activeElement?.dataset?.key;
  // A small face in front of a large one can be hit.
  const bySize = [...photo.faces].sort((one, other) => other.size - one.size);
  const boxes = photo.faces.map((face) => {
    const [left, top, right, bottom] = inside(face.box, photo);
    const number = element("i", { textContent: face.number });
    const button = element("button", { type: "button", className: `box ${kindOf(face)}` }, number);
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
  const { width, height } = current;
  const [left, top, right, bottom] = inside(face.box, current).map((edge, at) => edge / (at % 2 ? height : width));
  const { clientWidth, clientHeight } = $("frame");
  const middle = ((left + right) / 2) * clientWidth;
  const x = Math.min(Math.max(0, middle - tip.offsetWidth / 2), clientWidth - tip.offsetWidth);
  const below = bottom * clientHeight + 10;
  const fits = below + tip.offsetHeight <= clientHeight;
  const above = Math.max(0, top * clientHeight - tip.offsetHeight - 26);
  Object.assign(tip.style, { left: `${Math.max(0, x)}px`, top: `${fits ? below : above}px` });
}

export function hideTip() {
  $("tip").hidden = true;
}
