// Runs the fragment again at a change. A burst of events makes one run: the page asks for what is new.
const streams = new WeakMap();
const PAUSE_MS = 400;

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  let stream = streams.get(parentElement);
  if (!stream) {
    stream = { known: data.revision, timer: null };
    streams.set(parentElement, stream);
    stream.end = follow(data.topic, data.reader, (kind, revision) => {
      // The session behind this page has ended: somewhere else, by an admin, or by time.
      if (kind === "signed-out") location.assign("/sign-in");
      if (kind !== "changed" || revision === stream.known) return;
      stream.known = revision;
      stream.timer ??= setTimeout(() => {
        stream.timer = null;
        setStateValue("revision", stream.known);
      }, PAUSE_MS);
    });
  }
  stream.known = Math.max(stream.known, data.revision);
  return () => {
    clearTimeout(stream.timer);
    stream.end();
    streams.delete(parentElement);
  };
}
