/** How lines and letters look on a canvas; told apart by dashes as well as by colour. */

/** @typedef {{colour: string, dash: number[], width: number}} Stroke lengths in points */

/** @type {Record<string, Stroke>} */
export const STROKES = {
  A: { colour: "#22d3ee", dash: [], width: 1.6 },
  B: { colour: "#ffc816", dash: [7, 4], width: 1.6 },
  C: { colour: "#ff7ae0", dash: [2, 3], width: 2 },
};
export const MARKED = { colour: "#ff6b4a", dash: [], width: 2.6 };
const NEIGHBOUR = "rgba(178, 205, 132, 0.5)";
const CROSSHAIR = "rgba(134, 239, 172, 0.55)";
const HALO = "rgba(0, 0, 0, 0.65)";

/** @returns {number} device pixels a point: 1 on a small screen, more on a fine or a large one */
export function pointSize() {
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  return (window.devicePixelRatio * rem) / 14;
}

/**
 * Lines between voxels, on whole pixels.
 * @param {Int16Array[]} lines @param {import("./plane.js").Placement} placement @returns {Path2D}
 */
export function pathOf(lines, placement) {
  const path = new Path2D();
  for (const line of lines) {
    for (let at = 0; at < line.length; at += 2) {
      const x = Math.round(placement.x(line[at]));
      const y = Math.round(placement.y(line[at + 1]));
      if (at === 0) path.moveTo(x, y);
      else path.lineTo(x, y);
    }
    const end = line.length - 2;
    if (end > 2 && line[0] === line[end] && line[1] === line[end + 1]) path.closePath();
  }
  return path;
}

/** @returns {number} whole device pixels */
function widthOf(stroke, point) {
  return Math.max(1, Math.round(stroke.width * point));
}

/**
 * A dark edge, so that a line shows on bone as on air; under all lines, so that it hides none.
 * @param {CanvasRenderingContext2D} context @param {Path2D} path @param {Stroke} stroke @param {number} point
 */
export function strokeHalo(context, path, stroke, point) {
  context.setLineDash([]);
  context.strokeStyle = HALO;
  context.lineWidth = widthOf(stroke, point) + 2 * Math.max(1, Math.round(0.6 * point));
  context.stroke(path);
}

/** @param {CanvasRenderingContext2D} context @param {Path2D} path @param {Stroke} stroke @param {number} point */
export function strokePath(context, path, stroke, point) {
  context.setLineDash(stroke.dash.map((length) => length * point));
  context.strokeStyle = stroke.colour;
  context.lineWidth = widthOf(stroke, point);
  context.stroke(path);
  context.setLineDash([]);
}

/** @param {CanvasRenderingContext2D} context @param {Int16Array} runs @param {import("./plane.js").Placement} placement @param {number} point */
export function strokeNeighbours(context, runs, placement, point) {
  const path = new Path2D();
  for (let at = 0; at < runs.length; at += 4) {
    path.moveTo(Math.round(placement.x(runs[at])) + 0.5, Math.round(placement.y(runs[at + 1])) + 0.5);
    path.lineTo(Math.round(placement.x(runs[at + 2])) + 0.5, Math.round(placement.y(runs[at + 3])) + 0.5);
  }
  context.strokeStyle = NEIGHBOUR;
  context.lineWidth = Math.max(1, Math.round(0.9 * point));
  context.stroke(path);
}

/** A cross with an open middle, so that it hides nothing of what it points at. */
export function strokeCrosshair(context, { x, y }, size, point) {
  const gap = 22 * point;
  const [atX, atY] = [Math.round(x) + 0.5, Math.round(y) + 0.5];
  const path = new Path2D();
  for (const [fromX, fromY, toX, toY] of [
    [0, atY, atX - gap, atY], [atX + gap, atY, size.width, atY],
    [atX, 0, atX, atY - gap], [atX, atY + gap, atX, size.height],
  ]) {
    path.moveTo(fromX, fromY);
    path.lineTo(toX, toY);
  }
  context.strokeStyle = CROSSHAIR;
  context.lineWidth = Math.max(1, Math.round(0.9 * point));
  context.stroke(path);
}

/** Letters that can be read on any grey. */
export function write(context, words, x, y, point, { size = 11, colour = "#e8ecf1", align = "left" } = {}) {
  context.font = `600 ${Math.round(size * point)}px system-ui, "DejaVu Sans", sans-serif`;
  context.textAlign = align;
  context.textBaseline = "middle";
  context.lineJoin = "round";
  context.strokeStyle = "rgba(0, 0, 0, 0.8)";
  context.lineWidth = 3 * point;
  context.strokeText(words, x, y);
  context.fillStyle = colour;
  context.fillText(words, x, y);
}

/** A bar of a round length, at most a third of the pane wide, with its length in cm. */
export function writeScale(context, size, pixelsPerMm, point) {
  const fits = [100, 50, 20, 10, 5, 2, 1].find((mm) => mm * pixelsPerMm <= size.width / 3);
  if (!fits) return;
  const right = size.width - 10 * point;
  const left = right - fits * pixelsPerMm;
  const y = Math.round(size.height - 10 * point);
  context.fillStyle = "rgba(0, 0, 0, 0.8)";
  context.fillRect(left - point, y - point, right - left + 2 * point, 4 * point);
  context.fillStyle = "#f4f6f8";
  context.fillRect(left, y, right - left, 2 * point);
  write(context, fits >= 5 ? `${fits / 10} cm` : `${fits} mm`, right, y - 9 * point, point, { align: "right" });
}

/** Slanting stripes, for what one key would delete. */
export function hatch(context, point) {
  const edge = Math.round(7 * point);
  const tile = document.createElement("canvas");
  tile.width = edge;
  tile.height = edge;
  const pen = tile.getContext("2d");
  pen.strokeStyle = "rgba(255, 107, 74, 0.75)";
  pen.lineWidth = 1.2 * point;
  for (const shift of [-edge, 0, edge]) {
    pen.beginPath();
    pen.moveTo(shift, edge);
    pen.lineTo(shift + edge, 0);
    pen.stroke();
  }
  return context.createPattern(tile, "repeat");
}
