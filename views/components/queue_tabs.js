// The tabs of the queue with their counts, which the feed keeps true.
const tabs = new WeakMap();

function made(kind, role, text) {
  const element = document.createElement(kind);
  if (role) element.setAttribute("role", role);
  if (text !== undefined) element.textContent = text;
  return element;
}

class Tabs {
  constructor(root, data) {
    Object.assign(this, { root, group: root.querySelector(".tabs"), settling: root.querySelector(".settling") });
    this.buttons = new Map(data.tabs.map(([name, label]) => [name, this.button(name, label)]));
    this.group.replaceChildren(...this.buttons.values());
    this.group.onkeydown = (event) => this.key(event);
    this.feed = new Feed(data, () => this.draw());
  }

  update({ data, setTriggerValue }) {
    Object.assign(this, { chosen: data.tab, choose: (name) => setTriggerValue("tab", { name }) });
    this.feed.update(data, () => setTriggerValue("stale", { revision: this.feed.view.revision }));
    this.draw();
  }

  button(name, label) {
    const button = made("button", "radio");
    button.type = "button";
    button.dataset.name = name;
    button.append(made("span", "", label), " ", made("span", "", ""));
    button.onclick = () => {
      if (name === this.chosen) return;
      this.chosen = name;
      this.feed.isLeaving = true; // a run with the address of before would take the choice back
      this.draw();
      this.choose(name);
    };
    return button;
  }

  key(event) {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const all = [...this.buttons.values()];
    all[(all.indexOf(event.target.closest("button")) + by + all.length) % all.length].focus();
  }

  draw() {
    const { counts, settling } = this.feed.view;
    for (const [name, button] of this.buttons) {
      const count = (counts[name] ?? 0).toLocaleString("en-US");
      if (button.lastChild.textContent !== count) button.lastChild.textContent = count;
      button.setAttribute("aria-checked", String(name === this.chosen));
      button.tabIndex = name === this.chosen ? 0 : -1;
    }
    this.settling.textContent = settling;
    this.settling.hidden = !settling;
  }
}

export default function (component) {
  const root = component.parentElement.querySelector(".root");
  let shown = tabs.get(root);
  if (!shown) tabs.set(root, (shown = new Tabs(root, component.data)));
  shown.update(component);
  return () => { shown.feed.end(); tabs.delete(root); };
}
