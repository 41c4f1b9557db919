// Photos are restored, one after the other.

import { preparing } from "./album.js";
import { refreshButton, tell } from "./choices.js";
import { $, loaded } from "./elements.js";
import { keyOf, merged, willRestore } from "./faces.js";
import { refreshList, show } from "./list.js";
import { requestOf } from "./photo.js";
import { Said, call } from "./server.js";
import { refreshStage } from "./stage.js";
import { busy, current, photos, refresh, setBusy, waiting } from "./state.js";
import { backgroundSeconds } from "./switches.js";
import { withUpload } from "./uploads.js";
import { foundWords, plural } from "./words.js";

export async function restoreAll() {
  if (busy) return;
  tell("");
  if (!photos.length) return tell("Choose a photo first.", true);
  setBusy(true);
  const failures = [];
  let last = null;
  try {
    progress(0, "Getting ready…");
    refreshStage();
    await preparing;
    const refused = photos.filter((photo) => photo.state === "failed");
    failures.push(...refused.map((photo) => `${photo.name}: ${photo.error}`));
    const wanted = waiting();
    for (const [at, photo] of wanted.entries()) {
      const count = photo.faces.filter(willRestore).length || photo.faces.length;
      const what = count ? `Restoring ${plural(count, "face")}` : "Enlarging";
      const words = wanted.length > 1 ? `Restoring photo ${at + 1} of ${wanted.length}` : what;
      try {
        await restoreOne(photo, words, at / wanted.length, 1 / wanted.length);
        last ??= photo;
      } catch (error) {
        if (!(error instanceof Said)) console.error(error);
        photo.state = "ready";
        const said = error instanceof Said ? error.message : "Something went wrong here. Please try again.";
        failures.push(`${photo.name}: ${said}`);
      }
    }
  } finally {
    setBusy(false);
  }
  tell(failures.join("\n"), true);
  if (last && (!current?.result || current.stale)) show(last);
  if (current) refresh(current);
  if (current?.result && !current.stale) reveal();
}

async function restoreOne(photo, words, from, share) {
  photo.state = "restoring";
  refreshList();
  const expected = 1.5 + (photo.findSeconds || 2) * 0.5 + photo.faces.length * 0.2 + backgroundSeconds(photo);
  const start = performance.now();
  const tick = () => {
    const seconds = (performance.now() - start) / 1000;
    progress(from + share * 0.95 * (1 - Math.exp((-1.6 * seconds) / expected)), "");
  };
  progress(from, `${words}…`);
  const bar = setInterval(tick, 400);
  const line = setInterval(async () => {
    try {
      const { ahead } = await (await call(`photos/${photo.id}/queue`)).json();
      if (busy) progress(null, ahead ? `Waiting for ${plural(ahead, "other photo")}…` : `${words}…`);
    } catch { /* the request itself says what is wrong */ }
  }, 2000);
  try {
    const reply = await withUpload(photo, () => call(`photos/${photo.id}/restored`, requestOf(photo)));
    const done = await reply.json();
    await take(photo, done);
  } finally {
    clearInterval(bar);
    clearInterval(line);
  }
}

/** Takes over what the server has restored. */
async function take(photo, done) {
  const faces = merged(photo.faces, done.faces);
  const restored = faces.filter((face) => face.restored);
  for (const face of restored)
    face.forced = photo.faces.some((old) => keyOf(old.box) === keyOf(face.box) && old.forced);
  const version = `?v=${Date.now()}`;
  const layers = new Map();
  const plain = loaded(`photos/${photo.id}/plain.jpg${version}`);
  const before = done.background ? loaded(`photos/${photo.id}/before.jpg${version}`) : plain;
  await Promise.all(
    restored.map(async (face) => {
      const [layer, before] = await Promise.all([
        loaded(`photos/${photo.id}/face-${face.number}.png${version}`),
        loaded(`photos/${photo.id}/face-${face.number}-before.png${version}`),
      ]);
      layers.set(face.number, { layer, before, steps: `photos/${photo.id}/face-${face.number}-steps.png${version}` });
    }),
  );
  photo.faces = faces;
  photo.result = {
    ...done, restored: restored.length, layers, plain: await plain, before: await before, asked: requestOf(photo),
  };
  Object.assign(photo, { stale: false, state: "ready" });
  photo.words = foundWords(photo);
}

function progress(share, words) {
  if (share !== null) $("restore").style.setProperty("--done", share.toFixed(3));
  refreshButton(words);
}

function reveal() {
  $("result").scrollIntoView({ block: "start" });
  $("result-title").focus({ preventScroll: true });
}
