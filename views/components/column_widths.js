// Columns whose width a person changes: by the edge of a heading here, by numbers in "Order and columns".
const LEAST_PX = 48;
const MOST_PX = 600;

const widthOf = (widths, [name, , , width]) => widths?.[name] ?? width;

const tracks = (columns, widths) => columns
  .map((column) => (column[0] === "what" ? `minmax(${widthOf(widths, column)}px, 1fr)` : `${widthOf(widths, column)}px`))
  .join(" ");

// The edge of a heading: dragging it shows the width at once, letting it go reports it.
function widthGrip(root, columns, widths, column, done) {
  const grip = document.createElement("span");
  grip.className = "grip";
  grip.setAttribute("aria-hidden", "true");
  grip.title = "Drag to change the width";
  grip.onpointerdown = (event) => {
    event.preventDefault();
    event.stopPropagation();
    grip.setPointerCapture(event.pointerId);
    const [name] = column;
    const begun = grip.parentElement.getBoundingClientRect().width;
    let width = Math.round(begun);
    root.classList.add("chosen");
    grip.onpointermove = (moved) => {
      width = Math.round(Math.min(MOST_PX, Math.max(LEAST_PX, begun + moved.clientX - event.clientX)));
      root.style.setProperty("--columns", tracks(columns, { ...widths, [name]: width }));
    };
    grip.onpointerup = () => {
      grip.onpointermove = grip.onpointerup = null;
      if (width !== Math.round(begun)) done({ name, width });
    };
  };
  return grip;
}
