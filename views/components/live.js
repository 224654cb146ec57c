// One event stream a mounted component. A burst of events makes one run: the page asks for what is new.
const streams = new WeakMap();
const PAUSE_MS = 400;

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  let stream = streams.get(parentElement);
  if (!stream) {
    stream = { known: data.revision, timer: null };
    streams.set(parentElement, stream);
    stream.source = new EventSource(`/api/v1/events?topic=${encodeURIComponent(data.topic)}`);
    // The session behind this page has ended: somewhere else, by an admin, or by time.
    stream.source.addEventListener("signed-out", () => {
      stream.source.close();
      location.assign("/sign-in");
    });
    stream.source.addEventListener(data.topic, (event) => {
      const revision = Number(event.data);
      if (revision === stream.known) return;
      stream.known = revision;
      if (!stream.timer) {
        stream.timer = setTimeout(() => {
          stream.timer = null;
          setStateValue("revision", stream.known);
        }, PAUSE_MS);
      }
    });
  }
  stream.known = Math.max(stream.known, data.revision);
  return () => {
    clearTimeout(stream.timer);
    stream.source.close();
    streams.delete(parentElement);
  };
}
