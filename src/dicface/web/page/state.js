// What the page knows: its photos, the one that is shown, and whether photos are being restored.

/** The photos, in the order in which they were added. */
export const photos = [];

/** The photo that is shown; null where there is none. */
export let current = null;

/** Whether photos are being restored. */
export let busy = false;

export function setCurrent(photo) {
  current = photo;
}

export function setBusy(on) {
  busy = on;
}

/** The photos that are still to be restored. */
export function waiting() {
  return photos.filter((photo) => photo.state !== "failed" && (!photo.result || photo.stale));
}

let showChange = () => {};

/** Shows a photo that has changed, wherever it is seen. */
export function refresh(photo) {
  showChange(photo);
}

/** What shows a photo that has changed. */
export function onRefresh(show) {
  showChange = show;
}
