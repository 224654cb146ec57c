// Which rows of how many are shown, kept true by the feed of the page.
const notes = new WeakMap();
const count = (number) => number.toLocaleString("en-US");

function drawNote(root, data) {
  const { first, total, rows } = fetchedFor(data) ?? data;
  const last = first + (Array.isArray(rows) ? rows.length : rows);
  root.querySelector(".selected").textContent = data.selected ? `${count(data.selected)} selected` : "";
  root.querySelector(".shown").textContent = `${data.selected ? " · " : ""}${count(first + 1)}–${count(last)} of ${count(total)}`;
  root.querySelector(".how").textContent = ` · ${data.how}`;
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".note");
  let note = notes.get(root);
  if (!note) {
    notes.set(root, (note = { stop: new AbortController() }));
    window.addEventListener("unsnag-queue", () => drawNote(root, note.data), { signal: note.stop.signal });
  }
  note.data = data;
  drawNote(root, data);
  return () => { note.stop.abort(); notes.delete(root); };
}
