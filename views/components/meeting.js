// Meeting mode: keys and buttons that go from section to section, and how long the present one has been open.
const bars = new WeakMap();
const TYPED = "input, textarea, select, [contenteditable=true], [role=dialog], [role=combobox]";

function sections() {
  return [...document.querySelectorAll('[class*="st-key-section_"]')];
}

function go(bar, step) {
  const all = sections();
  if (!all.length) return;
  bar.place = Math.min(Math.max(bar.place + step, 0), all.length - 1);
  bar.since = Date.now();
  all[bar.place].scrollIntoView({ block: "start" });
  tell(bar);
}

function tell(bar) {
  const all = sections();
  const at = Math.max(bar.place, 0);
  const name = all[at]?.querySelector("h3")?.textContent ?? "";
  const spent = Math.floor((Date.now() - bar.since) / 1000);
  const clock = `${Math.floor(spent / 60)}:${String(spent % 60).padStart(2, "0")}`;
  bar.name.textContent = `${at + 1} of ${all.length} · ${name}`;
  bar.clock.textContent = clock;
}

export default function (component) {
  const { parentElement } = component;
  if (bars.has(parentElement)) return;
  const find = (kind) => parentElement.querySelector(`.${kind}`);
  const bar = { place: -1, since: Date.now(), name: find("name"), clock: find("clock") };
  bars.set(parentElement, bar);
  find("before").onclick = () => go(bar, -1);
  find("next").onclick = () => go(bar, 1);
  const onKey = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest?.(TYPED)) return;
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
    event.preventDefault();
    go(bar, event.key === "ArrowRight" ? 1 : -1);
  };
  document.addEventListener("keydown", onKey);
  const timer = setInterval(() => tell(bar), 1000);
  tell(bar);
  return () => {
    clearInterval(timer);
    document.removeEventListener("keydown", onKey);
    bars.delete(parentElement);
  };
}
