// A row of the queue: its columns and cells. What came from telemetry is only ever set as textContent.
const SVG = "http://www.w3.org/2000/svg";
const SHAPES = {
  critical: "M6 1v6M6 10v1.2", high: "M2 7l4-4 4 4M2 11l4-4 4 4", medium: "M2 4.5h8M2 8h8", low: "M2 5l4 4 4-4",
};
const CLASSES = { business: "Biz", infrastructure: "Infra", data: "Data", approval: "Appr", unknown: "TBD" };
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

function columnsOf(columns) {
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

// Fill the cells of a row. `shown` has the columns, who reads, and how long a claim lasts.
function fill(line, row, shown, now) {
  const box = element("input");
  box.type = "checkbox";
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
  const name = CLASSES[row.class] ?? CLASSES.unknown;
  const isKnown = name !== CLASSES.unknown;
  kind.append(element("span", row.guess ? "class guess" : "class", row.guess && isKnown ? `${name}?` : name));
  const guess = isKnown ? `${row.class}: a guess, needs you` : "not known: needs you";
  kind.title = row.guess ? guess : row.class;
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
    attempts: element("div", "cell number extra dim", String(row.attempts)), who: who(row, now, shown.me, shown.claimMs),
    opened, tenant: element("div", "cell extra", row.tenant ?? "–"),
  };
  line.replaceChildren(...shown.columns.map(([name, text]) => {
    cells[name].setAttribute("role", "gridcell");
    cells[name].dataset.name = text;
    return cells[name];
  }));
}
