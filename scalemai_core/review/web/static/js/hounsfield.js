/** From Hounsfield units to grey. */

/** @typedef {{name: string, level: number, width: number}} Window */

/** @type {Window[]} in the order of the keys 1 to 4 */
export const PRESETS = [
  { name: "soft tissue", level: 40, width: 400 },
  { name: "liver", level: 70, width: 160 },
  { name: "lung", level: -600, width: 1500 },
  { name: "bone", level: 400, width: 1800 },
];

const LUNG = /lung|bronch|trachea|airway/;
const BONE = /vertebra|rib|femur|hip|sacrum|scapula|clavicle|humerus|sternum|skull|bone|spine/;

/** @param {string} words a structure's name @returns {number} the preset it is best seen with */
export function usualPreset(words) {
  if (LUNG.test(words)) return 2;
  return BONE.test(words) ? 3 : 0;
}

/**
 * Paint a slice of Hounsfield units as grey, whole pixels at a time.
 * @param {Int16Array} slice @param {Window} window @param {ImageData} image
 */
export function paintGrey(slice, window, image) {
  const pixels = new Uint32Array(image.data.buffer);
  const low = window.level - window.width / 2;
  const gain = 255 / window.width;
  for (let at = 0; at < slice.length; at++) {
    let grey = ((slice[at] - low) * gain + 0.5) | 0;
    if (grey < 0) grey = 0;
    else if (grey > 255) grey = 255;
    pixels[at] = 0xff000000 | (grey << 16) | (grey << 8) | grey;
  }
}

/** @param {Window} window @returns {string} */
export function windowWords(window) {
  return `${window.name}  L ${Math.round(window.level)}  W ${Math.round(window.width)}`;
}
