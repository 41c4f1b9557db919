// Photos are sent to the server, and sent again if it has deleted them.

import { say } from "./photo.js";
import { COULD_NOT_REACH, Said, aboutClip, fault, tooLarge } from "./server.js";
import { settings } from "./settings.js";

/** Uploads a photo; gives what the server says of it. */
export function send(photo) {
  return new Promise((resolve, reject) => {
    if (photo.file.size === 0) return reject(new Said("This file is empty."));
    const clip = aboutClip(photo.name);
    if (clip) return reject(new Said(clip));
    if (photo.file.size > settings.upload_mb * 2 ** 20) return reject(new Said(tooLarge()));
    const request = new XMLHttpRequest();
    request.open("POST", `photos?name=${encodeURIComponent(photo.name)}`);
    request.upload.onprogress = (event) => {
      photo.sent = event.lengthComputable ? event.loaded / event.total : 0;
      if (event.loaded < event.total) say(photo, `Sending ${Math.round(100 * photo.sent)} %`);
    };
    request.onload = () =>
      request.status === 201
        ? resolve(JSON.parse(request.responseText))
        : reject(fault(request.status, request.responseText));
    request.onerror = () => reject(new Said(COULD_NOT_REACH));
    request.send(photo.file);
  });
}

/** Does something with an uploaded photo; uploads it again if the server has deleted it meanwhile. */
export async function withUpload(photo, action) {
  if (!photo.id) photo.id = (await send(photo)).id;
  try {
    return await action();
  } catch (error) {
    if (error.status !== 404) throw error;
    photo.id = (await send(photo)).id;
    return action();
  }
}
