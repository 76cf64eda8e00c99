// Two pictures of one shape with a slider between them, as on the page of a run; below them, how far the painting is
// and what there is to say. The desk around them is made of ipywidgets, whose sliders get names and values here.

function render({ model, el }) {
  const add = (parent, tag, properties) => parent.appendChild(Object.assign(document.createElement(tag), properties));
  const stage = add(el, "div", { className: "before-after" });
  const pictures = ["after", "before"].map((name) => add(stage, "img", { className: `before-after-${name}`, alt: "" }));
  const line = add(stage, "input", { type: "range", value: 0, ariaLabel: "Before and after" });
  line.title = "Drag to the right: the photograph before";
  line.dataset.lmSuppressShortcuts = "true"; // or Jupyter takes the keys
  line.oninput = () => {
    stage.style.setProperty("--line", `${line.value}%`);
    line.ariaValueText = `${line.value} % of the photograph`;
  };
  line.oninput();
  pictures[0].onload = () => stage.style.setProperty("--ratio", pictures[0].naturalWidth / pictures[0].naturalHeight);
  const work = add(el, "div", { className: "desk-work" });
  const bar = add(work, "progress", { ariaLabel: "Progress" });
  const left = add(work, "span");
  const drawing = '<svg role="img" viewBox="0 0 160 32" preserveAspectRatio="none"><title></title><polyline/></svg>';
  work.insertAdjacentHTML("beforeend", drawing);
  const curve = work.lastChild;
  const status = add(el, "div", { className: "desk-status" });

  function show(image, name) {
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(new Blob([model.get(name)]));
  }

  const shows = {
    after: () => show(pictures[0], "after"),
    before: () => show(pictures[1], "before"),
    description: () => (pictures[0].alt = model.get("description")),
    work() {
      const [share, text = ""] = model.get("work");
      work.style.visibility = text ? "visible" : "hidden";
      if (typeof share === "number") bar.value = share;
      else bar.removeAttribute("value"); // a bar that moves to and fro
      left.textContent = text;
    },
    losses() {
      const losses = model.get("losses");
      const logarithms = losses.map(Math.log);
      const [low, high] = [Math.min(...logarithms), Math.max(...logarithms)];
      const x = (i) => (160 * i) / (losses.length - 1 || 1);
      const y = (logarithm) => 1 + (30 * (high - logarithm)) / (high - low || 1);
      curve.lastChild.setAttribute("points", logarithms.map((value, i) => [x(i), y(value)]).join(" "));
      curve.firstChild.textContent = `Loss ${+losses.at(-1)?.toPrecision(3)} after iteration ${losses.length}`;
      curve.style.visibility = losses.length ? "visible" : "hidden"; // it stays when the bar goes
    },
    message() {
      const [text, isAlert] = model.get("message");
      status.role = isAlert ? "alert" : "status";
      status.textContent = text;
      if (isAlert) status.scrollIntoView({ block: "nearest" });
    },
  };
  for (const [name, act] of Object.entries(shows)) {
    act();
    model.on(`change:${name}`, act);
  }

  // A screen reader would hear no name of a slider, and the logarithm where its scale is logarithmic.
  const names = new MutationObserver(() => {
    for (const slider of el.closest(".mixing-desk").querySelectorAll(".widget-slider")) {
      const [label, handle, value] = [".widget-label", ".noUi-handle", ".widget-readout"].map((part) =>
        slider.querySelector(part),
      );
      if (!handle) continue; // it is still being made
      handle.ariaLabel = value.ariaLabel = label.textContent;
      handle.ariaValueText = value.textContent;
    }
  });
  const placed = new ResizeObserver(() => {
    const desk = el.closest(".mixing-desk");
    if (desk) names.observe(desk, { childList: true, characterData: true, subtree: true });
  });
  placed.observe(el);
  return () => {
    placed.disconnect();
    names.disconnect();
    for (const [name, act] of Object.entries(shows)) model.off(`change:${name}`, act);
    for (const image of pictures) URL.revokeObjectURL(image.src);
  };
}

export default { render };
