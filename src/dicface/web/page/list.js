// The list of the photos, and which of them is shown.

import { stopDrawing } from "./drawing.js";
import { $, element } from "./elements.js";
import { hideTip } from "./stage.js";
import { current, photos, refresh, setCurrent } from "./state.js";
import { shortWords } from "./words.js";

/** Shows a photo; none for null. */
export function show(photo) {
  setCurrent(photo);
  stopDrawing();
  hideTip();
  document.body.classList.toggle("working", photos.length > 0);
  $("work").hidden = !photo;
  $("result").hidden = true;
  if (photo) refresh(photo);
  else refreshList();
}

export function refreshList() {
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
