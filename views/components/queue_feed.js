// What the queue shows, fetched again when a case changes: a change runs no script of an open page. The view
// stands in `window.unsnagQueue` for the other parts of the queue, which hear "unsnag-queue" when it is new.
const FIRST_MS = [150, 350]; // a burst makes one request, and pages do not all ask at the same moment
const SPACING_MS = [700, 400];
const CHECK_MS = [30000, 5000]; // what is due moves with time, and a stream can be silently dead
const FAILED_MS = [3000, 5000];
const between = ([least, more]) => least + Math.random() * more;

class Feed {
  constructor(data, drawn) {
    Object.assign(this, { drawn, view: null, tag: null, url: null, asked: 0, last: 0, timer: null, stale: false });
    this.unfollow = follow("case", data.reader, (kind, revision) => this.heard(kind, revision));
    this.stop = new AbortController();
    const { signal } = this.stop;
    document.addEventListener("visibilitychange", () => { if (!document.hidden && this.stale) this.fetch(); }, { signal });
    window.addEventListener("unsnag-queue-acted", () => this.fetch(), { signal });
    setTimeout(() => this.soon(), between(FIRST_MS)); // what changed between the script and the stream
    this.checking = setInterval(() => this.soon(), between(CHECK_MS));
  }

  // The script has run. What it drew is older than what was fetched since, or of another list, or newer.
  update(data, run) {
    Object.assign(this, { data, run, isLeaving: false });
    const { query, revision, total, counts, settling, opened, first } = data;
    if (this.view?.query === query && !isAsNew(revision, this.view.revision)) {
      this.compare();
      return;
    }
    if (this.view?.query !== query) this.drop();
    this.view = { query, revision, total, counts, settling, opened, first, rows: null };
    this.tag = null;
    window.unsnagQueue = null;
  }

  heard(kind, revision) {
    if (kind === "signed-out") location.assign("/sign-in");
    else if (kind === "opened" ? this.last : revision !== Number(this.view?.revision.split(".")[1])) this.soon();
  }

  soon(wait = Math.max(between(FIRST_MS), this.last + between(SPACING_MS) - performance.now())) {
    this.stale = true;
    if (!document.hidden) this.timer ??= setTimeout(() => this.fetch(), wait);
  }

  drop() {
    clearTimeout(this.timer);
    this.timer = null;
    this.asked += 1; // an answer that is under way is of an earlier question
    this.under?.abort();
  }

  async fetch() {
    this.drop();
    const [ticket, query] = [this.asked, this.view.query];
    const url = `/api/v1/queue?${query}${this.data.opened ? `&case=${encodeURIComponent(this.data.opened.id)}` : ""}`;
    const headers = this.tag && this.url === url ? { "If-None-Match": this.tag } : {};
    Object.assign(this, { stale: false, under: new AbortController() });
    const answer = await fetch(url, { headers, cache: "no-store", signal: this.under.signal }).catch(() => null);
    const body = answer?.status === 200 ? await answer.json().catch(() => null) : null;
    if (ticket !== this.asked) return;
    this.last = performance.now();
    if (answer?.status === 401) location.assign("/sign-in");
    else if (answer?.status === 304) this.view.revision = answer.headers.get("unsnag-revision");
    else if (!body) this.soon(between(FAILED_MS));
    else if (body.reader !== this.data.reader) location.reload(); // another person has signed in, in another tab
    else this.show(body, answer, url, query);
  }

  show(body, answer, url, query) {
    this.view = { ...body, query, revision: answer.headers.get("unsnag-revision") };
    Object.assign(this, { url, tag: answer.headers.get("etag") });
    window.unsnagQueue = this.view;
    window.dispatchEvent(new CustomEvent("unsnag-queue"));
    this.drawn();
    this.compare();
  }

  // The script runs again for what only it can draw: the panel of an exception that changed, the empty page,
  // how many pages there are, and whether anything can be claimed. It is asked once for each such state, and
  // then drew it.
  compare() {
    const { total, opened, rows, counts } = this.view;
    const [waits, waited] = [counts.open > 0, this.data.counts.open > 0];
    const pages = (count) => Math.ceil(count / this.data.perPage);
    const is = this.data.opened && (rows?.find((row) => row.id === this.data.opened.id) ?? opened)?.version;
    const isOther = this.data.opened && is !== this.data.opened.version;
    const differs = pages(total) !== pages(this.data.total) || waits !== waited || isOther;
    const state = JSON.stringify([pages(total), waits, is, this.data.revision]);
    if (!differs || this.isLeaving || state === this.ran) return;
    this.ran = state;
    this.run();
  }

  end() {
    this.unfollow();
    this.stop.abort();
    this.drop();
    clearInterval(this.checking);
    window.unsnagQueue = null;
  }
}
