// What the server says of itself: limits, models and further networks. Filled in when the page begins.

export const settings = {
  upload_mb: 128, megapixels: 64, models: [], sharp: false, large_faces: false, background: null,
  suffixes: [], clips: [],
};
