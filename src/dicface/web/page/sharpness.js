// How much detail faces get that the photo does not show.

import { settings } from "./settings.js";

const choices = () => document.querySelectorAll("#detail input");

const isOffered = (photo) => settings.sharp && photo.model === settings.models[0].name;

/** The sharpness of a photo as the server takes it. */
export function sharpnessOf(photo) {
  return isOffered(photo) ? photo.sharpness : 0;
}

/** Shows the choice of a photo, where the server has a sharp network. */
export function refreshSharpness(photo, off) {
  document.getElementById("detail").hidden = !isOffered(photo) || !photo.width || photo.state === "failed";
  for (const input of choices())
    Object.assign(input, { checked: Number(input.value) === photo.sharpness, disabled: off });
}

/** What a choice does. */
export function onSharpness(choose) {
  for (const input of choices()) input.onchange = () => choose(Number(input.value));
}
