// A text with line numbers. It is sent a moment after the last key; what is wrong is marked at its line.
const editors = new WeakMap();
const PAUSE_MS = 300;
const FEWEST_LINES = 12;

function made(tag, kind, text) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  if (text !== undefined) element.textContent = text;
  return element;
}

function number(editor, faults) {
  const lines = Math.max(editor.area.value.split("\n").length, FEWEST_LINES);
  const bad = new Set(faults.map((fault) => fault.line));
  editor.area.rows = lines;
  editor.gutter.replaceChildren(
    ...Array.from({ length: lines }, (_, place) => made("span", bad.has(place + 1) ? "bad" : "", String(place + 1))),
  );
}

function go(editor, line) {
  const before = editor.area.value.split("\n").slice(0, line - 1);
  const start = before.reduce((sum, text) => sum + text.length + 1, 0);
  const end = editor.area.value.indexOf("\n", start);
  editor.area.focus();
  editor.area.setSelectionRange(start, end < 0 ? editor.area.value.length : end);
}

function complain(editor, faults) {
  editor.faults.replaceChildren(...faults.map((fault) => {
    const item = made("li");
    const link = made("button", "", `Line ${fault.line}`);
    link.type = "button";
    link.onclick = () => go(editor, fault.line);
    item.append(link, made("span", "", ` ${fault.what}`));
    if (fault.advice) item.append(made("em", "", ` ${fault.advice}`));
    return item;
  }));
  editor.area.setAttribute("aria-invalid", String(faults.length > 0));
}

function flush(editor) {
  if (editor.timer === null) return;
  clearTimeout(editor.timer);
  editor.timer = null;
  editor.send(editor.area.value);
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  let editor = editors.get(parentElement);
  if (!editor) {
    editor = {
      area: parentElement.querySelector("textarea"), gutter: parentElement.querySelector(".gutter"),
      faults: parentElement.querySelector("ul"), timer: null, token: null,
    };
    editors.set(parentElement, editor);
    editor.area.addEventListener("input", () => {
      number(editor, []);
      clearTimeout(editor.timer);
      editor.timer = setTimeout(() => flush(editor), PAUSE_MS);
    });
    // Before a click on a button: it means the text as it is now.
    editor.area.addEventListener("blur", () => flush(editor));
  }
  editor.send = (text) => setStateValue("text", { token: data.token, text });
  if (editor.token !== data.token) {
    // Only another text of the server's replaces what somebody types.
    clearTimeout(editor.timer);
    editor.timer = null;
    editor.token = data.token;
    editor.area.value = data.text;
  }
  editor.area.readOnly = data.readOnly;
  editor.area.setAttribute("aria-label", data.label);
  number(editor, data.faults);
  complain(editor, data.faults);
  return () => {
    clearTimeout(editor.timer);
    editors.delete(parentElement);
  };
}
