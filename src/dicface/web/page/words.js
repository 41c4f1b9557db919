// What the page says of photos, their faces and their results.

import { strengthOf } from "./faces.js";
import { current } from "./state.js";

export function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

export function foundWords(photo) {
  const count = photo.faces.length;
  const said = `${plural(count, "face")} found.`;
  if (photo.turned) return `The photo seems to lie on its side. Press Turn until it is upright. ${said}`;
  if (!count) return "No face found. Press Add a face, and draw a box about one, from the brows to the chin.";
  const left = photo.faces.filter((face) => !face.restored && !face.forced).length;
  if (!left) return said;
  const [are, they] = left === 1 ? ["is", "it is"] : ["are", "they are"];
  const all = count === 1 ? "It" : "All";
  const which = left === count ? all : plural(left, "face");
  return `${said} ${which} ${are} left as ${they}: point at or tap a box to see why.`;
}

/** What the list says of a photo. */
export function shortWords(photo) {
  if (photo.state === "failed") return "cannot be read";
  if (photo.result && !photo.stale) {
    const { restored, background } = photo.result;
    return restored ? `${restored} restored` : background ? "enlarged" : "nothing restored";
  }
  if (photo.state === "ready") return photo.faces.length ? plural(photo.faces.length, "face") : "no face found";
  return photo.state === "restoring" ? "restoring…" : photo.state === "new" ? "waiting" : "looking…";
}

/** What the box of a face says. */
export function faceWords(face) {
  const name = `Face ${face.number}, ${face.size} px`;
  const warnings = face.warnings.length && face.restored ? ` (${face.warnings.join(", ")})` : "";
  if (face.out) return `${name}: taken out. Press to put it in again.`;
  if (face.forced && !face.restored) {
    // On a phone, the tap that asks for the reason makes the choice as well.
    const reason = face.words.replace("left as it is: ", "");
    return `${name}: will be restored all the same, although ${reason}. Press to leave it as it is.`;
  }
  if (!face.restored) return `${name}: ${face.words}. Press to restore it all the same.`;
  const done = current?.result && !current.stale;
  const used = done ? usedWords(face, current) : "";
  return `${name}${warnings}: ${done ? "restored" : face.words}. ${used}${used && " "}Press to take it out.`;
}

/** The strength that the result has, where that is less than the one chosen; empty where it is the same. */
export function usedWords(face, photo) {
  const chosen = strengthOf(face, photo);
  if (!chosen || face.strength >= 1) return "";
  return `Used: ${Math.round(100 * chosen * face.strength)} %, since the model is not sure of this face.`;
}

export function resultWords(photo) {
  const { result } = photo;
  const left = photo.faces.length - result.restored;
  const parts = [];
  if (result.restored || result.background) {
    const size = `${photo.width}x${photo.height} became ${result.width}x${result.height} pixels`;
    const background = result.background ? ", with a sharper background" : "";
    const invented = `, with ${result.sharpness < 1 ? "some" : "much"} detail that is invented`;
    const detail = result.restored && result.sharpness ? invented : "";
    parts.push(`${size} in ${result.elapsed_s.toFixed(1)} s${background}${detail}.`);
    const were = left === 1 ? "was left as it is" : "were left as they are";
    if (left) parts.push(`${plural(left, "face")} ${were}; the boxes in the photo say why.`);
  } else parts.push("There is nothing to download.");
  if (result.warnings.length) parts.push(`Look closely at ${result.warnings.join("; ")}.`);
  if (result.notes.length) parts.push(`About the file: ${result.notes.join("; ")}.`);
  return parts.join(" ");
}

export function nextSteps(photo) {
  const { result, faces } = photo;
  const steps = [];
  if (result.turned) steps.push("The photo seems to lie on its side: press Turn until it is upright.");
  if (!result.restored) {
    if (!faces.length) {
      steps.push("Is there a face? Press Add a face, and draw a box about it, from the brows to the chin.");
      if (!result.turned) steps.push("Is the photo upright? If not, press Turn.");
    } else {
      const reasons = [...new Set(faces.map((face) => face.words))];
      const having = (words) => plural(faces.filter((face) => face.words === words).length, "face");
      steps.push(...reasons.map((words) => `${having(words)}: ${words}.`));
      steps.push("Tap a box in the photo to restore that face all the same, and press Restore again.");
    }
    steps.push("Or try another photo: faces that are small or blurred gain most.");
  }
  return steps;
}

export function sureness(face) {
  if (face.drawn) return `${face.size} px, added by you`;
  if (face.probability === null) return `${face.size} px`;
  return `${face.size} px, ${Math.round(100 * face.probability)} % sure a face`;
}
