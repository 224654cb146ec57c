// A line of search with completion. What came from telemetry is only ever set as textContent.
const boxes = new WeakMap();
const MOST = 40;

// The part of the text that is being typed: from the last space outside of quotes to the caret.
function current(text, caret) {
  let start = 0;
  let isQuoted = false;
  for (let place = 0; place < caret; place += 1) {
    if (text[place] === '"') isQuoted = !isQuoted;
    else if (!isQuoted && /\s/.test(text[place])) start = place + 1;
  }
  return { start, part: text.slice(start, caret) };
}

function written(value) {
  const clean = value.replaceAll('"', "");
  return /[\s,:]/.test(clean) ? `"${clean}"` : clean;
}

// What can be put in the place of the part: [replacement, shown, help, does it end the part].
function offers(box) {
  const { part } = current(box.input.value, box.input.selectionStart);
  const colon = part.indexOf(":");
  if (colon < 0) {
    const wanted = part.toLowerCase();
    return part.startsWith('"') ? [] : box.data.qualifiers
      .filter(([name]) => name.startsWith(wanted))
      .map(([name, means, example]) => [`${name}:`, `${name}:`, `${means} · ${example}`, false]);
  }
  const name = part.slice(0, colon).toLowerCase();
  const before = part.slice(0, Math.max(colon, part.lastIndexOf(",")) + 1);
  const wanted = part.slice(before.length).replaceAll('"', "").toLowerCase();
  return (box.data.values[name] ?? [])
    .filter((value) => value.toLowerCase().includes(wanted) && value.toLowerCase() !== wanted)
    .map((value) => [before + written(value), value, "", true]);
}

function close(box) {
  box.active = -1;
  box.list.hidden = true;
  box.input.setAttribute("aria-expanded", "false");
  box.input.removeAttribute("aria-activedescendant");
}

function open(box) {
  box.offers = offers(box).slice(0, MOST);
  box.active = -1;
  if (!box.offers.length) return close(box);
  box.list.replaceChildren(...box.offers.map(([, shown, help], place) => {
    const item = document.createElement("li");
    item.id = `offer-${place}`;
    item.setAttribute("role", "option");
    item.setAttribute("aria-selected", "false");
    const [name, words] = [document.createElement("b"), document.createElement("span")];
    name.textContent = shown;
    words.textContent = help;
    item.append(name, words);
    item.onmousedown = (event) => { event.preventDefault(); take(box, place); };
    return item;
  }));
  box.list.hidden = false;
  box.input.setAttribute("aria-expanded", "true");
  box.input.removeAttribute("aria-activedescendant");
  return undefined;
}

function move(box, by) {
  if (box.list.hidden) open(box);
  const count = box.list.hidden ? 0 : box.offers.length;
  if (!count) return;
  box.active = box.active < 0 && by < 0 ? count - 1 : (box.active + by + count) % count;
  [...box.list.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === box.active)));
  box.input.setAttribute("aria-activedescendant", `offer-${box.active}`);
  box.list.children[box.active].scrollIntoView({ block: "nearest" });
}

function take(box, place) {
  const [replacement, , , isWhole] = box.offers[place];
  const caret = box.input.selectionStart;
  const { start } = current(box.input.value, caret);
  const rest = box.input.value.slice(caret).replace(/^\S+/, "");
  const typed = box.input.value.slice(0, start) + replacement + (isWhole && !rest.startsWith(" ") ? " " : "");
  box.input.value = typed + rest;
  box.input.setSelectionRange(typed.length, typed.length);
  if (isWhole) close(box);
  else open(box);
}

function send(box) {
  close(box);
  const text = box.input.value.trim();
  if (text !== box.sent) box.search({ text });
  box.sent = text;
}

function complain(box) {
  box.faults.replaceChildren(...box.data.faults.map((fault) => {
    const item = document.createElement("li");
    const link = document.createElement("button");
    link.type = "button";
    link.textContent = `Character ${fault.position}`;
    link.onclick = () => {
      box.input.focus();
      box.input.setSelectionRange(fault.position - 1, fault.position - 1 + fault.length);
      close(box);
    };
    item.append(link, document.createTextNode(`: ${fault.what}`));
    return item;
  }));
  box.input.setAttribute("aria-invalid", String(box.data.faults.length > 0));
}

function key(box, event) {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    move(box, event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (!box.list.hidden && box.active >= 0) take(box, box.active);
    else send(box);
  } else if (event.key === "Escape" && !box.list.hidden) {
    event.stopPropagation();
    close(box);
  }
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  let box = boxes.get(parentElement);
  if (!box) {
    box = {
      input: parentElement.querySelector("input"), list: parentElement.querySelector("#offers"),
      faults: parentElement.querySelector("#faults"), active: -1, offers: [], sent: null,
    };
    boxes.set(parentElement, box);
    box.input.placeholder = "Search: flow:invoice is:unclaimed \"timeout\"";
    box.input.addEventListener("input", () => open(box));
    box.input.addEventListener("focus", () => open(box));
    box.input.addEventListener("keydown", (event) => key(box, event));
    box.input.addEventListener("blur", () => send(box));
  }
  box.data = data;
  box.input.maxLength = data.longest;
  box.search = (text) => setTriggerValue("search", text);
  if (data.text !== box.shown) {
    box.shown = data.text;
    if (box.sent !== data.text) box.input.value = data.text;
    box.sent = data.text;
  }
  complain(box);
}
