--[[
Restore small faces while exporting from darktable, with the command `dicface`.

Copy this file to ~/.config/darktable/lua/ (Windows: %LOCALAPPDATA%\darktable\lua\) and add to the file luarc beside
that folder: require "dicface"

In the export module, choose the target storage "restore faces (dicface)" and JPEG, PNG or TIFF. Each result is put
beside its original as NAME-restored.EXT, imported, and grouped with the original.
]]

local dt = require "darktable"

local MODULE = "dicface"
local KNOWN = { jpg = true, jpeg = true, png = true, tif = true, tiff = true, webp = true, avif = true }

dt.preferences.register(MODULE, "command", "string", "dicface: command",
  "name or path of the command dicface", "dicface")
dt.preferences.register(MODULE, "strength", "float", "dicface: strength",
  "0: the plain enlargement, 1: the model's face", 1, 0, 1, 0.05)
dt.preferences.register(MODULE, "scale", "integer", "dicface: scale",
  "enlargement of the photo", 1, 1, 8)
dt.preferences.register(MODULE, "model", "string", "dicface: model",
  "name of a model that dicface models lists, or a file", "lite")

-- A word for the shell of this system, whatever it holds.
local function quoted(word)
  if dt.configuration.running_os == "windows" then
    return '"' .. word:gsub('"', "") .. '"'
  end
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then
    file:close()
  end
  return file ~= nil
end

-- A path beside the original that no file has.
local function free_path(image, exported)
  local separator = dt.configuration.running_os == "windows" and "\\" or "/"
  local stem = image.path .. separator .. image.filename:gsub("%.[^.]*$", "") .. "-restored"
  local suffix = exported:match("%.[^.]*$"):lower()
  local path, number = stem .. suffix, 1
  while exists(path) do
    path, number = stem .. "-" .. number .. suffix, number + 1
  end
  return path
end

local function restore(exported, target)
  local function setting(name, kind)
    return dt.preferences.read(MODULE, name, kind)
  end
  -- A decimal point, whatever the language of the system writes.
  local strength = string.format("%.2f", setting("strength", "float")):gsub(",", ".")
  local words = {
    setting("command", "string"), "restore", exported, "--out", target,
    "--scale", string.format("%d", setting("scale", "integer")),
    "--strength", strength,
    "--model", setting("model", "string"),
  }
  for position, word in ipairs(words) do
    words[position] = quoted(word)
  end
  local call = table.concat(words, " ")
  if dt.configuration.running_os == "windows" then
    call = '"' .. call .. '"' -- cmd takes the outermost quotes away
  end
  return dt.control.execute(call) == 0
end

local function supported(storage, format)
  return KNOWN[format.extension:lower()] == true
end

local function store(storage, image, format, exported, number, total)
  dt.print(string.format("dicface: exported %d of %d", number, total))
end

local function finalize(storage, images)
  local done, failed = 0, 0
  for image, exported in pairs(images) do
    local target = free_path(image, exported)
    if restore(exported, target) then
      local result = dt.database.import(target)
      result:group_with(image.group_leader)
      done = done + 1
    else
      dt.print_error("dicface failed on " .. image.path .. "/" .. image.filename)
      failed = failed + 1
    end
    os.remove(exported)
  end
  if failed > 0 then
    dt.print(string.format("dicface: %d done, %d failed; start darktable in a terminal to see why", done, failed))
  else
    dt.print(string.format("dicface: %d done", done))
  end
end

dt.register_storage(MODULE, "restore faces (dicface)", store, finalize, supported)
