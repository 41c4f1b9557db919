// What can be chosen for a photo, the button that restores, and the message below it.

import { $, element } from "./elements.js";
import { willRestore } from "./faces.js";
import { look } from "./finding.js";
import { stale } from "./photo.js";
import { settings } from "./settings.js";
import { onSharpness, refreshSharpness } from "./sharpness.js";
import { busy, current, photos, refresh, waiting } from "./state.js";
import { onSwitch, refreshSwitches } from "./switches.js";
import { plural } from "./words.js";

export function refreshChoices() {
  const photo = current;
  $("scales").hidden = !photo.scales.length;
  const focused = document.activeElement?.name === "scale";
  const labels = photo.scales
    .filter((each) => each.scale < 8 || photo.width * photo.height < 400_000)
    .map((each) => {
      const input = element("input", { type: "radio", name: "scale", value: each.scale });
      Object.assign(input, { checked: each.scale === photo.scale, disabled: busy || !each.possible });
      input.onchange = () => {
        photo.scale = each.scale;
        stale(photo);
        refresh(photo);
      };
      const size = `${photo.width * each.scale}x${photo.height * each.scale}`;
      const title = each.possible ? "" : "larger than what can be made here";
      return element("label", { title }, input,
        element("b", { textContent: `${each.scale}x` }),
        element("small", { textContent: each.possible ? size : "too large" }));
    });
  $("scales").querySelector(".segments").replaceChildren(...labels);
  if (focused) $("scales").querySelector(":checked")?.focus();
  refreshSharpness(photo, busy);
  refreshSwitches(photo, busy);
  $("more").hidden = settings.models.length < 2 || photo.state === "failed";
  for (const input of $("models").querySelectorAll("input"))
    Object.assign(input, { checked: input.value === photo.model, disabled: busy });
}

/** Offers the server's models. */
export function offerModels() {
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
}

export function refreshButton(words = "") {
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

/** Says something of all photos. */
export function tell(words, isError = false) {
  $("message").textContent = words;
  $("message").classList.toggle("error", isError);
}

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
