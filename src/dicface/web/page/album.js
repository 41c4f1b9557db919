// Photos are added, turned and removed.

import { tell } from "./choices.js";
import { $, element, loaded } from "./elements.js";
import { look } from "./finding.js";
import { show } from "./list.js";
import { fail, say, stale } from "./photo.js";
import { call } from "./server.js";
import { settings } from "./settings.js";
import { busy, current, photos, refresh } from "./state.js";
import { send } from "./uploads.js";

/** Ends when the photos that were added have been uploaded and searched. */
export let preparing = Promise.resolve();

export function add(files) {
  for (const file of files) {
    const photo = {
      file, name: file.name || "photo.png", id: null, turn: 0, scale: 1, scales: [],
      model: settings.models[0]?.name, sharpness: settings.sharpness,
      largeFaces: settings.large_faces, background: false,
      faces: [], strength: 1, state: "new", words: "Waiting", error: null, result: null, picture: null,
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
    const { id, width, height, scales, scale } = seen;
    Object.assign(photo, { id, width, height, scales, scale });
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

/** Turns the photo that is shown by a quarter, clockwise. */
export async function turn() {
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

export function remove() {
  const at = photos.indexOf(current);
  if (at < 0 || busy) return;
  const [gone] = photos.splice(at, 1);
  gone.looks = (gone.looks || 0) + 1;
  if (gone.id) call(`photos/${gone.id}`, undefined, "DELETE").catch(() => {});
  tell("");
  show(photos[Math.min(at, photos.length - 1)] || null);
  (current ? $("remove") : $("files")).focus();
}
