/** Outlines of masks along the edges of voxels: exactly what is inside, and nothing smoothed. */

/** Right, down, left, up: where an edge leads when what is inside lies on its right hand. */
const STEP_X = [1, 0, -1, 0];
const STEP_Y = [0, 1, 0, -1];
/** A turn to the right hugs the voxel, so that voxels that only share a corner stay apart. */
const TURNS = [1, 0, 3];

/**
 * Lines around a mask's voxels in a slice; open where the mask goes on beyond the slice's border.
 * @param {Uint8Array} slice @param {number} bit @param {number} rows @param {number} columns
 * @returns {Int16Array[]} each x, y, x, y ... in corners of voxels
 */
export function outlines(slice, bit, rows, columns) {
  const edges = edgesOf(slice, bit, rows, columns);
  const wide = columns + 1;
  const lines = [];
  const start = (vertex) => {
    while (edges[vertex]) lines.push(walk(edges, vertex, wide));
  };
  for (let column = 0; column <= columns; column++) {
    start(column);
    start(rows * wide + column);
  }
  for (let row = 0; row <= rows; row++) {
    start(row * wide);
    start(row * wide + columns);
  }
  for (let vertex = 0; vertex < edges.length; vertex++) start(vertex);
  return lines;
}

/** The directed edges that start at each corner, one bit a direction; none on the border. */
function edgesOf(slice, bit, rows, columns) {
  const wide = columns + 1;
  const edges = new Uint8Array(wide * (rows + 1));
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      if ((slice[at] & bit) === 0) continue;
      const corner = row * wide + column;
      if (row > 0 && (slice[at - columns] & bit) === 0) edges[corner] |= 1;
      if (column < columns - 1 && (slice[at + 1] & bit) === 0) edges[corner + 1] |= 2;
      if (row < rows - 1 && (slice[at + columns] & bit) === 0) edges[corner + wide + 1] |= 4;
      if (column > 0 && (slice[at - 1] & bit) === 0) edges[corner + wide] |= 8;
    }
  }
  return edges;
}

/** Follow edges from a corner until they end or close; only corners where they turn are kept. */
function walk(edges, from, wide) {
  let vertex = from;
  let direction = Math.log2(edges[vertex] & -edges[vertex]);
  const points = [vertex % wide, Math.floor(vertex / wide)];
  for (;;) {
    edges[vertex] &= ~(1 << direction);
    vertex += STEP_X[direction] + STEP_Y[direction] * wide;
    const next = TURNS.map((turn) => (direction + turn) % 4).find((one) => edges[vertex] & (1 << one));
    if (next !== direction) points.push(vertex % wide, Math.floor(vertex / wide));
    if (next === undefined) return Int16Array.from(points);
    direction = next;
  }
}

/**
 * Edges between voxels of different ids, each once.
 * @param {Uint8Array} ids @param {number} rows @param {number} columns
 * @returns {Int16Array} x, y, x, y of each straight run
 */
export function borders(ids, rows, columns) {
  const runs = [];
  for (let row = 1; row < rows; row++) {
    const across = (column) => ids[row * columns + column] !== ids[(row - 1) * columns + column];
    eachRun(columns, across, (first, end) => runs.push(first, row, end, row));
  }
  for (let column = 1; column < columns; column++) {
    const along = (row) => ids[row * columns + column] !== ids[row * columns + column - 1];
    eachRun(rows, along, (first, end) => runs.push(column, first, column, end));
  }
  return Int16Array.from(runs);
}

/** Call with the ends of each stretch for which `holds` is true. */
function eachRun(length, holds, call) {
  let first = -1;
  for (let at = 0; at <= length; at++) {
    const on = at < length && holds(at);
    if (on && first < 0) first = at;
    if (!on && first >= 0) {
      call(first, at);
      first = -1;
    }
  }
}
