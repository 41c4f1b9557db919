// One photo: what is said of it, whether its result is out of date, and what the server is asked for it.

import { Said } from "./server.js";
import { sharpnessOf } from "./sharpness.js";
import { refresh } from "./state.js";
import { switchesOf } from "./switches.js";

/** Says something of a photo beside it. */
export function say(photo, words) {
  photo.words = words;
  refresh(photo);
}

/** Says why a photo cannot be used. */
export function fail(photo, error) {
  const said = error instanceof Said ? error : new Said("Something went wrong here. Please try again.");
  if (!(error instanceof Said)) console.error(error);
  Object.assign(photo, { state: "failed", error: said.message });
  say(photo, said.message);
}

/** Marks the result of a photo as out of date. */
export function stale(photo) {
  if (photo.result) photo.stale = true;
}

/** What the server is asked for a photo. */
export function requestOf(photo) {
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
