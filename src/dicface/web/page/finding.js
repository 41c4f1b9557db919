// The faces of a photo are looked for.

import { merged } from "./faces.js";
import { fail, requestOf, say } from "./photo.js";
import { call } from "./server.js";
import { withUpload } from "./uploads.js";
import { foundWords } from "./words.js";

/** Looks for the faces of a photo; what is chosen for those that are known stays. */
export async function look(photo) {
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
