// Two pictures of one shape, with a line between them to drag, or to move with the arrow keys.

function render({ model, el }) {
  const add = (parent, tag, properties) => parent.appendChild(Object.assign(document.createElement(tag), properties));
  const stage = add(el, "div", { className: "before-after" });
  const pictures = ["after", "before"].map((name) => {
    const image = add(stage, "img", { className: `before-after-${name}`, alt: "" });
    const show = () => {
      URL.revokeObjectURL(image.src);
      image.src = URL.createObjectURL(new Blob([model.get(name)]));
    };
    return { name, image, show };
  });
  const line = add(stage, "input", { type: "range", min: 0, max: 100, step: "any", value: 0 });
  line.ariaLabel = "Before and after";
  line.title = "Drag from the left edge: the photograph before";
  line.dataset.lmSuppressShortcuts = "true"; // or Jupyter takes the keys
  line.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const by = { ArrowLeft: -5, ArrowDown: -5, ArrowRight: 5, ArrowUp: 5 }[event.key];
    if (!by) return;
    event.preventDefault();
    line.value = Number(line.value) + by;
    slide();
  });

  function slide() {
    stage.style.setProperty("--line", `${line.value}%`);
    line.ariaValueText = `${Math.round(line.value)} % of the photograph`;
  }

  function describe() {
    pictures[0].image.alt = model.get("description");
  }

  line.oninput = slide;
  slide();
  describe();
  model.on("change:description", describe);
  for (const { name, show } of pictures) {
    show();
    model.on(`change:${name}`, show);
  }
  return () => {
    model.off("change:description", describe);
    for (const { name, image, show } of pictures) {
      model.off(`change:${name}`, show);
      URL.revokeObjectURL(image.src);
    }
  };
}

export default { render };
