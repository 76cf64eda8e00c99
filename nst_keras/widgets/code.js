// Code in a text area, and a button that copies it.

function render({ model, el }) {
  const add = (parent, tag, properties) => parent.appendChild(Object.assign(document.createElement(tag), properties));
  const root = add(el, "div", { className: "desk-code" });
  const area = add(root, "textarea", { readOnly: true, spellcheck: false, ariaLabel: "Code" });
  const button = add(root, "button", { type: "button", className: "jupyter-button", textContent: "Copy" });
  const message = add(root, "span", { role: "status" });
  area.dataset.lmSuppressShortcuts = "true"; // or Jupyter takes the keys

  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(area.value);
      message.textContent = "Copied.";
    } catch { // browsers allow it only on secure pages
      area.select();
      message.textContent = document.execCommand("copy") ? "Copied." : "Selected: press Ctrl+C.";
    }
  };

  function show() {
    area.value = model.get("code");
    area.rows = area.value.split("\n").length;
    message.textContent = "";
    root.hidden = !area.value;
  }

  show();
  model.on("change:code", show);
  return () => model.off("change:code", show);
}

export default { render };
