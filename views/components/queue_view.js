// Whether a revision, "instance.number", is at least another: numbers of another start say nothing.
function isAsNew(one, other) {
  const [[start, number], [otherStart, otherNumber]] = [one.split("."), other.split(".")];
  return start !== otherStart || Number(number) >= Number(otherNumber);
}

// What the feed of the page fetched, if it is of the list that the script drew and not older; else null.
function fetchedFor(data) {
  const live = window.unsnagQueue;
  return live?.rows && live.query === data.query && isAsNew(live.revision, data.revision) ? live : null;
}
