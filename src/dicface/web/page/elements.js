// The elements of the page, and the pictures in them.

import { Said } from "./server.js";

export const $ = (id) => document.getElementById(id);

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export function loaded(url) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new Said("A picture could not be loaded. Please try again."));
    image.src = url;
  });
}

/** Shows a picture as large as there is room: small ones are enlarged, since small faces have to be hit. */
export function fit(shown, width, height, percentOfScreen) {
  const ratio = width / height;
  const most = Math.max(width, Math.min(1, ratio) * 640);
  shown.style.width = `min(100%, ${(percentOfScreen * ratio).toFixed(2)}vh, ${most}px)`;
  shown.style.aspectRatio = `${width} / ${height}`;
}
