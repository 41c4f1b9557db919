// The operator's further networks, which a visitor switches on and off: for larger faces, and for the background.

import { $ } from "./elements.js";
import { settings } from "./settings.js";

/** Seconds that the sharper background of a photo will take; 0 where it is off. */
export function backgroundSeconds(photo) {
  if (!photo.background || photo.scale === 1 || !settings.background) return 0;
  return secondsOf(photo);
}

function secondsOf(photo) {
  return ((photo.width * photo.height) / 1e6) * settings.background.s_per_megapixel;
}

/** The switches of a photo as the server takes them. */
export function switchesOf(photo) {
  return { large_faces: Boolean(photo.largeFaces), background: Boolean(photo.background && photo.scale > 1) };
}

function lengthWords(seconds) {
  if (seconds < 8) return "a few seconds";
  if (seconds < 95) return `about ${10 * Math.round(seconds / 10)} s`;
  return `about ${Math.round(seconds / 60)} minutes`;
}

function backgroundWords(photo) {
  if (photo.scale === 1) return "From 2x on: at 1x the photo keeps its size.";
  const seconds = secondsOf(photo);
  const limit = settings.background.limit_s;
  if (seconds > limit) {
    const stopped = `is stopped after ${lengthWords(limit)}. Use a smaller photo.`;
    return `Would take ${lengthWords(seconds)} for this photo, and ${stopped}`;
  }
  return `Everything around the faces gains detail, too. Takes ${lengthWords(seconds)} for this photo.`;
}

/** Shows the switches of a photo, those whose networks the operator has given. */
export function refreshSwitches(photo, off) {
  const [larger, background] = [settings.large_faces, Boolean(settings.background)];
  $("switches").hidden = !(larger || background) || !photo.width || photo.state === "failed";
  $("larger").hidden = !larger;
  $("sharper").hidden = !background;
  Object.assign($("large-faces"), { checked: Boolean(photo.largeFaces), disabled: off });
  Object.assign($("background"), { checked: Boolean(photo.background), disabled: off || photo.scale === 1 });
  if (background && photo.width) $("background-words").textContent = backgroundWords(photo);
}

/** What a click on a switch does. */
export function onSwitch(largeFaces, background) {
  $("large-faces").onchange = () => largeFaces($("large-faces").checked);
  $("background").onchange = () => background($("background").checked);
}
