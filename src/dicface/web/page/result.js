// The result of a photo, blended here from the enlarged photo and its restored faces.

import { drawCard, makeCards } from "./cards.js";
import { done } from "./downloads.js";
import { $, element, fit } from "./elements.js";
import { isMade, kept, keyOf, strengthOf } from "./faces.js";
import { current } from "./state.js";
import { faceWords, nextSteps, plural, resultWords } from "./words.js";

let shownResult = null;

export function refreshResult() {
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
    const title = result.restored ? `${plural(result.restored, "face")} restored` : "No face was restored";
    $("result-title").textContent = title;
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
      makeCards(photo, redraw);
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

let frame = 0;

function redraw() {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(() => {
    const result = current?.stale ? null : current?.result;
    if (result?.restored || result?.background) drawResult(current);
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
  $("nothing").textContent = made
    ? ""
    : "Every face is taken out, so there is nothing to download. Put one in again, or raise the strength.";
  $("download").textContent = `Download ${result.download}`;
  const ready = done().length;
  $("download-all").hidden = ready < 2;
  $("download-all").textContent = `Download all ${ready} as one zip`;
  $("download").classList.toggle("primary", ready < 2);
}

$("cut").oninput = () => $("compare").style.setProperty("--at", `${$("cut").value}%`);

$("strength").oninput = () => {
  current.strength = $("strength").value / 100;
  $("strength-words").textContent = `${$("strength").value} %`;
  for (const face of current.faces) face.own = null;
  redraw();
};
