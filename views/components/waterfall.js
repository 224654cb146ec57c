// Spans as a tree over one time axis. What came from telemetry is only ever set as textContent.
const memory = new WeakMap();
const SVG = "http://www.w3.org/2000/svg";
const GAP_PX = 64;
const OPEN_PX = 96;
const DOT_PX = 11;
const SEND_MS = 90;

function element(tag, kind, text) {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (text !== undefined) made.textContent = text;
  return made;
}

function drawn(tag, attributes, ...inside) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

// Red means failed, here and everywhere: services get the other colours.
function palette(host) {
  const colors = getComputedStyle(host).getPropertyValue("--st-chart-categorical-colors").split(",");
  const usable = colors.map((c) => c.trim()).filter((c) => c && !reddish(c));
  return usable.length ? usable : ["#6366f1"];
}

function reddish(color) {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
  if (!hex) return false;
  const [r, g, b] = hex.slice(1).map((part) => parseInt(part, 16));
  return r > 200 && r - g > 90 && Math.abs(g - b) < 40;
}

// Where a moment lies on the axis: a folded gap takes a fixed width, all other time shares the rest.
function scale(view, width) {
  const folded = view.data.gaps.filter((gap) => !view.unfolded.has(gap[0]));
  const gapPx = folded.length ? Math.min(GAP_PX, (width * 0.45) / folded.length) : 0;
  const awake = Math.max(1e-6, view.data.total - folded.reduce((sum, [low, high]) => sum + high - low, 0));
  const perMs = Math.max(1, width - gapPx * folded.length) / awake;
  const x = (ms) => {
    let px = ms * perMs;
    for (const [low, high] of folded) {
      if (ms >= high) px += gapPx - (high - low) * perMs;
      else if (ms > low) px += ((ms - low) / (high - low)) * gapPx - (ms - low) * perMs;
    }
    return px;
  };
  const back = (px) => {
    let low = 0, high = view.data.total;
    for (let n = 0; n < 50; n++) { const mid = (low + high) / 2; if (x(mid) < px) low = mid; else high = mid; }
    return high;
  };
  return { x, back, width };
}

function visible(view) {
  const rows = [];
  let hidden = Infinity;
  for (const row of view.data.rows) {
    if (row.level > hidden) continue;
    hidden = view.folded.has(row.id) ? row.level : Infinity;
    rows.push(row);
  }
  return rows;
}

// --- drawing ---------------------------------------------------------------------------------

function draw(view) {
  const width = Math.max(60, view.axis.clientWidth);
  view.scale = scale(view, width);
  view.rows = visible(view);
  view.elements = new Map();
  view.body.replaceChildren(view.under, ...view.rows.map((row) => rowElement(view, row)));
  drawAxis(view);
  mark(view);
}

function drawAxis(view) {
  const { axis, under, scale: { x, back, width } } = view;
  const marks = [], lines = [];
  const taken = [];
  for (const gap of view.data.gaps) {
    const [low, high] = gap, open = view.unfolded.has(low);
    const left = x(low), px = x(high) - left;
    marks.push(gapButton(view, gap, left, px, open));
    const from = open ? openLeft(view, left, px) : left;
    taken.push([from, from + (open ? OPEN_PX : px)]);
    lines.push(zigzag(left, px, open));
  }
  const count = Math.max(2, Math.floor(width / 110));
  for (let n = 0; n < count; n++) {
    const left = (width * n) / count;
    if (taken.some(([low, high]) => left + 52 > low && left < high)) continue;
    const tick = element("span", "tick", n ? `+${duration(back(left))}` : "0");
    tick.style.left = `${left}px`;
    marks.push(tick);
    const line = element("i");
    line.style.left = `${left}px`;
    if (n) lines.push(line);
  }
  axis.replaceChildren(...marks);
  under.replaceChildren(...lines);
  const place = axis.getBoundingClientRect(), body = view.body.getBoundingClientRect();
  Object.assign(under.style, {
    left: `${place.left - body.left}px`, width: `${width}px`, right: "auto", height: `${view.rows.length * 28}px`,
  });
}

function gapButton(view, [low, high], left, px, open) {
  const length = duration(high - low);
  const button = element("button", "gap", open ? `fold ${length}` : px >= 44 ? duration(high - low, true) : "≷");
  button.type = "button";
  button.tabIndex = -1;
  button.title = `Nothing happened for ${length}. Click to ${open ? "fold" : "unfold"} (key z: all).`;
  button.setAttribute("aria-label", button.title);
  if (open) Object.assign(button.style, { left: `${openLeft(view, left, px)}px`, width: `${OPEN_PX}px` });
  else Object.assign(button.style, { left: `${left + 1}px`, width: `${Math.max(8, px - 2)}px` });
  button.onclick = (event) => {
    event.stopPropagation();
    if (open) view.unfolded.delete(low); else view.unfolded.add(low);
    draw(view);
  };
  return button;
}

function openLeft(view, left, px) {
  return Math.max(0, Math.min(view.scale.width - OPEN_PX, left + px / 2 - OPEN_PX / 2));
}

let patterns = 0;
function zigzag(left, px, open) {
  const id = `zigzag-${++patterns}`;
  const pattern = drawn("pattern", { id, width: px, height: 12, patternUnits: "userSpaceOnUse" });
  for (const at of open ? [] : [px / 2 - 4, px / 2 + 2]) {
    pattern.append(drawn("path", { d: `M${at} 0l4 6l-4 6` }));
  }
  const svg = drawn("svg", { width: px, "aria-hidden": "true" }, pattern,
    drawn("rect", { width: "100%", height: "100%", fill: "var(--line)", opacity: "0.25" }),
    drawn("rect", { width: "100%", height: "100%", fill: `url(#${id})` }));
  svg.style.left = `${left}px`;
  return svg;
}

function rowElement(view, row) {
  const made = element("div", `row ${row.kind}${row.failed ? " failed" : ""}${row.level === 1 ? " top" : ""}`);
  const parent = view.parents.has(row.id);
  made.id = `row-${view.order.get(row.id)}`;
  made.dataset.row = row.id;
  made.setAttribute("role", "treeitem");
  made.setAttribute("aria-level", row.level);
  if (parent) made.setAttribute("aria-expanded", !view.folded.has(row.id));
  made.setAttribute("aria-label", spoken(row));
  made.title = spoken(row);
  made.append(nameCell(view, row, parent), trackCell(view, row), element("span", "took", row.kind === "logs" ? "" : duration(row.ms)));
  view.elements.set(row.id, made);
  return made;
}

function spoken(row) {
  const parts = [row.name, row.note, row.kind === "span" && row.service, row.kind !== "logs" && duration(row.ms)];
  if (row.failed) parts.push("failed");
  if (row.logs.length) parts.push(`${row.logs.length} log${row.logs.length === 1 ? "" : "s"}`);
  return parts.filter(Boolean).join(", ");
}

function nameCell(view, row, parent) {
  const cell = element("div", "name");
  cell.style.paddingLeft = `${4 + Math.min(row.level - 1, 12) * 14}px`;
  const fold = element("i", "fold", parent ? (view.folded.has(row.id) ? "▶" : "▼") : "");
  fold.style.fontStyle = "normal";
  if (parent) fold.dataset.fold = row.id;
  cell.append(fold);
  if (row.failed) cell.append(drawn("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" },
    drawn("circle", { cx: 8, cy: 8, r: 7, fill: "currentColor" }),
    drawn("path", { d: "M5.4 5.4l5.2 5.2M10.6 5.4l-5.2 5.2", stroke: "white", "stroke-width": 1.7, "stroke-linecap": "round" })));
  cell.append(element("b", "", row.name));
  if (row.note) cell.append(element("em", "", row.note));
  if (row.kind === "span" && row.service && row.service !== view.above.get(row.id)) cell.append(element("span", "", row.service));
  return cell;
}

function trackCell(view, row) {
  const { x, width } = view.scale;
  const cell = element("div", "track");
  const bar = element("i", "bar");
  const left = Math.min(x(row.at), width - 3);
  bar.style.left = `${left}px`;
  bar.style.width = `${Math.max(0, Math.min(width, x(row.at + row.ms)) - left)}px`;
  bar.style.background = view.colors[Math.max(0, view.data.services.indexOf(row.service)) % view.colors.length];
  cell.append(bar, ...clusters(row.logs, x).map((found) => dotElement(view, found, width)));
  return cell;
}

function clusters(logs, x) {
  const found = [];
  for (const log of logs) {
    const last = found[found.length - 1], px = x(log.at);
    if (last && px - last.px < DOT_PX) last.logs.push(log);
    else found.push({ px, logs: [log] });
  }
  return found;
}

const WORST = ["error", "warning", "info", "debug"];
function dotElement(view, { px, logs }, width) {
  const worst = WORST.find((level) => logs.some((log) => log.level === level));
  const dot = element("i", `dot ${worst}${logs.length > 1 ? " many" : ""}`, logs.length > 1 ? (logs.length > 99 ? "99+" : String(logs.length)) : "");
  dot.style.left = `${Math.max(5, Math.min(px, width - 5))}px`;
  dot.style.fontStyle = "normal";
  dot.title = logs.slice(0, 5).map((log) => `${log.level}: ${log.text}`).join("\n") + (logs.length > 5 ? `\n… and ${logs.length - 5} more` : "");
  dot.dataset.logs = "";
  view.dots.set(dot, logs);
  return dot;
}

// --- selection -------------------------------------------------------------------------------

function rowOf(view, id) {
  return view.elements.has(id) ? id : view.homes.get(id);
}

function mark(view) {
  for (const made of view.body.querySelectorAll(".selected, .chosen")) {
    made.classList.remove("selected", "chosen");
    made.removeAttribute("aria-selected");
  }
  const made = view.elements.get(rowOf(view, view.selected));
  if (!made) { view.root.removeAttribute("aria-activedescendant"); return; }
  made.classList.add("selected");
  made.setAttribute("aria-selected", "true");
  view.root.setAttribute("aria-activedescendant", made.id);
  for (const dot of made.querySelectorAll(".dot")) {
    if (view.dots.get(dot)?.some((log) => log.id === view.selected)) dot.classList.add("chosen");
  }
}

function reveal(view) {
  const made = view.elements.get(rowOf(view, view.selected));
  if (!made) return;
  const top = made.offsetTop, { scrollTop, clientHeight } = view.body;
  if (top < scrollTop) view.body.scrollTop = top;
  else if (top + 28 > scrollTop + clientHeight) view.body.scrollTop = top + 28 - clientHeight;
}

function pick(view, id) {
  if (!id || id === view.selected) return;
  view.selected = id;
  mark(view);
  reveal(view);
  clearTimeout(view.timer);
  // Holding an arrow key down asks the server once, not once a row.
  view.timer = setTimeout(() => { view.sent.add(id); view.send(id); }, SEND_MS);
}

function fold(view, id, closed) {
  if (!view.parents.has(id)) return;
  if (closed) view.folded.add(id); else view.folded.delete(id);
  draw(view);
}

function nextLog(view, logs) {
  const at = logs.findIndex((log) => log.id === view.selected);
  pick(view, logs[(at + 1) % logs.length]?.id);
}

function clicked(view, event) {
  const path = event.composedPath();
  const dot = path.find((node) => node.dataset?.logs !== undefined);
  if (dot) return nextLog(view, view.dots.get(dot) ?? []);
  const sign = path.find((node) => node.dataset?.fold);
  if (sign) return fold(view, sign.dataset.fold, !view.folded.has(sign.dataset.fold));
  const row = path.find((node) => node.dataset?.row);
  if (row) pick(view, row.dataset.row);
}

function typed(view, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const rows = view.rows, now = rowOf(view, view.selected);
  const at = rows.findIndex((row) => row.id === now), row = rows[at];
  const to = (n) => pick(view, rows[Math.max(0, Math.min(rows.length - 1, n))]?.id);
  const wrong = (part) => part.find((other) => other.failed);
  const acts = {
    ArrowDown: () => to(at + 1), j: () => to(at + 1),
    ArrowUp: () => to(at < 0 ? 0 : at - 1), k: () => to(at < 0 ? 0 : at - 1),
    Home: () => to(0), End: () => to(rows.length - 1), PageDown: () => to(at + 15), PageUp: () => to(at - 15),
    ArrowLeft: () => {
      if (!row) return;
      if (view.parents.has(row.id) && !view.folded.has(row.id)) return fold(view, row.id, true);
      for (let n = at - 1; n >= 0; n--) if (rows[n].level < row.level) return to(n);
    },
    ArrowRight: () => {
      if (!row || !view.parents.has(row.id)) return;
      if (view.folded.has(row.id)) fold(view, row.id, false); else to(at + 1);
    },
    Enter: () => row && fold(view, row.id, !view.folded.has(row.id)),
    l: () => row?.logs.length && nextLog(view, row.logs),
    e: () => pick(view, (wrong(rows.slice(at + 1)) ?? wrong(rows))?.id),
    E: () => { const before = rows.slice(0, Math.max(0, at)).reverse(); pick(view, (wrong(before) ?? wrong([...rows].reverse()))?.id); },
    z: () => {
      const all = view.data.gaps.every(([low]) => view.unfolded.has(low));
      view.unfolded = new Set(all ? [] : view.data.gaps.map(([low]) => low));
      draw(view);
    },
  };
  if (!acts[event.key]) return;
  event.preventDefault();
  event.stopPropagation();
  acts[event.key]();
}

// --- life ------------------------------------------------------------------------------------

function born(parentElement) {
  const root = parentElement.querySelector(".waterfall");
  const view = {
    root, axis: root.querySelector(".axis"), body: root.querySelector(".body"), under: root.querySelector(".under"),
    folded: new Set(), unfolded: new Set(), sent: new Set(), dots: new WeakMap(), selected: null, received: undefined,
  };
  view.watch = new ResizeObserver(() => {
    if (view.data && view.scale?.width !== Math.max(60, view.axis.clientWidth)) draw(view);
  });
  view.watch.observe(view.axis);
  return view;
}

function take(view, data) {
  view.data = data;
  view.order = new Map(data.rows.map((row, n) => [row.id, n]));
  view.parents = new Set(data.rows.filter((row, n) => data.rows[n + 1]?.level > row.level).map((row) => row.id));
  view.above = servicesAbove(data.rows);
  view.homes = new Map(data.rows.flatMap((row) => row.logs.map((log) => [log.id, row.id])));
  view.colors = palette(view.root);
}

// A service is named where it takes over, not on each row below.
function servicesAbove(rows) {
  const above = new Map(), path = [];
  for (const row of rows) {
    above.set(row.id, row.level > 1 ? path[row.level - 1] : undefined);
    path[row.level] = row.service;
  }
  return above;
}

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  let view = memory.get(parentElement);
  if (!view) { view = born(parentElement); memory.set(parentElement, view); }
  view.send = (id) => setStateValue("selected", id);
  view.root.onclick = (event) => clicked(view, event);
  view.root.onkeydown = (event) => typed(view, event);
  take(view, data);
  if (data.selected !== view.received) {
    view.received = data.selected;
    // An echo of what was sent is old news: the cursor may have moved on since.
    if (!view.sent.delete(data.selected)) view.selected = data.selected;
  }
  const first = !view.elements;
  draw(view);
  if (first) reveal(view);
  return () => {
    clearTimeout(view.timer);
    view.watch.disconnect();
    memory.delete(parentElement);
  };
}
