// QR codes (ISO/IEC 18004), as much as a link needs: bytes, versions 1 to 10, error correction M,
// and always the chequered mask.

const CODEWORDS = [26, 44, 70, 100, 134, 172, 196, 242, 292, 346]; // by version
const CORRECTION = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26]; // of each block
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5];
const FORMAT = 0b101010000010010; // M and mask 0, with its check bits

/** The rows of the code, arrays of 0 and 1 without the quiet zone; undefined for over 213 bytes. */
export function qrCode(text) {
  const bytes = new TextEncoder().encode(text);
  for (let version = 1; version <= CODEWORDS.length; version += 1) {
    const data = dataOf(bytes, version);
    if (data) return draw(version, interleave(data, version));
  }
  return undefined;
}

// ---- the codewords ----

function dataOf(bytes, version) {
  const capacity = CODEWORDS[version - 1] - CORRECTION[version - 1] * BLOCKS[version - 1];
  const binary = (value, length) => value.toString(2).padStart(length, '0');
  let bits = `0100${binary(bytes.length, version < 10 ? 8 : 16)}`;
  for (const byte of bytes) bits += binary(byte, 8);
  if (bits.length > 8 * capacity) return undefined;
  bits += '0'.repeat(Math.min(4, 8 * capacity - bits.length));
  bits += '0'.repeat(-bits.length & 7);
  const data = bits.match(/.{8}/g).map((byte) => parseInt(byte, 2));
  for (let pad = 0xec; data.length < capacity; pad ^= 0xec ^ 0x11) data.push(pad);
  return data;
}

/** In GF(256) over x^8 + x^4 + x^3 + x^2 + 1. */
function multiply(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d) ^ ((b >> bit & 1) * a);
  }
  return product;
}

/** The Reed-Solomon remainder of `data`, `degree` bytes. */
function correctionOf(data, degree) {
  let generator = [1];
  for (let i = 0, root = 1; i < degree; i += 1, root = multiply(root, 2)) {
    generator = [...generator, 0].map((value, at) => value ^ multiply(generator[at - 1] ?? 0, root));
  }
  let rest = new Array(degree).fill(0);
  for (const byte of data) {
    const factor = byte ^ rest[0];
    rest = rest.map((_, at) => (rest[at + 1] ?? 0) ^ multiply(generator[at + 1], factor));
  }
  return rest;
}

/** The blocks' first bytes, their second bytes and so on, then those of their corrections. */
function interleave(data, version) {
  const count = BLOCKS[version - 1];
  const blocks = [];
  for (let left = count, from = 0; left > 0; left -= 1) {
    const end = from + Math.floor((data.length - from) / left); // the longer ones come last
    blocks.push(data.slice(from, end));
    from = end;
  }
  const columns = (rows) => rows.at(-1).flatMap((_, at) => rows.flatMap((row) => row[at] ?? []));
  const corrections = blocks.map((block) => correctionOf(block, CORRECTION[version - 1]));
  return [...columns(blocks), ...columns(corrections)];
}

// ---- the picture ----

function draw(version, codewords) {
  const size = 17 + 4 * version;
  const rows = Array.from({ length: size }, () => new Array(size));
  drawPatterns(rows, version);
  drawFormat(rows);
  if (version >= 7) drawVersion(rows, version);
  drawData(rows, codewords);
  return rows;
}

function drawPatterns(rows, version) {
  const size = rows.length;
  for (let i = 0; i < size; i += 1) rows[6][i] = rows[i][6] = 1 - i % 2;
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) drawRings(rows, x, y, 4);
  if (version === 1) return;
  const places = version < 7 ? [6, size - 7] : [6, (size - 1) / 2, size - 7];
  for (const x of places) {
    for (const y of places) {
      const isFinder = Math.min(x, y) === 6 && (x === y || x + y === size - 1);
      if (!isFinder) drawRings(rows, x, y, 2);
    }
  }
}

/** A finder has rings up to 4, the last one white; an alignment pattern up to 2. */
function drawRings(rows, x, y, reach) {
  for (let dy = -reach; dy <= reach; dy += 1) {
    for (let dx = -reach; dx <= reach; dx += 1) {
      const ring = Math.max(Math.abs(dx), Math.abs(dy));
      const isDark = reach === 4 ? ring % 2 === 1 || ring === 0 : ring !== 1;
      if (rows[y + dy] && x + dx >= 0 && x + dx < rows.length) rows[y + dy][x + dx] = isDark ? 1 : 0;
    }
  }
}

function drawFormat(rows) {
  const size = rows.length;
  for (let i = 0; i < 15; i += 1) {
    const bit = FORMAT >> i & 1;
    const near = i < 6 ? i : i < 8 ? i + 1 : i === 8 ? 7 : 14 - i;
    if (i < 8) rows[8][size - 1 - i] = rows[near][8] = bit;
    else rows[size - 15 + i][8] = rows[8][near] = bit;
  }
  rows[size - 8][8] = 1;
}

/** Six bits and their twelve check bits. */
function drawVersion(rows, version) {
  let bits = version;
  for (let i = 0; i < 12; i += 1) bits = (bits << 1) ^ ((bits >> 11) * 0x1f25);
  bits |= version << 12;
  for (let i = 0; i < 18; i += 1) {
    const [a, b] = [rows.length - 11 + i % 3, Math.floor(i / 3)];
    rows[a][b] = rows[b][a] = bits >> i & 1;
  }
}

/** Two columns at a time from the right, up and down, wherever nothing is yet. */
function drawData(rows, codewords) {
  const size = rows.length;
  let at = 0;
  let up = true;
  for (let right = size - 1; right > 0; right -= right === 8 ? 3 : 2) {
    for (let i = 0; i < 2 * size; i += 1) {
      const y = up ? size - 1 - (i >> 1) : i >> 1;
      const x = right - i % 2;
      if (rows[y][x] === undefined) {
        rows[y][x] = (codewords[at >> 3] >> (7 - at % 8) & 1) ^ (x + y + 1) % 2;
        at += 1;
      }
    }
    up = !up;
  }
}
