/** A drawn mask as NIfTI-1, on exactly the grid of the CT that it was drawn on. */

const HEADER = 348;
const VOXELS_AT = 352;
const UINT8 = 2;

/**
 * @param {ArrayBuffer} buffer NIfTI-1, gzipped or not @returns {Promise<ArrayBuffer>} not gzipped
 */
export async function unpacked(buffer) {
  const [first, second] = new Uint8Array(buffer, 0, 2);
  if (first !== 0x1f || second !== 0x8b) return buffer;
  const stream = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

/**
 * The CT's own header with other voxels behind it: no number of the grid is written anew.
 * @param {ArrayBuffer} ct not gzipped @param {Uint8Array} mask in the order of the file @returns {ArrayBuffer}
 */
export function maskOn(ct, mask) {
  const out = new ArrayBuffer(VOXELS_AT + mask.length);
  new Uint8Array(out).set(new Uint8Array(ct, 0, HEADER));
  new Uint8Array(out).set(mask, VOXELS_AT);
  const view = new DataView(out);
  const little = view.getInt32(0, true) === HEADER;
  view.setInt16(70, UINT8, little);
  view.setInt16(72, 8, little);
  view.setFloat32(108, VOXELS_AT, little);
  view.setFloat32(112, 1, little);
  view.setFloat32(116, 0, little);
  view.setFloat32(124, 1, little);
  view.setFloat32(128, 0, little);
  view.setInt32(VOXELS_AT - 4, 0, little);
  return out;
}

/** @param {ArrayBuffer} file @returns {number[]} voxels along x, y and z */
export function shapeOf(file) {
  const view = new DataView(file);
  const little = view.getInt32(0, true) === HEADER;
  return [42, 44, 46].map((at) => view.getInt16(at, little));
}
