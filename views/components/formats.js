// `data/formats.py` for the browser: tests/views/test_components_browser.py compares both.
function duration(ms, coarse = false) {
  const seconds = Math.abs(ms) / 1000;
  const sign = ms < 0 ? "-" : "";
  if (Math.round(seconds * 1000) < 1000) {
    const whole = Math.round(seconds * 1000);
    return !seconds ? "0 s" : whole ? `${sign}${whole} ms` : "< 1 ms";
  }
  if (Math.round(seconds * 10) < 100) return `${sign}${seconds.toFixed(1).replace(/\.0$/, "")} s`;
  if (Math.round(seconds) < 60) return `${sign}${Math.round(seconds)} s`;
  const parts = [["min", 60, "s", 1, 3600], ["h", 3600, "min", 60, 86400], ["d", 86400, "h", 3600, Infinity]];
  for (const [name, unit, smallName, small, limit] of parts) {
    const step = coarse && small === 1 ? unit : small;
    const rounded = Math.round(seconds / step) * step;
    if (rounded >= limit) continue;
    const rest = (rounded % unit) / small;
    return `${sign}${Math.floor(rounded / unit).toLocaleString("en-US")} ${name}${rest ? ` ${rest} ${smallName}` : ""}`;
  }
}
