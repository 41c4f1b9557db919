// The page: photos are uploaded, faces shown as boxes and restored once, and blended here at any strength and choice.

import { add, remove, turn } from "./album.js";
import { offerModels, refreshButton, tell } from "./choices.js";
import { $ } from "./elements.js";
import { refreshList } from "./list.js";
import { restoreAll } from "./restoring.js";
import { refreshResult } from "./result.js";
import { COULD_NOT_REACH, call } from "./server.js";
import { settings } from "./settings.js";
import { refreshStage } from "./stage.js";
import { current, onRefresh, photos } from "./state.js";

onRefresh((photo) => {
  refreshList();
  if (photo === current) {
    refreshStage();
    refreshResult();
  }
  refreshButton();
});

$("turn").onclick = turn;
$("remove").onclick = remove;
$("restore").onclick = restoreAll;
$("files").onchange = () => {
  add([...$("files").files]);
  $("files").value = "";
};
$("example").onclick = async () => {
  try {
    const reply = await fetch("static/example.jpg");
    add([new File([await reply.blob()], "example.jpg", { type: "image/jpeg" })]);
  } catch {
    tell(COULD_NOT_REACH, true);
  }
};

for (const kind of ["dragover", "dragleave", "drop"])
  document.addEventListener(kind, (event) => {
    if (![...(event.dataTransfer?.types || [])].includes("Files")) return;
    event.preventDefault();
    document.body.classList.toggle("over", kind === "dragover");
    if (kind === "drop") add([...event.dataTransfer.files]);
  });
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files || [])];
  if (files.length) add(files);
});

async function begin() {
  try {
    Object.assign(settings, await (await call("settings")).json());
  } catch (error) {
    return tell(error.message, true);
  }
  $("files").accept = ["image/*", ...settings.suffixes].join(",");
  $("version").textContent = `dicface ${settings.version}`;
  offerModels();
  for (const photo of photos) {
    photo.model ||= settings.models[0].name;
    photo.sharpness ??= settings.sharpness;
  }
}

begin();
