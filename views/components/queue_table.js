// A grid whose rows are known by id. The feed of the page brings rows: they are patched in place, so that cursor,
// selection, focus and scroll stay. A claim or release is shown at once, and taken back where it is refused.
const grids = new WeakMap();
const CLOCK_MS = 15000;
const FOLLOWS_MS = 180; // the panel follows the cursor, once it rests
const ANNOUNCED_MS = 3000;
const BY_REST = { claim: "claimed", release: "released" };

class Grid {
  constructor(parent, data) {
    this.parent = parent;
    this.root = parent.querySelector(".queue");
    for (const name of ["head", "body"]) this[name] = this.root.querySelector(`.${name}`);
    for (const name of ["announced", "message"]) this[name] = parent.querySelector(`.${name}`);
    Object.assign(this, {
      rows: [], ids: [], selected: new Set(), cursor: null, place: 0, anchor: null, known: null, fresh: new Set(),
      epoch: data.epoch, acting: new Map(), news: { came: 0, left: 0 }, asked: [], awaited: null,
    });
    this.root.onkeydown = (event) => this.key(event);
    this.body.onclick = (event) => this.click(event);
    this.message.querySelector("button").onclick = () => this.say("");
    this.stop = new AbortController();
    window.addEventListener("unsnag-queue", () => this.came(), { signal: this.stop.signal });
    this.clock = setInterval(() => this.paint(), CLOCK_MS);
  }

  update({ data, setStateValue, setTriggerValue }) {
    const first = !this.data;
    if (data.opened !== this.data?.opened) this.panelCame(data.opened);
    Object.assign(this, { data, set: setStateValue, trigger: setTriggerValue });
    this.skew = data.now - Date.now();
    if (this.query !== data.query) this.known = null; // another list: nothing in it has just come
    this.query = data.query;
    const sizeBefore = this.selected.size;
    if (data.epoch !== this.epoch) this.selected.clear();
    this.epoch = data.epoch;
    this.shown = { columns: columnsOf(data.columns), me: data.me, claimMs: data.claimMs };
    this.layOut();
    this.forgetDone();
    const { rows } = fetchedFor(data) ?? data;
    this.take(rows);
    if (sizeBefore !== this.selected.size) this.emit();
    // Keys work at once, unless somebody is typing.
    if (first && !(document.activeElement && /INPUT|TEXTAREA/.test(document.activeElement.tagName))) this.root.focus({ preventScroll: true });
  }

  // A panel that this grid did not ask for, such as that of the next exception, takes the cursor to its row, also
  // where the row comes later: keys act on what the panel shows. The cursor is ahead of panels that it asked for.
  panelCame(id) {
    const place = this.asked.indexOf(id);
    this.awaited = place < 0 ? id : null;
    this.asked = place < 0 ? [] : this.asked.slice(place + 1);
  }

  // What was done is in the rows that come after it.
  forgetDone() {
    for (const [id, act] of this.acting) if (act.done) this.acting.delete(id);
  }

  came() {
    const live = fetchedFor(this.data);
    if (!live) return;
    const [before, size] = [new Set(this.ids), this.selected.size];
    this.forgetDone();
    this.take(live.rows);
    this.news.came += this.ids.filter((id) => !before.has(id)).length;
    this.news.left += [...before].filter((id) => !this.ids.includes(id)).length;
    this.announce();
    if (size !== this.selected.size) this.emit();
  }

  take(rows) {
    this.rows = rows;
    const ids = (this.ids = rows.map((row) => row.id));
    // Rows that someone else took drop out of the selection; the others stay in it.
    this.selected = new Set([...this.selected].filter((id) => ids.includes(id)));
    if (ids.includes(this.awaited)) this.move(this.awaited);
    if (this.cursor === null || !ids.includes(this.cursor)) this.cursor = ids[Math.min(this.place, ids.length - 1)] ?? null;
    this.place = Math.max(0, ids.indexOf(this.cursor));
    this.fresh = new Set(this.known ? ids.filter((id) => !this.known.has(id)) : []);
    this.known = new Set([...(this.known ?? []), ...ids]);
    this.paint();
    this.fresh.clear();
  }

  announce() {
    if (!this.news.came && !this.news.left) return;
    this.announcing ??= setTimeout(() => {
      this.announcing = null;
      const { came, left } = this.news;
      this.news = { came: 0, left: 0 };
      this.announced.textContent = [came && `${came} came to the list`, left && `${left} left it`].filter(Boolean).join(", ");
    }, ANNOUNCED_MS);
  }

  layOut() {
    const { columns } = this.shown;
    this.root.classList.toggle("narrow", this.data.narrow);
    const { widths } = this.data;
    this.root.classList.toggle("chosen", Boolean(this.data.columns || (widths && !this.data.narrow)));
    this.root.style.setProperty("--columns", tracks(columns, widths));
    this.root.style.setProperty("--least", `${columns.reduce((sum, column) => sum + widthOf(widths, column) + 4, 0)}px`);
    const sortedBy = this.data.sort ? `Sorted by ${this.data.sort.words}` : "Sorted by urgency";
    if (this.sortedBy && this.sortedBy !== sortedBy) this.announced.textContent = sortedBy;
    this.sortedBy = sortedBy;
    // Drawn again only where it changes: the heading that was pressed keeps the focus.
    const headed = JSON.stringify([this.data.columns, this.data.sort, widths]);
    if (this.headed === headed) return;
    const focused = this.focused()?.dataset?.by;
    this.head.replaceChildren(...columns.map((column) => this.heading(column)));
    if (focused) this.head.querySelector(`[data-by="${focused}"]`)?.focus({ preventScroll: true });
    this.headed = headed;
  }

  heading(column) {
    const [name, text, kind, , by] = column;
    const cell = element("div", `cell ${kind}`);
    cell.setAttribute("role", "columnheader");
    cell.dataset.name = name;
    const grip = widthGrip(this.root, this.shown.columns, this.data.widths, column, (changed) => this.trigger("width", changed));
    if (!by) {
      cell.textContent = text;
      if (!FIXED.includes(name)) cell.append(grip);
      return cell;
    }
    const { sort } = this.data;
    const isSorted = sort?.name === by;
    const button = element("button", "sort", text);
    button.type = "button";
    button.dataset.by = by;
    button.onclick = () => this.trigger("sort", { name: by });
    if (isSorted) {
      const arrow = element("span", "arrow", sort.up ? "▲" : "▼");
      arrow.setAttribute("aria-hidden", "true");
      button.append(arrow);
    }
    cell.setAttribute("aria-sort", isSorted ? (sort.up ? "ascending" : "descending") : "none");
    cell.append(button, grip);
    return cell;
  }

  focused() { return this.parent.getRootNode().activeElement; }

  paint() {
    const now = Date.now() + this.skew;
    const kept = new Map([...this.body.children].map((line) => [line.dataset.id, line]));
    const lines = this.rows.map((row) => this.line(kept.get(row.id), row, now));
    if (!lines.length) lines.push(element("div", "hint", "Nothing here."));
    for (const line of this.body.querySelectorAll(":scope > *")) if (!lines.includes(line)) line.remove();
    // Only what stands elsewhere is moved: a moved element loses its focus and its place.
    lines.forEach((line, at) => { if (this.body.children[at] !== line) this.body.insertBefore(line, this.body.children[at] ?? null); });
    // The grid keeps the focus: screen readers announce the row under the cursor by this.
    if (this.cursor) this.root.setAttribute("aria-activedescendant", `case-${this.cursor}`);
    else this.root.removeAttribute("aria-activedescendant");
  }

  line(kept, stored, now) {
    const row = { ...stored, ...this.acting.get(stored.id)?.shows };
    const line = kept ?? element("div", "row");
    const drawn = JSON.stringify([row, this.shown, Math.floor(now / CLOCK_MS)]);
    if (line.drawn !== drawn) {
      const hadFocus = line.contains(this.focused());
      fill(line, row, this.shown, now);
      if (hadFocus) this.root.focus({ preventScroll: true });
      line.drawn = drawn;
    }
    if (!kept) {
      line.dataset.id = row.id;
      line.id = `case-${row.id}`;
      line.setAttribute("role", "row");
      line.classList.toggle("fresh", this.fresh.has(row.id));
    }
    const isSelected = this.selected.has(row.id);
    line.querySelector("input").checked = isSelected;
    line.setAttribute("aria-selected", String(isSelected));
    line.setAttribute("aria-busy", String(this.acting.has(row.id)));
    line.classList.toggle("selected", isSelected);
    line.classList.toggle("cursor", this.cursor === row.id);
    line.classList.toggle("opened", this.data.opened === row.id);
    return line;
  }

  emit() { this.set("selected", [...this.selected]); }
  open(id) {
    this.asked.push(id);
    this.trigger("open", { id });
  }

  click(event) {
    const id = event.target.closest(".row")?.dataset.id;
    if (!id || event.target.tagName === "A") return;
    this.root.focus({ preventScroll: true });
    const toggle = event.target.tagName === "INPUT" || event.metaKey || event.ctrlKey;
    if (event.shiftKey && this.anchor !== null && this.ids.includes(this.anchor)) {
      const [low, high] = [this.ids.indexOf(this.anchor), this.ids.indexOf(id)].sort((a, b) => a - b);
      this.ids.slice(low, high + 1).forEach((one) => this.selected.add(one));
      document.getSelection()?.removeAllRanges();
      this.emit();
    } else if (toggle) {
      this.flip(id);
      this.emit();
    } else {
      this.open(id);
    }
    this.move(id);
    this.paint();
  }

  flip(id) {
    this.selected.has(id) ? this.selected.delete(id) : this.selected.add(id);
    this.anchor = id;
  }

  move(id) {
    this.cursor = id;
    this.awaited = null;
    this.place = this.ids.indexOf(id);
  }

  step(by, event) {
    const { ids } = this;
    const next = ids[Math.min(ids.length - 1, Math.max(0, ids.indexOf(this.cursor) + by))];
    if (next === undefined) return;
    this.move(next);
    if (event.shiftKey) {
      this.selected.add(next);
      this.emit();
    } else if (this.data.opened) {
      clearTimeout(this.following);
      this.following = setTimeout(() => this.open(next), FOLLOWS_MS);
    }
    this.paint();
    this.body.querySelector(".cursor")?.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const { key } = event;
    if (event.target.closest?.(".sort") && (key === "Enter" || key === " ")) return;
    if (key === "j" || key === "J" || key === "ArrowDown") this.step(1, event);
    else if (key === "k" || key === "K" || key === "ArrowUp") this.step(-1, event);
    else if (key === "x" || key === " ") { if (this.cursor) this.select(() => this.flip(this.cursor)); }
    else if (key === "a") this.select(() => this.ids.forEach((id) => this.selected.add(id)));
    else if (key === "Escape") {
      if (this.selected.size) this.select(() => this.selected.clear());
      else if (this.data.opened) this.open(null);
      else return;
    }
    else if (key === "Enter" || key === "o") { if (this.cursor) this.open(this.cursor); }
    else if (key === "t") {
      const row = this.rows.find((one) => one.id === this.cursor);
      if (row) window.location.assign(`/trace?id=${encodeURIComponent(row.unit)}`);
    }
    else if (this.data.keys[key]) this.act(this.data.keys[key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  select(how) {
    how();
    this.paint();
    this.emit();
  }

  act(name) {
    const ids = this.selected.size ? [...this.selected] : this.cursor ? [this.cursor] : [];
    if (BY_REST[name] && ids.length === 1) this.byRest(name, ids[0]);
    else this.trigger("act", { name, ids });
  }

  // Shown before its answer. Several at once go through the script: they are one act in the audit.
  async byRest(name, id) {
    if (this.acting.has(id)) return;
    if (this.data.refusal) {
      this.say(this.data.refusal);
      return;
    }
    const lease = Date.now() + this.skew + this.data.claimMs;
    const act = { done: false, shows: name === "claim" ? { holder: this.data.me, lease } : { holder: null, lease: null } };
    const unit = this.rows.find((row) => row.id === id)?.unit;
    this.acting.set(id, act);
    this.say("");
    this.paint();
    const refused = await perform(name, id);
    act.done = true;
    if (refused !== null && this.acting.get(id) === act) this.acting.delete(id);
    this.say(refused ?? (name === "release" ? `${unit} released` : ""), refused !== null);
    this.paint();
    window.dispatchEvent(new CustomEvent("unsnag-queue-acted"));
    if (refused === null && name === "claim") this.trigger("claimed", { id });
  }

  say(text, isRefusal = true) {
    this.message.querySelector("span").textContent = text;
    this.message.hidden = !text;
    this.message.classList.toggle("refusal", isRefusal);
  }

  end() {
    this.stop.abort();
    clearInterval(this.clock);
    clearTimeout(this.following);
    clearTimeout(this.announcing);
  }
}

export default function (component) {
  const root = component.parentElement.querySelector(".queue");
  let grid = grids.get(root);
  if (!grid) grids.set(root, (grid = new Grid(component.parentElement, component.data)));
  grid.update(component);
  return () => { grid.end(); grids.delete(root); };
}
