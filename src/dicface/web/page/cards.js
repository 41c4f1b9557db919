// The restored faces, each on a card: before, after, its strength, and every step.

import { $, element } from "./elements.js";
import { strengthOf } from "./faces.js";
import { current, refresh } from "./state.js";
import { sureness, usedWords } from "./words.js";

/** Makes the cards of a photo. `redraw` draws its result after a strength has changed. */
export function makeCards(photo, redraw) {
  const cards = photo.faces.filter((face) => photo.result.layers.has(face.number)).map((face) => {
    const { steps } = photo.result.layers.get(face.number);
    // What holds for every face is said once, above.
    const isOwn = (words) => photo.faces.some((other) => other.restored && !other.warnings.includes(words));
    const ownWarnings = face.warnings.filter(isOwn);
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
      const alt = `Face ${face.number} as found, after each step, and with the landmarks that were found`;
      details.append(element("img", { className: "steps", src: steps, alt }));
    };
    const why = `Look closely: ${ownWarnings.join(", ")}.`;
    const card = element("li", {},
      element("div", { className: "row" },
        element("label", { className: "keep" }, keep, `Face ${face.number}`),
        element("span", { className: "mark", textContent: sureness(face) })),
      element("div", { className: "pair" }, figure(face, "was", "as it was"), figure(face, "made", "restored")),
      ...(ownWarnings.length ? [element("p", { className: "why", textContent: why })] : []),
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

function figure(face, kind, words) {
  const canvas = element("canvas", { className: kind, width: 256, height: 256 });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Face ${face.number} ${words}`);
  return element("figure", {}, canvas, element("figcaption", { textContent: words }));
}

/** Draws the card of a face at the strength that it has now. */
export function drawCard(photo, face) {
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
