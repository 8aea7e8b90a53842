/** Mouse, pen and finger on the viewer: point, click through, wheel, window. */

/** @typedef {import("./viewer.js").Viewer} Viewer @typedef {import("./pane.js").Pane} Pane */

const PRIMARY = 1;
const SECONDARY = 2;
/** Hounsfield units for each pixel dragged. */
const UNITS_PER_PIXEL = 2;
/** How far a touchpad scrolls before the slice changes. */
const PIXELS_PER_SLICE = 40;

/** @param {Viewer} viewer */
export function followPointer(viewer) {
  for (const pane of viewer.panes) {
    pane.canvas.addEventListener("pointerdown", (event) => {
      pane.canvas.setPointerCapture(event.pointerId);
      if (event.buttons === PRIMARY) goThere(viewer, pane, event);
    });
    pane.canvas.addEventListener("pointermove", (event) => move(viewer, pane, event));
    pane.canvas.addEventListener("pointerleave", () => viewer.point(null, null));
    pane.canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    pane.canvas.addEventListener("wheel", wheelOf(viewer, pane), { passive: false });
  }
}

/** @param {Viewer} viewer @param {Pane} pane @param {PointerEvent} event */
function move(viewer, pane, event) {
  if (!viewer.bundle) return;
  if (event.buttons === SECONDARY) {
    const { name, level, width } = viewer.window;
    viewer.setWindow({
      name: name.endsWith("*") ? name : `${name}*`,
      level: level + event.movementY * UNITS_PER_PIXEL,
      width: Math.max(10, width + event.movementX * UNITS_PER_PIXEL),
    });
    return;
  }
  if (event.buttons === PRIMARY) goThere(viewer, pane, event);
  viewer.point(pane, pane.voxel(event, viewer.view.at));
}

function goThere(viewer, pane, event) {
  const voxel = viewer.bundle && pane.voxel(event, viewer.view.at);
  if (voxel) viewer.moveTo(voxel);
}

/** A wheel's notch is one slice, a touchpad's small steps are added up. */
function wheelOf(viewer, pane) {
  let rest = 0;
  return (event) => {
    event.preventDefault();
    if (!viewer.bundle) return;
    if (event.ctrlKey) {
      viewer.zoom(event.deltaY < 0 ? 1 : -1);
      return;
    }
    rest += event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * PIXELS_PER_SLICE;
    const slices = Math.abs(event.deltaY) >= PIXELS_PER_SLICE ? Math.sign(event.deltaY) : Math.trunc(rest / PIXELS_PER_SLICE);
    if (slices === 0) return;
    rest = 0;
    viewer.step(-slices, viewer.panes.indexOf(pane) % 3);
    viewer.point(pane, pane.voxel(event, viewer.view.at));
  };
}
