// Results and reports are saved.

import { tell } from "./choices.js";
import { $, element } from "./elements.js";
import { isMade, kept, strengthOf } from "./faces.js";
import { stale } from "./photo.js";
import { call } from "./server.js";
import { current, photos, refresh } from "./state.js";

function composition(photo) {
  const strengths = Object.fromEntries(kept(photo).map((face) => [face.number, strengthOf(face, photo)]));
  return { id: photo.id, ...photo.result.asked, strengths };
}

/** Saves what the server sends under the name that it gives. */
async function save(button, path, body) {
  const words = button.textContent;
  button.disabled = true;
  button.textContent = "Preparing…";
  try {
    const reply = await call(path, body);
    const given = /filename\*=UTF-8''([^;]+)/.exec(reply.headers.get("content-disposition"));
    const name = decodeURIComponent(given?.[1] || "restored");
    const link = element("a", { href: URL.createObjectURL(await reply.blob()), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    if (error.status === 404) {
      for (const photo of photos) stale(photo);
      tell("The results have been deleted in the meantime. Press Restore once more.", true);
      if (current) refresh(current);
      $("restore").focus();
    } else tell(error.message, true);
  } finally {
    button.disabled = false;
    button.textContent = words;
  }
}

/** The photos with a result to save. */
export function done() {
  return photos.filter((photo) => photo.result && !photo.stale && isMade(photo));
}

$("download").onclick = () => save($("download"), `photos/${current.id}/result`, composition(current));
$("report").onclick = () => save($("report"), `photos/${current.id}/report`, composition(current));
$("download-all").onclick = () => save($("download-all"), "zip", { photos: done().map(composition) });
