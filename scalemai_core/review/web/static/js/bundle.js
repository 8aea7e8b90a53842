/** What one item shows, as it came over the wire. Voxel arrays have the axes z, y, x. */

/**
 * @typedef {[number, number, number]} Zyx
 * @typedef {{key: string, choice: string, words: string, volume_ml: number | null}} Option
 * @typedef {{number: number, piece_hash: string, volume_ml: number, centre_zyx: Zyx,
 *            deletable: boolean}} Piece
 * @typedef {{item_id: string, kind: string, structure: string, structure_words: string,
 *            reason: string, base_label_map: string | null}} Item
 * @typedef {{first: Zyx, last: Zyx}} Extent  both ends inclusive
 */

/** Bit of each option in the array `options`. */
export const BITS = { A: 1, B: 2, C: 4 };

const KINDS = { int16: Int16Array, uint8: Uint8Array, uint16: Uint16Array };

/** One item, decoded; arrays are views of the buffer, nothing is copied. */
export class Bundle {
  /** @param {ArrayBuffer} buffer the wire format: length, header, arrays */
  constructor(buffer) {
    const length = new DataView(buffer).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    const start = 4 + length;
    /** @type {Item} */ this.item = header.item;
    /** @type {Zyx} */ this.shape = header.grid.shape_zyx;
    /** @type {Zyx} */ this.spacing = header.grid.spacing_mm_zyx;
    /** @type {Zyx} */ this.centre = header.centre_zyx;
    /** @type {Zyx} */ this.firstVoxel = header.box.slice(0, 3);
    /** @type {Zyx} */ this.scanShape = header.scan_shape_zyx;
    /** @type {Option[]} */ this.options = header.options;
    /** @type {Piece[]} */ this.pieces = header.pieces ?? [];
    /** @type {Record<string, string>} */ this.neighbours = header.neighbours ?? {};
    /** @type {boolean} */ this.mayDraw = Boolean(header.may_draw);
    this.locator = header.locator ?? null;
    /** @type {Record<string, any>} */ this.arrays = {};
    /** @type {Record<string, number[]>} */ this.shapes = {};
    for (const one of header.arrays) {
      const size = one.shape.reduce((product, edge) => product * edge, 1);
      this.arrays[one.name] = new KINDS[one.dtype](buffer, start + one.offset, size);
      this.shapes[one.name] = one.shape;
    }
    /** @type {Extent} */ this.extent = extentOf(this.arrays.options, this.shape, this.centre);
  }

  /** @param {Zyx} at @returns {number} the voxel's place in every array of the crop */
  index(at) {
    return (at[0] * this.shape[1] + at[1]) * this.shape[2] + at[2];
  }

  /** @param {string} key `A`, `B` or `C` @returns {Option | undefined} */
  option(key) {
    return this.options.find((option) => option.key === key);
  }

  /** @param {string} key @returns {boolean} whether any of an option lies within the picture */
  shows(key) {
    return this.arrays.options.some((voxel) => (voxel & BITS[key]) !== 0);
  }

  /** @returns {Piece[]} the pieces that one key may delete */
  get deletable() {
    return this.pieces.filter((piece) => piece.deletable);
  }
}

/**
 * The box around everything that is not zero; around the centre where there is nothing.
 * @param {Uint8Array} mask @param {Zyx} shape @param {Zyx} centre @returns {Extent}
 */
function extentOf(mask, [nz, ny, nx], centre) {
  const first = [nz, ny, nx];
  const last = [-1, -1, -1];
  for (let z = 0, at = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++, at += nx) {
      let left = 0;
      while (left < nx && mask[at + left] === 0) left++;
      if (left === nx) continue;
      let right = nx - 1;
      while (mask[at + right] === 0) right--;
      first[0] = Math.min(first[0], z);
      first[1] = Math.min(first[1], y);
      first[2] = Math.min(first[2], left);
      last[0] = z;
      last[1] = Math.max(last[1], y);
      last[2] = Math.max(last[2], right);
    }
  }
  return last[0] < 0 ? { first: centre, last: centre } : { first, last };
}
