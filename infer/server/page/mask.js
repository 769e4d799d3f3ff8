// A mask painted over an image: by mouse, finger, pen or keys. What is painted may change.

export class Mask {
  // `changed` is called after each stroke.
  constructor(canvas, brush, erase, changed) {
    this.canvas = canvas;
    this.brush = brush;
    this.erase = erase;
    this.changed = changed;
    this.paint = document.createElement("canvas");
    this.image = null;
    this.last = null;
    this.cursor = null;
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, () => { this.last = null; });
    }
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focus", () => this.show());
    canvas.addEventListener("blur", () => this.show());
  }

  // `image` is a loaded image element, or null.
  open(image) {
    this.image = image;
    this.painted = false;
    if (!image) return;
    for (const canvas of [this.canvas, this.paint]) {
      canvas.width = image.naturalWidth;
      canvas.height = image.naturalHeight;
    }
    const ratio = image.naturalWidth / image.naturalHeight;
    this.canvas.style.width = `min(100%, ${22 * ratio}rem)`; // at most so high, small ones enlarged
    this.cursor = { x: image.naturalWidth / 2, y: image.naturalHeight / 2 };
    this.clear();
  }

  clear() {
    this.painted = false;
    this.paint.getContext("2d").clearRect(0, 0, this.paint.width, this.paint.height);
    this.show();
  }

  get radius() { // in pixels of the image: so many per cent of its longer side
    return Math.max(1, Math.max(this.paint.width, this.paint.height) * this.brush.value / 200);
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return {
      x: (event.clientX - box.left) / box.width * this.canvas.width,
      y: (event.clientY - box.top) / box.height * this.canvas.height,
    };
  }

  begin(event) {
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.canvas.focus({ preventScroll: true });
    this.last = this.cursor = this.at(event);
    this.stroke(this.last, this.last, this.erase.checked);
  }

  move(event) {
    if (!this.last) return;
    const here = this.at(event);
    this.stroke(this.last, here, this.erase.checked);
    this.last = this.cursor = here;
  }

  key(event) {
    const step = Math.max(1, this.radius);
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (move) {
      const within = (value, most) => Math.min(most, Math.max(0, value));
      this.cursor = {
        x: within(this.cursor.x + move[0] * step, this.canvas.width),
        y: within(this.cursor.y + move[1] * step, this.canvas.height),
      };
      this.show();
    } else if (event.key === " " || event.key === "Backspace") {
      this.stroke(this.cursor, this.cursor, event.key === "Backspace" || this.erase.checked);
    } else {
      return;
    }
    event.preventDefault();
  }

  stroke(from, to, erases) {
    const context = this.paint.getContext("2d");
    context.globalCompositeOperation = erases ? "destination-out" : "source-over";
    context.strokeStyle = "#e0402a";
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = 2 * this.radius;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x + 0.01, to.y);
    context.stroke();
    this.painted ||= !erases;
    this.show();
    this.changed();
  }

  show() {
    if (!this.image) return;
    const context = this.canvas.getContext("2d");
    context.drawImage(this.image, 0, 0, this.canvas.width, this.canvas.height);
    context.globalAlpha = 0.55;
    context.drawImage(this.paint, 0, 0);
    context.globalAlpha = 1;
    if (document.activeElement === this.canvas && this.cursor) {
      context.strokeStyle = "#e0402a";
      context.lineWidth = Math.max(1, this.canvas.width / 300);
      context.beginPath();
      context.arc(this.cursor.x, this.cursor.y, this.radius, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  // A PNG that is transparent where it was painted; null where nothing was.
  async file() {
    if (!this.image || !this.painted) return null;
    const canvas = document.createElement("canvas");
    canvas.width = this.paint.width;
    canvas.height = this.paint.height;
    const context = canvas.getContext("2d");
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.globalCompositeOperation = "destination-out";
    context.drawImage(this.paint, 0, 0);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }
}
