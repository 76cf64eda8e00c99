// The mask painter in the browser: an ES module for anywidget, used without a build step.
//
// A mask is an array of width × height levels, 255 where the style applies. Every tool makes a cover, an array of the
// same kind. Painting takes the maximum of mask and cover, erasing the minimum of mask and 255 − cover: the union and
// the difference of nst_keras.combine_masks. Points are in pixels of the picture, from its upper left corner.
// Smart, Segments, the refinements and what a layer sees are made in Python: a message goes there, and a mask, or what
// is wrong, comes back.

const TOOLS = {
  brush: ["Brush", "b", "Drag to paint; Shift and a click draw a line. Keys , and . change the size."],
  smart: ["Smart", "s", "Draw on the subject and, with Shift or Erase, on the rest: the mask follows the edge."],
  polygon: ["Polygon", "p", "Click corners. Enter, a double click or the first one closes it; Backspace undoes one."],
  segments: ["Segments", "n", "Click a region of like colour, or drag over several. Shift or Erase takes them away."],
  fill: ["Fill", "f", "Click to fill a connected area of like colours. Keys , and . change the tolerance."],
  move: ["Move", "m", "Drag to move. With every tool: Space and drag; Ctrl and the wheel, or two fingers, zoom."],
};
const OUTSIDE = 255; // the strokes of Smart: 0 for none, the number of a mask, from 1 on, or this
const MAX_UNDONE = 30;
const ALONE = "the mask alone";
const NO_KERNEL = "No kernel: what you paint now is not kept. Run the cell again.";
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const MAX_SPECKLE = 0.0005; // of the picture: a fill covers smaller gaps, too
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

/** Add to `seen`, and return, the pixels alike that are connected with the first. */
function connected(first, width, seen, alike) {
  const found = [];
  const visit = (i) => {
    if (seen[i] || !alike(i)) return;
    seen[i] = 255;
    found.push(i);
  };
  visit(first);
  for (let n = 0; n < found.length; n++) {
    const i = found[n];
    if (i % width > 0) visit(i - 1);
    if (i % width < width - 1) visit(i + 1);
    if (i >= width) visit(i - width);
    if (i < seen.length - width) visit(i + width);
  }
  return found;
}

/** The cover of the connected area within `tolerance` of a point's colour, √(mean of squared differences), no gaps. */
function coverFlood(pixels, width, height, point, tolerance) {
  const cover = new Uint8ClampedArray(width * height);
  const first = Math.floor(point.y) * width + Math.floor(point.x);
  const squared = (i, channel) => (pixels[4 * i + channel] - pixels[4 * first + channel]) ** 2;
  const limit = 3 * (255 * tolerance) ** 2;
  connected(first, width, cover, (i) => squared(i, 0) + squared(i, 1) + squared(i, 2) <= limit);
  const seen = cover.slice();
  for (let i = 0; i < seen.length; i++) {
    const speckle = seen[i] ? [] : connected(i, width, seen, () => true);
    if (speckle.length < MAX_SPECKLE * cover.length) speckle.forEach((j) => (cover[j] = 255));
  }
  return cover;
}

async function render({ model, el }) {
  const bitmap = await createImageBitmap(new Blob([model.get("_picture")]));
  const { width, height } = bitmap;
  const all = { left: 0, top: 0, right: width, bottom: height };
  const labels = model.get("_labels");
  let masks = [];
  let [tool, erase, outside, active, points, cursor] = ["brush", false, false, 0, [], null];
  let [before, cover, done, undone] = [null, null, [], []]; // what was before the current edit; its cover; the edits
  let [strokes, last, asked, note] = [new Uint8Array(width * height), null, 0, ""]; // the brush was at `last`
  let trail = []; // the points of Segments, until Python has answered
  let view = { scale: 1, x: 0, y: 0 }; // a point is at scale · point + (x, y) on the screen
  const pointers = new Map(); // id → position on the screen, while pressed
  let [keyed, held, seen] = [false, null, null]; // keys moved the cursor; Space is "down" or pans; what a layer sees

  const root = add(el, "div", { className: "mask-painter" });
  const banner = add(root, "div", { className: "mask-painter-banner", role: "alert" });
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
  keys["Ctrl+y"] = keys["Ctrl+Shift+z"];
  button(bar, "Zoom +", "Zoom in", "+", () => zoom(1.5));
  button(bar, "Zoom −", "Zoom out", "-", () => zoom(1 / 1.5));
  button(bar, "Fit", "Show the whole picture", "0", () => fit());
  const maskButtons = labels.map(({ name }, index) =>
    button(maskBar, name, `Paint the mask ${name}`, index + 1, () => choose({ index })),
  );
  labels.forEach(({ color }, index) => (maskButtons[index].style.borderLeft = `14px solid ${color}`));
  const by = Math.ceil(Math.max(width, height) / 300);
  button(maskBar, "Grow", `Grow the mask by ${by} px`, "g", () => refine("grow"));
  button(maskBar, "Shrink", `Shrink the mask by ${by} px`, "h", () => refine("shrink"));
  button(maskBar, "Feather", `Soften its edge by ${by} px`, "t", () => refine("feather"));
  button(maskBar, "Clear", "Make the mask black", "Delete", () => replace(() => 0));
  button(maskBar, "Invert", "White becomes black, black white", "i", () => replace((level) => 255 - level));
  button(maskBar, "The rest", "Take what is in no other mask", "r", () => {
    const others = masks.filter((_, index) => index !== active);
    replace((_, i) => others.reduce((free, mask) => Math.min(free, 255 - mask[i]), 255));
  });
  const size = slider(maskBar, "Size", 1, Math.ceil(width / 2), Math.ceil(width / 16));
  const hardness = slider(maskBar, "Hardness %", 0, 100, 80);
  const tolerance = slider(maskBar, "Tolerance %", 0, 100, 10);
  const color = slider(maskBar, "Colour %", 0, 100, 65);
  const shown = add(add(maskBar, "label", { textContent: "Show" }), "select", { ariaLabel: "Show" });
  ["all masks", ALONE, ...model.get("_layers")].forEach((text) => add(shown, "option", { text }));
  shown.onchange = () => choose({});
  root.oninput = () => redraw(); // a slider moved
  const stage = add(root, "canvas", { className: "mask-painter-stage", tabIndex: 0, role: "application" });
  stage.style.aspectRatio = `${width} / ${height}`;
  const status = add(root, "div", { className: "mask-painter-status", role: "status" });
  for (const part of root.querySelectorAll("*")) part.dataset.lmSuppressShortcuts = "true"; // or Jupyter takes the keys

  function refresh() {
    Object.keys(TOOLS).forEach((name, i) => (toolButtons[i].ariaPressed = String(name === tool)));
    maskButtons.forEach((chosen, i) => (chosen.ariaPressed = String(i === active)));
    eraseButton.ariaPressed = String(erase);
    for (const [slider, needed] of [[size, draws()], [hardness, tool === "brush"], [tolerance, tool === "fill"]]) {
      slider.parentNode.hidden = !needed;
    }
    [undoButton.disabled, redoButton.disabled] = [done.length === 0, undone.length === 0];
    stage.style.cursor = { brush: "none", smart: "none", move: "grab" }[tool] ?? "crosshair";
    const doing = `${TOOLS[tool][0]}, ${erase ? "erasing from" : "painting"} ${labels[active].name}`;
    stage.ariaLabel = `${doing}. Arrow keys, also with Shift, move the cursor; Space or Enter paints or sets a point.`;
    const white = masks.map((mask) => mask.reduce((sum, level) => sum + level, 0) / 2.55 / mask.length);
    const shares = labels.map(({ name }, i) => `${name}: ${white[i].toFixed(1)} %`);
    status.textContent = `${shares.join(" · ")}\n${note || TOOLS[tool][2]}`;
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
    mark(box);
  }

  // Above them: the outlines of all masks, dashed in black and white, and the strokes of Smart
  const marks = newContext(width, height);
  const marked = marks.createImageData(width, height);
  const words = new Uint32Array(marked.data.buffer);
  let thin = 1; // the width of an outline: about a screen pixel
  const colors = [0, ...layers.map(({ image }) => new Uint32Array(image.data.buffer)[0])];
  function mark({ left, top, right, bottom }) {
    const box = { left, top, right: Math.min(width, right + thin), bottom: Math.min(height, bottom + thin) };
    eachPixel(box, width, (i, x, y) => {
      const beside = x > thin ? i - thin : i;
      const above = y > thin ? i - thin * width : i;
      let changed = 0; // its highest bit: from below to above one half
      for (const mask of masks) changed |= (mask[i] ^ mask[beside]) | (mask[i] ^ mask[above]);
      const stroke = tool === "smart" ? strokes[i] : 0;
      const dashed = stroke === OUTSIDE || (changed > 127 && !stroke);
      words[i] = !dashed ? colors[stroke] : ((x + y) / thin) % 8 < 4 ? 0xff000000 : 0xffffffff;
    });
    marks.putImageData(marked, 0, 0, left, top, box.right - left, box.bottom - top);
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
    const alone = shown.value === ALONE;
    const opacity = (index) => color.value / (index === active ? 100 : 200);
    const hidden = (index) => (seen && !before) || (alone && index !== active);
    if (alone) context.fillRect(view.x, view.y, view.scale * width, view.scale * height);
    else place(bitmap, 1);
    layers.forEach((layer, i) => place(layer.context.canvas, hidden(i) ? 0 : alone ? 1 : opacity(i)));
    if (!alone || tool === "smart") place(marks.canvas, 1);
    context.imageSmoothingEnabled = false;
    if (seen && !before) place(seen.canvas, opacity(active));
    const outline = new Path2D();
    const corners = trail.concat(points, points.length && cursor ? [cursor] : []).map(toScreen);
    corners.forEach(({ x, y }) => outline.lineTo(x, y));
    if (corners.length) outline.rect(corners[0].x - 4, corners[0].y - 4, 8, 8);
    const { x, y } = toScreen(cursor ?? {});
    if (cursor && draws()) outline.arc(x, y, (view.scale * size.value) / 2, 0, 2 * Math.PI);
    if (keyed) outline.addPath(new Path2D(`M ${x - 9} ${y} h 18 M ${x} ${y - 9} v 18`));
    Object.assign(context, { globalAlpha: 1, strokeStyle: "black", lineWidth: 3 }).stroke(outline);
    Object.assign(context, { strokeStyle: "white", lineWidth: 1.5 }).stroke(outline); // one of the two is visible
  }

  let frame = null;
  const draws = () => tool === "brush" || tool === "smart";
  const drags = () => draws() || tool === "segments";
  const redraw = () => (frame ??= requestAnimationFrame(draw));
  const toScreen = ({ x, y }) => ({ x: view.scale * x + view.x, y: view.scale * y + view.y });
  const onPicture = ({ x, y }) => ({ x: (x - view.x) / view.scale, y: (y - view.y) / view.scale });
  const inPicture = ({ x, y }) => x >= 0 && y >= 0 && x < width && y < height;
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

  // Edits of the active mask: begin, apply whenever the cover has grown, commit
  function begin(itsCover) {
    [before, cover, note] = [{ index: active, mask: masks[active].slice(), strokes }, itsCover, ""];
    asked += 1; // what Python has been asked before comes too late
    if (tool === "smart") strokes = strokes.slice();
  }

  function apply(box) {
    eachPixel(box, width, (i) => {
      if (tool === "smart") strokes[i] = cover[i] > 127 ? (erase || outside ? OUTSIDE : active + 1) : strokes[i];
      else masks[active][i] = erase ? Math.min(before.mask[i], 255 - cover[i]) : Math.max(before.mask[i], cover[i]);
    });
    if (tool === "smart") mark(box);
    else shade(active, box);
  }

  function keep() {
    done = [...done.slice(1 - MAX_UNDONE), before];
    [undone, before] = [[], null];
  }

  function commit() {
    keep();
    publish();
  }

  function edit(itsCover) {
    begin(itsCover);
    apply(all);
    commit();
  }

  function replace(level) {
    if (before) return;
    begin(null);
    masks[active] = masks[active].map(level);
    shade(active);
    commit();
  }

  /** Take the last edit of one list back, and put what that replaces on the other. */
  function step(from, onto) {
    if (before || from.length === 0) return;
    const { index, mask, strokes: drawn } = from.pop();
    onto.push({ index, mask: masks[index], strokes });
    [masks[index], active, strokes, note] = [mask, index, drawn, ""];
    asked += 1;
    shade(index);
    publish();
  }

  function beginStroke(at, shift) {
    outside = shift;
    begin(new Uint8ClampedArray(width * height));
    stroke(tool === "brush" && shift && last ? toScreen(last) : at, at);
  }

  function endStroke() {
    if (before && tool === "smart") select();
    else if (before && tool === "segments") join();
    else if (before) commit();
  }

  function stroke(from, to) {
    const line = [onPicture(from), onPicture(to)];
    last = line[1];
    if (tool === "segments") trail = trail.concat(inPicture(last) ? [last] : []);
    else apply(coverLine(cover, width, height, ...line, size.value / 2, tool === "smart" ? 1 : hardness.value / 100));
  }

  function choose({ name = tool, index = active, erasing = erase }) {
    if (before) return; // not in the middle of a stroke
    const marksChange = tool !== name;
    [tool, active, erase, points, trail, note] = [name, index, erasing, [], [], ""];
    if (marksChange) mark(all);
    refresh();
    see();
  }

  // Questions to Python, which end the edit that has begun
  function refine(how) {
    if (before) return;
    begin(null);
    ask({ how, pixels: by }, masks[active]);
  }

  function join() {
    const points = trail.map(({ x, y }) => [x, y]); // also of a click before that is not answered yet
    if (trail.length) ask({ how: "segments", points, erase: erase || outside }, masks[active]);
    else before = null; // beside the picture
  }

  function select() {
    const found = new Set(strokes); // 0, and the numbers of strokes
    const { name } = labels[active];
    if (found.has(active + 1) && found.size > 2) return ask({ how: "select", label: active + 1 }, strokes);
    note = found.has(active + 1) ? `Now, with Shift or Erase, a stroke outside ${name}.` : `Now a stroke on ${name}.`;
    keep();
    refresh();
  }

  function ask(question, levels) {
    keep();
    note = "Python is at work …";
    refresh();
    const content = { ...question, index: active, asked };
    const packing = pack(levels);
    tell(async () => send(content, [await packing]));
  }

  let [queue, heard] = [Promise.resolve(), 0]; // what is to be told to Python, in order; the `asked` of its last answer
  const tell = (act) => (queue = queue.then(act).catch(lost)); // the comm is closed
  function lost() {
    [banner.textContent, note] = [NO_KERNEL, ""];
    refresh();
  }

  /** Send a question. If a kernel is done with it and has not answered, it is a new one, without this painter. */
  function send(content, packed) {
    const status = ({ content: { execution_state: state } }) => state === "idle" && heard < content.asked && lost();
    model.send(content, { iopub: { status } }, packed.map(({ buffer }) => buffer));
  }

  /** Ask what the chosen layer sees of the active mask; if none is chosen, only whether Python is there. */
  function see() {
    redraw();
    const sees = model.get("_layers").includes(shown.value);
    const content = { how: sees ? "see" : "hear", layer: shown.value, index: active, asked };
    if (!sees) seen = null;
    tell(async () => send(content, sees ? await Promise.all(masks.map(pack)) : []));
  }

  async function answer({ index, asked: number, error, layer, grid, found }, [packed]) {
    [heard, banner.textContent] = [Math.max(heard, number ?? 0), ""];
    const levels = packed && (await unpack(packed));
    if ((number ?? asked) !== asked || before || !(levels || error)) return;
    if (layer && (layer !== shown.value || index !== active)) return;
    [note, trail] = [error ?? found ?? "", []];
    if (grid) {
      const words = Uint32Array.from(levels, (level) => (colors[index + 1] & 0xffffff) | (level << 24));
      seen = newContext(grid[1], grid[0]);
      seen.putImageData(new ImageData(new Uint8ClampedArray(words.buffer), grid[1]), 0, 0);
    }
    if (error || grid) return refresh();
    masks[index] = levels;
    shade(index);
    publish();
  }

  function closePolygon() {
    if (points.length > 2) edit(coverPolygon(width, height, points));
    points = [];
  }

  let sent = null;
  function publish() {
    trail = [];
    refresh();
    const packing = Promise.all(masks.map(pack)); // packs the levels as they are now
    tell(async () => {
      sent = await packing;
      model.set("_packed", sent);
      model.save_changes();
    });
    see();
  }

  async function receive() {
    if (model.get("_packed") === sent) return;
    masks = await Promise.all(model.get("_packed").map(unpack)); // at the start, or after another view has painted
    [before, done, undone] = [null, [], []];
    masks.forEach((_, index) => shade(index));
    refresh();
    see();
  }

  // Pointers: mouse, pen and fingers
  const listeners = {
    pointerdown(event, at) {
      event.preventDefault();
      stage.focus({ preventScroll: true });
      stage.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, at);
      if (pointers.size > 1 && before) {
        keep();
        step(done, undone); // the first stroke was the start of a pinch
      } else if (held) held = "panning";
      else if (pointers.size === 1 && drags() && event.button === 0) beginStroke(at, event.shiftKey);
    },
    pointermove(event, at) {
      const was = pointers.get(event.pointerId);
      if (!was) return;
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      pointers.set(event.pointerId, at);
      if (before) stroke(was, at);
      else if (held) zoom(1, was, at);
      else if (other) zoom(distance(at, other) / distance(was, other), was, at);
      else if (tool === "move" || event.buttons === 4) zoom(1, was, at);
    },
    lostpointercapture(event) { // released, or taken away
      pointers.delete(event.pointerId);
      endStroke();
    },
    dblclick: () => closePolygon(),
    contextmenu(event) {
      event.preventDefault();
      event.stopPropagation(); // or Jupyter opens its menu
    },
    click(event, at) {
      if (held === "panning") return;
      const point = onPicture(at);
      const first = points[0] ?? { x: Infinity, y: Infinity };
      if (tool === "fill" && inPicture(point)) {
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
      [cursor, keyed] = [onPicture(at), false];
      listener(event, at);
      redraw();
    });
  }

  // Keys: on the stage, arrows move a cursor, and Space or Enter does there what a click does
  function moveCursor([right, down], far) {
    const { x, y } = cursor ?? onPicture(middle());
    [cursor, keyed] = [{ x: clamp(x + far * right, 0, width - 0.5), y: clamp(y + far * down, 0, height - 0.5) }, true];
    const at = toScreen(cursor);
    zoom(1, at, { x: clamp(at.x, 9, stage.clientWidth - 9), y: clamp(at.y, 9, stage.clientHeight - 9) });
  }

  function tap({ shiftKey }) {
    if (!cursor || before) return;
    if (!drags()) return listeners.click(null, toScreen(cursor));
    beginStroke(toScreen(cursor), shiftKey);
    endStroke();
  }

  const change = (factor) => scale(tool === "fill" ? tolerance : size, factor);
  for (const key of "[,") keys[key] = () => change(1 / 1.25);
  for (const key of "].") keys[key] = () => change(1.25);
  for (const key in ARROWS) keys[key] = (event) => moveCursor(ARROWS[key], event.shiftKey ? 10 * by : by);
  Object.assign(keys, {
    Enter: (event) => (points.length > 2 ? closePolygon() : tap(event)),
    " ": () => (held ??= "down"),
    Backspace: () => points.pop(),
    Escape: () => (points = []),
  });
  root.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the notebook has keys too: one of them deletes a cell
    const control = (event.ctrlKey || event.metaKey) && !event.altKey; // AltGr is Ctrl and Alt
    const key = control ? `Ctrl+${event.shiftKey ? "Shift+" : ""}${event.key.toLowerCase()}` : event.key;
    const ofControl = event.target !== stage && (key in ARROWS || key === " " || key === "Enter"); // such as a slider
    if (ofControl || (event.altKey && !"[]".includes(key)) || !(key in keys)) return;
    event.preventDefault();
    keys[key](event);
    redraw();
  });
  stage.addEventListener("keyup", (event) => {
    if (event.key === " " && held === "down") tap(event); // and has not panned
    if (event.key === " ") held = null;
  });
  stage.addEventListener("focus", () => stage.matches(":focus-visible") && moveCursor([0, 0], 0));
  stage.addEventListener("blur", () => {
    [cursor, keyed, held] = [null, false, null];
    redraw();
  });

  model.on("change:_packed", receive);
  model.on("msg:custom", answer);
  const observer = new ResizeObserver(() => {
    [stage.width, stage.height] = [stage.clientWidth * devicePixelRatio, stage.clientHeight * devicePixelRatio];
    thin = clamp(Math.round(1 / fittingScale()), 1, 9);
    mark(all);
    fit();
  });
  await receive();
  observer.observe(stage);
  return () => {
    observer.disconnect();
    model.off("change:_packed", receive);
    model.off("msg:custom", answer);
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
  const input = add(row, "input", { type: "range", min, max, value, ariaLabel: name });
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
