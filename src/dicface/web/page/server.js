// Requests to the server, and what is said when one fails.

import { settings } from "./settings.js";

export const COULD_NOT_REACH = "The server cannot be reached. Is it still running?";

export class Said extends Error {
  constructor(text, status = 0) {
    super(text);
    this.status = status;
  }
}

export function fault(status, text) {
  try {
    return new Said(JSON.parse(text).error || COULD_NOT_REACH, status);
  } catch {
    return new Said(status === 413 ? tooLarge() : "Something went wrong here. Please try again.", status);
  }
}

export function tooLarge() {
  return `This file is larger than ${settings.upload_mb} MB, the most that can be uploaded here.`;
}

/** Which command restores a clip, so that none is uploaded in vain; empty for photos. */
export function aboutClip(name) {
  if (!settings.clips.some((suffix) => name.toLowerCase().endsWith(suffix))) return "";
  const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  return `This is a clip. A command restores clips: dicface restore ${quoted(name)} -o ${quoted(`restored-${name}`)}`;
}

export async function call(path, body, method = body === undefined ? "GET" : "POST") {
  let reply;
  try {
    reply = await fetch(path, { method, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Said(COULD_NOT_REACH);
  }
  if (!reply.ok) throw fault(reply.status, await reply.text());
  return reply;
}
