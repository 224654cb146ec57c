// One event stream for all tabs of a browser that show the same session: a name has 50 streams, and a browser
// six connections to a server without HTTP/2. The tab that holds the lock reads it for all; when it closes or
// crashes, the next one gets the lock. Locks exist on https and on this machine only: elsewhere each reads its own.
const AGAIN_MS = [1000, 10000];

// `heard` gets "opened" when a stream begins (what came before may be missed), "changed" with a revision, and
// "signed-out". Returns what ends it.
function follow(topic, reader, heard) {
  const name = `unsnag-${topic}-${reader}`;
  const stop = new AbortController();
  const channel = typeof BroadcastChannel === "function" ? new BroadcastChannel(name) : null;
  if (channel) channel.onmessage = ({ data }) => heard(data.kind, data.revision);
  const read = (isShared) => new Promise((ended) => {
    let source, timer;
    const send = (kind, revision) => {
      if (isShared && !stop.signal.aborted) channel.postMessage({ kind, revision });
      heard(kind, revision);
    };
    const open = (wait) => {
      source = new EventSource(`/api/v1/events?topic=${encodeURIComponent(topic)}`);
      source.onopen = () => { wait = AGAIN_MS[0]; send("opened"); };
      source.addEventListener(topic, (event) => send("changed", Number(event.data)));
      source.addEventListener("signed-out", () => { source.close(); send("signed-out"); });
      // The browser does not try a stream again that is refused, as by a server that starts.
      source.onerror = async () => {
        if (source.readyState !== EventSource.CLOSED) return;
        const answer = await fetch("/api/v1/events", { method: "HEAD", cache: "no-store" }).catch(() => null);
        if (stop.signal.aborted) return;
        if (answer?.status === 401) send("signed-out");
        else timer = setTimeout(() => open(Math.min(2 * wait, AGAIN_MS[1])), wait * (0.5 + Math.random()));
      };
    };
    open(AGAIN_MS[0]);
    stop.signal.addEventListener("abort", () => { clearTimeout(timer); source.close(); ended(); });
  });
  if (channel && navigator.locks) navigator.locks.request(name, { signal: stop.signal }, () => read(true)).catch(() => {});
  else read(false);
  return () => { stop.abort(); channel?.close(); };
}
