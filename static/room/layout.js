// Where tiles go: arithmetic alone, in pixels.

/** @typedef {{x: number, y: number, width: number, height: number}} Box */

export const PER_PAGE = 30;
const GAP = 8;
/** A picture loses what does not fit: no tile is wider than a camera's, nor higher than one of a phone held upright. */
const WIDEST = 16 / 9;
const HIGHEST = 4 / 3;

/**
 * So many equal tiles in rows, as large as the space allows, each row in the middle.
 * @param {number} count
 * @param {Box} space
 * @returns {Box[]}
 */
export function grid(count, space) {
  const { columns, width, height } = largest(count, space);
  const rows = Math.ceil(count / columns);
  const top = space.y + (space.height - rows * height - (rows - 1) * GAP) / 2;
  return Array.from({ length: count }, (_, n) => {
    const row = Math.floor(n / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const left = space.x + (space.width - inRow * width - (inRow - 1) * GAP) / 2;
    return { x: left + (n % columns) * (width + GAP), y: top + row * (height + GAP), width, height };
  });
}

/**
 * @param {number} count
 * @param {Box} space
 */
function largest(count, space) {
  let best = { columns: 1, width: 0, height: 0 };
  const highest = space.height > space.width ? HIGHEST : 1;
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const across = (space.width - GAP * (columns - 1)) / columns;
    const down = (space.height - GAP * (rows - 1)) / rows;
    const width = Math.min(across, down * WIDEST);
    const height = Math.min(down, width * highest);
    if (width * height > best.width * best.height) best = { columns, width, height };
  }
  return best;
}

/**
 * One large tile, and the others in a strip: below it, or beside it where the space is wide.
 * @param {number} count how many others there are
 * @param {Box} space
 * @returns {{main: Box, strip: Box[]}} as many boxes as the strip has room for
 */
export function speaker(count, space) {
  if (!count) return { main: space, strip: [] };
  const wide = space.width > space.height * 1.25;
  const [along, across] = wide ? [space.height, space.width] : [space.width, space.height];
  const thick = Math.min(across * 0.25, wide ? 240 : 140);
  const length = wide ? (thick * 9) / 16 : Math.min(thick * (4 / 3), along / 2.5);
  const fits = Math.max(1, Math.min(count, Math.floor((along + GAP) / (length + GAP))));
  const first = (along - fits * length - (fits - 1) * GAP) / 2;
  const strip = Array.from({ length: fits }, (_, n) => {
    const at = first + n * (length + GAP);
    return wide
      ? { x: space.x + space.width - thick, y: space.y + at, width: thick, height: length }
      : { x: space.x + at, y: space.y + space.height - thick, width: length, height: thick };
  });
  const main = wide
    ? { ...space, width: space.width - thick - GAP }
    : { ...space, height: space.height - thick - GAP };
  return { main, strip };
}
