/** What lies under the pointer, in words. */

import { BITS } from "./bundle.js";

/** @param {import("./bundle.js").Bundle | null} bundle @param {import("./bundle.js").Zyx | null} at @returns {string} */
export function readout(bundle, at) {
  if (!bundle || !at) return "";
  const place = bundle.index(at);
  const masks = bundle.arrays.options[place];
  const inside = bundle.options.map(({ key }) => `${key} ${masks & BITS[key] ? "\u25cf" : "\u25cb"}`).join("  ");
  const neighbour = bundle.neighbours[bundle.arrays.neighbours[place]];
  const [z, y, x] = at.map((value, axis) => value + bundle.firstVoxel[axis] + 1);
  return [`${bundle.arrays.image[place]} HU`, inside, neighbour, `${x}, ${y}, ${z}`].filter(Boolean).join("   ");
}
