// A grid whose rows are known by id. What came from telemetry is only ever set as textContent.
const memory = new WeakMap();
const SVG = "http://www.w3.org/2000/svg";
const SHAPES = {
  critical: "M6 1v6M6 10v1.2", high: "M2 7l4-4 4 4M2 11l4-4 4 4", medium: "M2 4.5h8M2 8h8", low: "M2 5l4 4 4-4",
};
const CLASSES = { business: "Biz", infrastructure: "Infra", data: "Data", approval: "Appr", unknown: "?" };
// Name, heading, class, width where columns are chosen, and what a click on the heading sorts by.
const COLUMNS = [
  ["box", "", "", 32], ["due", "Due", "due-cell", 92, "due"], ["severity", "Severity", "severity-head", 90, "severity"],
  ["class", "Class", "kind", 62], ["what", "What", "", 190], ["unit", "Unit", "unit-head", 112, "unit"],
  ["value", "At risk", "number", 104, "value"], ["seen", "Seen", "number extra", 124, "seen"],
  ["attempts", "Attempts", "number extra", 84, "attempts"], ["who", "Who", "who-cell", 110],
  ["opened", "Opened", "number extra", 92, "age"], ["tenant", "Tenant", "extra", 110],
];
const FIXED = ["box", "what"];
const USUAL = ["due", "severity", "class", "unit", "value", "seen", "attempts", "who"];

function shown(columns) {
  const wanted = [...FIXED, ...(columns ?? USUAL)];
  return COLUMNS.filter(([name]) => wanted.includes(name));
}

// What is left and what has passed ticks by the second: no fractions.
const span = (ms) => duration(Math.round(Math.abs(ms) / 1000) * 1000, true);

function element(tag, kind, text) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (text !== undefined) made.textContent = text;
  return made;
}

function icon(severity) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 12 12");
  const path = document.createElementNS(SVG, "path");
  for (const [name, value] of Object.entries({
    d: SHAPES[severity] ?? SHAPES.medium, fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linecap": "round",
  })) path.setAttribute(name, value);
  svg.append(path);
  return svg;
}

function due(row, now) {
  const box = element("div", "cell due-cell");
  if (row.due === null || row.due === undefined) {
    box.textContent = row.wakes ? span(row.wakes - now) : row.ended ?? "–";
    if (row.wakes) box.title = `Snoozed: it comes back in ${span(row.wakes - now)}`;
    box.classList.add("dim");
    return box;
  }
  const left = row.due - now;
  const whole = Math.max(1, row.due - row.first);
  const kind = left < 0 ? "breached" : now >= row.warns ? "soon" : "";
  const label = element("span", `due ${kind}`, left < 0 ? `−${span(left)}` : span(left));
  const bar = element("i");
  const fill = element("u");
  fill.style.width = `${Math.min(100, Math.max(4, 100 - (100 * left) / whole))}%`;
  bar.append(fill);
  label.append(bar);
  box.title = `${row.dueFor === "triage" ? "Triage" : "Its end"} ${left < 0 ? `was due ${span(left)} ago` : `is due in ${span(left)}`}`;
  box.append(label);
  return box;
}

function who(row, now, me, claimMs) {
  const box = element("div", "cell who-cell");
  if (!row.holder) {
    box.append(element("span", "dim", row.assignee ? `→ ${row.assignee}` : "–"));
    const assigned = row.assignee ? `Assigned to ${row.team ? "the team " : ""}${row.assignee}; ` : "";
    if (row.assignee || row.state === "open") box.title = assigned + (assigned ? "nobody" : "Nobody") + " has claimed it";
    return box;
  }
  const wrap = element("span", "who");
  const ring = element("em");
  ring.append(element("span", "", row.holder.slice(0, 2).toUpperCase()));
  const left = row.lease ? Math.max(0, row.lease - now) : null;
  if (left !== null) ring.style.setProperty("--left", String((100 * left) / claimMs));
  wrap.append(ring, element("span", "", row.holder === me ? "me" : row.holder));
  if (left !== null) wrap.append(element("span", "dim", span(left)));
  box.title = left === null ? row.holder : `${row.holder}, claim runs out in ${span(left)}`;
  box.append(wrap);
  return box;
}

function draw(row, state, now, send) {
  const line = element("div", "row");
  line.dataset.id = row.id;
  line.id = `case-${row.id}`;
  line.setAttribute("role", "row");
  line.setAttribute("aria-selected", String(state.selected.has(row.id)));
  line.classList.toggle("selected", state.selected.has(row.id));
  line.classList.toggle("cursor", state.cursor === row.id);
  line.classList.toggle("opened", state.opened === row.id);
  line.classList.toggle("fresh", state.fresh.has(row.id));

  const box = element("input");
  box.type = "checkbox";
  box.checked = state.selected.has(row.id);
  box.tabIndex = -1;
  box.setAttribute("aria-label", `Select ${row.unit}`);
  const chosen = element("div", "box");
  chosen.append(box);

  const severity = element("div", "cell severity-cell");
  const mark = element("span", `severity ${row.severity}`);
  mark.append(icon(row.severity), element("span", "", row.severity));
  severity.title = row.severity;
  severity.append(mark);
  const kind = element("div", "cell kind");
  const name = CLASSES[row.class] ?? "?";
  kind.append(element("span", row.guess ? "class guess" : "class", row.guess && name !== "?" ? `${name}?` : name));
  kind.title = row.guess ? `${row.class}: a guess, needs you` : row.class;
  const what = element("div", "cell what");
  what.append(element("b", "", row.title), element("span", "", row.where));
  what.title = `${row.title}\n${row.where}`;
  const unit = element("div", "cell unit");
  const link = element("a", "", row.unit);
  link.href = `/trace?id=${encodeURIComponent(row.unit)}`;
  link.title = `Trace ${row.unit}`;
  link.tabIndex = -1;
  link.onclick = (event) => event.stopPropagation();
  unit.append(link);
  const seen = element("div", "cell number extra dim", `${row.seen}× · ${span(now - row.last)}`);
  const times = row.class === "approval" ? `asked ${row.seen}×` : `${row.seen} failures`;
  seen.title = `${times}, the last ${span(now - row.last)} ago`;
  const opened = element("div", "cell number extra dim", span(now - row.first));
  opened.title = `Opened ${span(now - row.first)} ago`;
  const cells = {
    box: chosen, due: due(row, now), severity, class: kind, what, unit, value: element("div", "cell number value", row.value), seen,
    attempts: element("div", "cell number extra dim", String(row.attempts)), who: who(row, now, state.me, state.claimMs),
    opened, tenant: element("div", "cell extra", row.tenant ?? "–"),
  };
  for (const [name, text] of state.columns) {
    cells[name].setAttribute("role", "gridcell");
    cells[name].dataset.name = text;
    line.append(cells[name]);
  }
  line.onclick = (event) => send.click(row.id, event);
  return line;
}

export default function (component) {
  const { data, parentElement, setStateValue, setTriggerValue } = component;
  const root = parentElement.querySelector(".queue");
  const head = root.querySelector(".head");
  const body = root.querySelector(".body");
  let state = memory.get(root);
  const first = !state;
  if (first) {
    state = { selected: new Set(), cursor: null, place: 0, anchor: null, known: null, fresh: new Set(), epoch: data.epoch };
    memory.set(root, state);
  }
  const rows = data.rows;
  const ids = rows.map((row) => row.id);
  const skew = data.now - Date.now();
  const sizeBefore = state.selected.size;
  if (data.epoch !== state.epoch) {
    state.selected.clear();
    state.epoch = data.epoch;
  }
  // Rows that someone else took drop out of the selection; the others stay in it.
  state.selected = new Set([...state.selected].filter((id) => ids.includes(id)));
  state.opened = data.opened;
  state.claimMs = data.claimMs;
  state.me = data.me;
  if (first && data.opened && ids.includes(data.opened)) state.cursor = data.opened;
  if (state.cursor === null || !ids.includes(state.cursor)) state.cursor = ids[Math.min(state.place, ids.length - 1)] ?? null;
  state.place = Math.max(0, ids.indexOf(state.cursor));
  state.fresh = new Set(state.known ? ids.filter((id) => !state.known.has(id)) : []);
  state.known = new Set([...(state.known ?? []), ...ids]);
  root.classList.toggle("narrow", data.narrow);
  state.columns = shown(data.columns);
  root.classList.toggle("chosen", Boolean(data.columns));
  const widths = state.columns.map(([name, , , width]) => (name === "what" ? `minmax(${width}px, 1fr)` : `${width}px`));
  root.style.setProperty("--columns", widths.join(" "));
  root.style.setProperty("--least", `${state.columns.reduce((sum, [, , , width]) => sum + width + 4, 0)}px`);
  const sortedBy = data.sort ? `Sorted by ${data.sort.words}` : "Sorted by urgency";
  if (!first && state.announced !== sortedBy) parentElement.querySelector(".announced").textContent = sortedBy;
  state.announced = sortedBy;

  const emit = () => setStateValue("selected", [...state.selected]);
  const open = (id) => setTriggerValue("open", { id });
  const send = {
    click(id, event) {
      root.focus({ preventScroll: true });
      const toggle = event.target.tagName === "INPUT" || event.metaKey || event.ctrlKey;
      if (event.shiftKey && state.anchor !== null && ids.includes(state.anchor)) {
        const [low, high] = [ids.indexOf(state.anchor), ids.indexOf(id)].sort((a, b) => a - b);
        ids.slice(low, high + 1).forEach((one) => state.selected.add(one));
        document.getSelection()?.removeAllRanges();
        emit();
      } else if (toggle) {
        flip(id);
        emit();
      } else {
        open(id);
      }
      move(id);
      paint();
    },
  };

  function flip(id) {
    state.selected.has(id) ? state.selected.delete(id) : state.selected.add(id);
    state.anchor = id;
  }
  function move(id) {
    state.cursor = id;
    state.place = ids.indexOf(id);
  }
  function paint() {
    const now = Date.now() + skew;
    const top = body.scrollTop;
    if (rows.length) body.replaceChildren(...rows.map((row) => draw(row, state, now, send)));
    else body.replaceChildren(element("div", "hint", "Nothing here."));
    body.scrollTop = top;
    // The grid keeps the focus: screen readers announce the row under the cursor by this.
    if (state.cursor) root.setAttribute("aria-activedescendant", `case-${state.cursor}`);
    else root.removeAttribute("aria-activedescendant");
    state.fresh.clear();
  }
  function show() {
    body.querySelector(".cursor")?.scrollIntoView({ block: "nearest" });
  }
  function step(by, event) {
    const next = ids[Math.min(ids.length - 1, Math.max(0, ids.indexOf(state.cursor) + by))];
    if (next === undefined) return;
    move(next);
    if (event.shiftKey) {
      state.selected.add(next);
      emit();
    } else if (data.opened) {
      // The panel follows the cursor, once it rests.
      clearTimeout(state.following);
      state.following = setTimeout(() => open(next), 180);
    }
    paint();
    show();
  }

  root.onkeydown = (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const key = event.key;
    if (event.target.closest?.(".sort") && (key === "Enter" || key === " ")) return;
    if (key === "j" || key === "J" || key === "ArrowDown") step(1, event);
    else if (key === "k" || key === "K" || key === "ArrowUp") step(-1, event);
    else if (key === "x" || key === " ") { if (state.cursor) { flip(state.cursor); paint(); emit(); } }
    else if (key === "a") { ids.forEach((id) => state.selected.add(id)); paint(); emit(); }
    else if (key === "Escape") {
      if (state.selected.size) { state.selected.clear(); paint(); emit(); }
      else if (data.opened) open(null);
      else return;
    }
    else if (key === "Enter" || key === "o") { if (state.cursor) open(state.cursor); }
    else if (key === "t") {
      const row = rows.find((one) => one.id === state.cursor);
      if (row) window.location.assign(`/trace?id=${encodeURIComponent(row.unit)}`);
    }
    else if (data.keys[key]) {
      const target = state.selected.size ? [...state.selected] : state.cursor ? [state.cursor] : [];
      setTriggerValue("act", { name: data.keys[key], ids: target });
    }
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  function heading([name, text, kind, , by]) {
    const cell = element("div", `cell ${kind}`);
    cell.setAttribute("role", "columnheader");
    cell.dataset.name = name;
    if (!by) {
      cell.textContent = text;
      return cell;
    }
    const isSorted = data.sort?.name === by;
    const button = element("button", "sort", text);
    button.type = "button";
    button.dataset.by = by;
    button.onclick = () => setTriggerValue("sort", { name: by });
    if (isSorted) {
      const arrow = element("span", "arrow", data.sort.up ? "▲" : "▼");
      arrow.setAttribute("aria-hidden", "true");
      button.append(arrow);
    }
    cell.setAttribute("aria-sort", isSorted ? (data.sort.up ? "ascending" : "descending") : "none");
    cell.append(button);
    return cell;
  }
  // Drawn again only where it changes: the heading that was pressed keeps the focus.
  const headed = JSON.stringify([data.columns, data.sort]);
  if (state.headed !== headed) {
    const focused = parentElement.getRootNode().activeElement?.dataset?.by;
    head.replaceChildren(...state.columns.map(heading));
    if (focused) head.querySelector(`[data-by="${focused}"]`)?.focus({ preventScroll: true });
    state.headed = headed;
  }
  paint();
  clearInterval(state.clock);
  state.clock = setInterval(paint, 15000);
  if (sizeBefore !== state.selected.size) emit();
  // Keys work at once, unless somebody is typing.
  if (first && !(document.activeElement && /INPUT|TEXTAREA/.test(document.activeElement.tagName))) root.focus({ preventScroll: true });
  return () => { clearInterval(state.clock); clearTimeout(state.following); memory.delete(root); };
}
