// What was made in this browser: settings and small views, the last forty.

const KEY = "history";
const MOST = 40;
const SIDE = 96;

export function entries() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) || "[]");
    return Array.isArray(kept) ? kept.slice(0, MOST) : [];
  } catch {
    return [];
  }
}

export function keep(entry) {
  let kept = [entry, ...entries()].slice(0, MOST);
  while (kept.length) {
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
      return;
    } catch { // full: the older half goes
      kept = kept.slice(0, Math.floor(kept.length / 2));
    }
  }
}

export function forget() {
  localStorage.removeItem(KEY);
}

// A small JPEG of an image element, as an address.
export function view(image) {
  const scale = Math.min(1, SIDE / Math.max(image.naturalWidth, image.naturalHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
  canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", 0.7);
}
