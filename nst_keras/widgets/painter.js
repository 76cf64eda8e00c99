// The mask painter in the browser: an ES module for anywidget, used without a build step.
//
// A mask is an array of width × height levels, 255 where the style applies. Every tool makes a cover, an array of the
// same kind. Painting takes the maximum of mask and cover, erasing the minimum of mask and 255 − cover: the union and
// the difference of nst_keras.combine_masks. Points are in pixels of the picture, from its upper left corner.

const TOOLS = {
  brush: ["Brush", "b", "Drag to paint. Keys [ and ] change the size."],
  polygon: ["Polygon", "p", "Click point after point; Enter or the first point closes it, Backspace takes one back."],
  fill: ["Fill", "f", "Click to fill a connected area of like colours. Keys [ and ] change the tolerance."],
  move: ["Move", "m", "Drag to move. With every tool: the middle button; Ctrl and the wheel, or two fingers, zoom."],
};
const MAX_UNDONE = 30;
const OPACITY = { active: 0.65, other: 0.3 };
const HANDLE = 10; // screen pixels: a click this near to a polygon's first point closes it
const MAX_ZOOM = 32; // screen pixels per pixel of the picture

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const distance = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);

function eachPixel({ left, top, right, bottom }, width, act) {
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) act(y * width + x, x + 0.5, y + 0.5);
  }
}

/** Raise `cover` along a line: full up to hardness · radius from it, falling linearly to 0 at the radius. */
function coverLine(cover, width, height, from, to, radius, hardness) {
  const range = (a, b, end) =>
    [Math.min(a, b) - radius, Math.max(a, b) + radius + 1].map((edge) => clamp(Math.floor(edge), 0, end));
  const [[left, right], [top, bottom]] = [range(from.x, to.x, width), range(from.y, to.y, height)];
  const softness = Math.max(1, radius * (1 - hardness)); // an edge narrower than a pixel would show stairs
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  eachPixel({ left, top, right, bottom }, width, (i, x, y) => {
    const share = clamp(((x - from.x) * dx + (y - from.y) * dy) / (dx * dx + dy * dy || 1), 0, 1);
    const off = Math.hypot(x - from.x - share * dx, y - from.y - share * dy);
    cover[i] = Math.max(cover[i], (255 * (radius + 0.5 - off)) / softness); // the array clamps to 0 … 255
  });
  return { left, top, right, bottom };
}

/** The cover of a polygon: at its edge, the share of a pixel that lies inside. */
function coverPolygon(width, height, points) {
  const context = newContext(width, height);
  points.forEach(({ x, y }) => context.lineTo(x, y));
  context.fill();
  return context.getImageData(0, 0, width, height).data.filter((_, i) => i % 4 === 3);
}

/** The cover of the connected area within `tolerance` of the colour at a point: √(mean of squared differences). */
function coverFlood(pixels, width, height, point, tolerance) {
  const cover = new Uint8ClampedArray(width * height);
  const first = Math.floor(point.y) * width + Math.floor(point.x);
  const squared = (i, channel) => (pixels[4 * i + channel] - pixels[4 * first + channel]) ** 2;
  const open = [];
  const visit = (i) => {
    if (cover[i] || squared(i, 0) + squared(i, 1) + squared(i, 2) > 3 * (255 * tolerance) ** 2) return;
    cover[i] = 255;
    open.push(i);
  };
  visit(first);
  while (open.length) {
    const i = open.pop();
    if (i % width > 0) visit(i - 1);
    if (i % width < width - 1) visit(i + 1);
    if (i >= width) visit(i - width);
    if (i < cover.length - width) visit(i + width);
  }
  return cover;
}

async function render({ model, el }) {
  const bitmap = await createImageBitmap(new Blob([model.get("_picture")]));
  const { width, height } = bitmap;
  const all = { left: 0, top: 0, right: width, bottom: height };
  const labels = model.get("_labels");
  let masks = [];
  let [tool, erase, active, points, cursor] = ["brush", false, 0, [], null];
  let [before, cover, done, undone] = [null, null, [], []]; // the mask before the current edit; its cover; the edits
  let view = { scale: 1, x: 0, y: 0 }; // a point is at scale · point + (x, y) on the screen
  const pointers = new Map(); // id → position on the screen, while pressed

  const root = add(el, "div", { className: "mask-painter" });
  const bar = add(root, "div", { className: "mask-painter-bar", role: "toolbar", ariaLabel: "Tools" });
  const maskBar = add(root, "div", { className: "mask-painter-bar", role: "toolbar", ariaLabel: "Masks" });
  const keys = {};
  function button(parent, textContent, title, key, onclick) {
    keys[key] = onclick;
    return add(parent, "button", { type: "button", textContent, title: `${title} (${key})`, onclick });
  }
  const toolButtons = Object.entries(TOOLS).map(([name, [text, key, hint]]) =>
    button(bar, text, hint, key, () => choose({ name })),
  );
  const eraseButton = button(bar, "Erase", "Erase, with every tool", "e", () => choose({ erasing: !erase }));
  const undoButton = button(bar, "Undo", "Take the last edit back", "Ctrl+z", () => step(done, undone));
  const redoButton = button(bar, "Redo", "Do it again", "Ctrl+Shift+z", () => step(undone, done));
  button(bar, "Zoom +", "Zoom in", "+", () => zoom(1.5));
  button(bar, "Zoom −", "Zoom out", "-", () => zoom(1 / 1.5));
  button(bar, "Fit", "Show the whole picture", "0", () => fit());
  const maskButtons = labels.map(({ name }, index) =>
    button(maskBar, name, `Paint the mask ${name}`, index + 1, () => choose({ index })),
  );
  labels.forEach(({ color }, index) => (maskButtons[index].style.borderLeft = `14px solid ${color}`));
  const size = slider(maskBar, "Size", 1, Math.ceil(width / 2), Math.ceil(width / 16));
  const hardness = slider(maskBar, "Hardness %", 0, 100, 80);
  const tolerance = slider(maskBar, "Tolerance %", 0, 100, 10);
  const stage = add(root, "canvas", { className: "mask-painter-stage", tabIndex: 0 });
  stage.style.aspectRatio = `${width} / ${height}`;
  const status = add(root, "div", { className: "mask-painter-status", role: "status" });
  for (const part of root.querySelectorAll("*")) part.dataset.lmSuppressShortcuts = "true"; // or Jupyter takes the keys

  function refresh() {
    Object.keys(TOOLS).forEach((name, i) => (toolButtons[i].ariaPressed = String(name === tool)));
    maskButtons.forEach((chosen, i) => (chosen.ariaPressed = String(i === active)));
    eraseButton.ariaPressed = String(erase);
    [undoButton.disabled, redoButton.disabled] = [done.length === 0, undone.length === 0];
    stage.style.cursor = { brush: "none", move: "grab" }[tool] ?? "crosshair";
    stage.ariaLabel = `${TOOLS[tool][0]}, ${erase ? "erasing from" : "painting"} ${labels[active].name}`;
    const white = masks.map((mask) => mask.reduce((sum, level) => sum + level, 0) / 2.55 / mask.length);
    const shares = labels.map(({ name }, i) => `${name}: ${white[i].toFixed(1)} %`);
    status.textContent = `${shares.join(" · ")}\n${TOOLS[tool][2]}`;
    redraw();
  }

  // The picture, and a layer for each mask: its colour, as opaque as the mask is white
  const reader = newContext(width, height);
  reader.drawImage(bitmap, 0, 0);
  const pixels = reader.getImageData(0, 0, width, height).data;
  const layers = labels.map(({ color }) => {
    const context = Object.assign(newContext(width, height), { fillStyle: color });
    context.fillRect(0, 0, width, height);
    return { context, image: context.getImageData(0, 0, width, height) };
  });

  function shade(index, box = all) {
    const { context, image } = layers[index];
    eachPixel(box, width, (i) => (image.data[4 * i + 3] = masks[index][i]));
    context.putImageData(image, 0, 0, box.left, box.top, box.right - box.left, box.bottom - box.top);
    redraw();
  }

  function draw() {
    frame = null;
    const context = stage.getContext("2d");
    const place = (layer, globalAlpha) =>
      Object.assign(context, { globalAlpha }).drawImage(layer, view.x, view.y, view.scale * width, view.scale * height);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, stage.clientWidth, stage.clientHeight);
    context.imageSmoothingEnabled = view.scale * devicePixelRatio < 3;
    place(bitmap, 1);
    layers.forEach((layer, index) => place(layer.context.canvas, index === active ? OPACITY.active : OPACITY.other));
    const outline = new Path2D();
    const corners = points.concat(points.length && cursor ? [cursor] : []).map(toScreen);
    corners.forEach(({ x, y }) => outline.lineTo(x, y));
    if (corners.length) outline.rect(corners[0].x - 4, corners[0].y - 4, 8, 8);
    const { x, y } = toScreen(cursor ?? {});
    if (cursor && tool === "brush") outline.arc(x, y, (view.scale * size.value) / 2, 0, 2 * Math.PI);
    Object.assign(context, { globalAlpha: 1, strokeStyle: "black", lineWidth: 3 }).stroke(outline);
    Object.assign(context, { strokeStyle: "white", lineWidth: 1.5 }).stroke(outline); // one of the two is visible
  }

  let frame = null;
  const redraw = () => (frame ??= requestAnimationFrame(draw));
  const toScreen = ({ x, y }) => ({ x: view.scale * x + view.x, y: view.scale * y + view.y });
  const onPicture = ({ x, y }) => ({ x: (x - view.x) / view.scale, y: (y - view.y) / view.scale });
  const fittingScale = () => Math.min(stage.clientWidth / width, stage.clientHeight / height);
  const middle = () => ({ x: stage.clientWidth / 2, y: stage.clientHeight / 2 });
  const fit = () => look(fittingScale(), { x: width / 2, y: height / 2 }, middle());

  function look(scale, point, at) {
    view = { scale, x: at.x - scale * point.x, y: at.y - scale * point.y };
    redraw();
  }

  /** Zoom by a factor and move what is at `from` on screen to `to`. */
  function zoom(factor, from = middle(), to = from) {
    look(clamp(view.scale * factor, fittingScale() / 2, MAX_ZOOM), onPicture(from), to);
  }

  // Edits of the active mask: begin, apply whenever the cover has grown, commit or cancel
  const begin = (itsCover) => ([before, cover] = [masks[active].slice(), itsCover]);
  function apply(box) {
    eachPixel(box, width, (i) => {
      masks[active][i] = erase ? Math.min(before[i], 255 - cover[i]) : Math.max(before[i], cover[i]);
    });
    shade(active, box);
  }

  function commit() {
    done = [...done.slice(1 - MAX_UNDONE), { index: active, mask: before }];
    [undone, before] = [[], null];
    publish();
  }

  function edit(itsCover) {
    begin(itsCover);
    apply(all);
    commit();
  }

  /** Take the last edit of one list back, and put what that replaces on the other. */
  function step(from, onto) {
    if (before || from.length === 0) return;
    const { index, mask } = from.pop();
    onto.push({ index, mask: masks[index] });
    [masks[index], active] = [mask, index];
    shade(index);
    publish();
  }

  function stroke(from, to) {
    const line = [onPicture(from), onPicture(to)];
    apply(coverLine(cover, width, height, ...line, size.value / 2, hardness.value / 100));
  }

  function choose({ name = tool, index = active, erasing = erase }) {
    if (!before) [tool, active, erase, points] = [name, index, erasing, []]; // not in the middle of a stroke
    refresh();
  }

  function closePolygon() {
    if (points.length > 2) edit(coverPolygon(width, height, points));
    points = [];
  }

  let [sent, queue] = [null, Promise.resolve()];
  function publish() {
    refresh();
    const packing = Promise.all(masks.map(pack)); // packs the levels as they are now
    queue = queue.then(async () => {
      sent = await packing;
      model.set("_packed", sent);
      model.save_changes();
    });
  }

  async function receive() {
    if (model.get("_packed") === sent) return;
    masks = await Promise.all(model.get("_packed").map(unpack)); // at the start, or after another view has painted
    [before, done, undone] = [null, [], []];
    masks.forEach((_, index) => shade(index));
    refresh();
  }

  // Pointers: mouse, pen and fingers
  const listeners = {
    pointerdown(event, at) {
      event.preventDefault();
      stage.focus({ preventScroll: true });
      stage.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, at);
      if (pointers.size > 1 && before) {
        commit();
        step(done, undone); // the first stroke was the start of a pinch
      } else if (pointers.size === 1 && tool === "brush" && event.button === 0) {
        begin(new Uint8ClampedArray(width * height));
        stroke(at, at);
      }
    },
    pointermove(event, at) {
      const was = pointers.get(event.pointerId);
      if (!was) return;
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      pointers.set(event.pointerId, at);
      if (before) stroke(was, at);
      else if (other) zoom(distance(at, other) / distance(was, other), was, at);
      else if (tool === "move" || event.buttons === 4) zoom(1, was, at);
    },
    lostpointercapture(event) { // released, or taken away
      pointers.delete(event.pointerId);
      if (before) commit();
    },
    click(event, at) {
      const point = onPicture(at);
      const first = points[0] ?? { x: Infinity, y: Infinity };
      if (tool === "fill" && point.x >= 0 && point.y >= 0 && point.x < width && point.y < height) {
        edit(coverFlood(pixels, width, height, point, tolerance.value / 100));
      } else if (tool === "polygon" && view.scale * distance(point, first) < HANDLE) closePolygon();
      else if (tool === "polygon") points.push(point);
    },
    pointerleave: () => (cursor = null),
    wheel(event, at) {
      if (!event.ctrlKey && !event.metaKey) return; // leave the event to the page, which scrolls
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 200), at);
    },
  };
  for (const [name, listener] of Object.entries(listeners)) {
    stage.addEventListener(name, (event) => {
      const at = { x: event.offsetX, y: event.offsetY };
      cursor = onPicture(at);
      listener(event, at);
      redraw();
    });
  }

  Object.assign(keys, {
    Enter: closePolygon,
    Backspace: () => points.pop(),
    Escape: () => (points = []),
    "[": () => scale(tool === "fill" ? tolerance : size, 1 / 1.25),
    "]": () => scale(tool === "fill" ? tolerance : size, 1.25),
  });
  root.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the notebook has keys too: one of them deletes a cell
    const control = event.ctrlKey || event.metaKey;
    const key = control ? `Ctrl+${event.shiftKey ? "Shift+" : ""}${event.key.toLowerCase()}` : event.key;
    const pressesButton = key === "Enter" && event.target !== stage;
    if (pressesButton || event.altKey || !(key in keys)) return;
    event.preventDefault();
    keys[key]();
    redraw();
  });

  model.on("change:_packed", receive);
  const observer = new ResizeObserver(() => {
    [stage.width, stage.height] = [stage.clientWidth * devicePixelRatio, stage.clientHeight * devicePixelRatio];
    fit();
  });
  await receive();
  observer.observe(stage);
  return () => {
    observer.disconnect();
    model.off("change:_packed", receive);
  };
}

const through = async (stream, bytes) =>
  new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
const pack = (levels) => through(new CompressionStream("deflate"), levels);
const unpack = (packed) => through(new DecompressionStream("deflate"), packed);
const newContext = (width, height) =>
  Object.assign(document.createElement("canvas"), { width, height }).getContext("2d", { willReadFrequently: true });
const add = (parent, tag, properties) => parent.appendChild(Object.assign(document.createElement(tag), properties));

function slider(parent, name, min, max, value) {
  const row = add(parent, "label", { textContent: name });
  const input = add(row, "input", { type: "range", min, max, value });
  const shown = add(row, "output", { value });
  input.oninput = () => (shown.value = input.value);
  return input;
}

/** Change a slider by a factor, by at least one step. */
function scale(input, factor) {
  input.value = factor > 1 ? Math.ceil(input.value * factor) : Math.floor(input.value * factor);
  input.oninput();
}

export default { render };
