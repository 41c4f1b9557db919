// The faces of a photo: where each is, what becomes of it, and how strongly.

/** What a face is known by while its number changes. */
export function keyOf(box) {
  return box.map((edge) => edge.toFixed(1)).join(",");
}

/** Faces as the server gives them, with what the visitor has chosen for each. */
export function merged(before, now) {
  const known = new Map(before.map((face) => [keyOf(face.box), face]));
  return now.map((face) => {
    const old = known.get(keyOf(face.box)) || {};
    return { ...face, out: old.out || false, forced: (old.forced && !face.restored) || false, own: old.own ?? null };
  });
}

export function willRestore(face) {
  return !face.out && (face.restored || face.forced);
}

/** The classes of a face's box. */
export function kindOf(face) {
  const kind = face.out ? "out" : face.restored || face.forced ? "in" : "left";
  return `${kind}${face.drawn ? " drawn" : ""}${kind === "left" && face.outcome === "doubtful" ? " doubtful" : ""}`;
}

/** A box without what reaches beyond the photo. */
export function inside([left, top, right, bottom], { width, height }) {
  return [Math.max(0, left), Math.max(0, top), Math.min(width, right), Math.min(height, bottom)];
}

/** The strength that is chosen for a face. */
export function strengthOf(face, photo) {
  return face.out ? 0 : (face.own ?? photo.strength);
}

/** The faces that a result holds, at more than no strength. */
export function kept(photo) {
  const { layers } = photo.result;
  return photo.faces.filter((face) => face.restored && layers.has(face.number) && strengthOf(face, photo) > 0);
}

/** Whether a result differs from the plain enlargement, so that it is worth a download. */
export function isMade(photo) {
  return photo.result.background || kept(photo).length > 0;
}
