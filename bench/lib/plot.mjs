// Small plots as SVG text, light and dark: lines over a number, and groups of bars. No libraries.
const [WIDTH, HEIGHT] = [640, 320];
const BOX = { left: 60, right: 24, top: 40, bottom: 56 };
// A name has the same colour in every plot.
const COLOURS = { Xshathra: '#2563eb', 'bare loop': '#6b7280', Centrifugo: '#d97706' };
const colourOf = (name) => COLOURS[name] ?? '#111';

const escape = (text) => String(text).replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]);
const round = (x) => Math.round(x * 10) / 10;
const label = (x, y, text, more = '') => `<text x="${round(x)}" y="${round(y)}" ${more}>${escape(text)}</text>`;

function frame(title, names, body) {
  const legend = names.map((name, i) =>
    `<rect x="${BOX.left + i * 130}" y="${HEIGHT - 20}" width="12" height="12" fill="${colourOf(name)}"/>` +
    label(BOX.left + i * 130 + 17, HEIGHT - 10, name)).join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">
<style>text{fill:#111}.grid{stroke:#ddd}.ground{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#eee}.grid{stroke:#444}.ground{fill:#111}}</style>
<rect class="ground" width="${WIDTH}" height="${HEIGHT}"/>
${label(BOX.left, 22, title, 'font-size="14"')}
${body}
${legend}
</svg>
`;
}

// Round numbers from 0 to at least max, or powers of ten and their halves when the scale is logarithmic.
function ticks(min, max, isLog) {
  if (isLog) {
    const found = [];
    for (let power = Math.floor(Math.log10(min)); power <= Math.ceil(Math.log10(max)); power++) found.push(10 ** power);
    return found;
  }
  const rough = max / 4;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * unit).find((s) => s >= rough);
  return Array.from({ length: Math.ceil(max / step) + 1 }, (_, i) => i * step);
}

const scale = (low, high, from, to, isLog) => (value) => {
  const f = isLog ? Math.log10 : (x) => x;
  return from + ((f(value) - f(low)) / (f(high) - f(low) || 1)) * (to - from);
};

const number = (value) => (value >= 1000 ? value.toLocaleString('en') : String(+value.toPrecision(3)));

function grid(marks, y) {
  return marks.map((mark) =>
    `<line class="grid" x1="${BOX.left}" x2="${WIDTH - BOX.right}" y1="${round(y(mark))}" y2="${round(y(mark))}"/>` +
    label(BOX.left - 8, y(mark) + 4, number(mark), 'text-anchor="end"')).join('\n');
}

// series: [{ name, points: [[x, y], …] }]; nothing without points.
export function linePlot(title, series, { logX = false, logY = false } = {}) {
  const points = series.flatMap((each) => each.points);
  if (points.length === 0) return '';
  const xs = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b);
  const ys = points.map(([, value]) => value);
  const marks = ticks(Math.min(...ys), Math.max(...ys), logY);
  const x = scale(xs[0], xs.at(-1), BOX.left + 10, WIDTH - BOX.right - 10, logX);
  const y = scale(marks[0], marks.at(-1), HEIGHT - BOX.bottom, BOX.top, logY);
  const lines = series.map(({ name, points: own }) =>
    `<polyline fill="none" stroke="${colourOf(name)}" stroke-width="2" points="${own.map(([px, py]) => `${round(x(px))},${round(y(py))}`).join(' ')}"/>` +
    own.map(([px, py]) => `<circle cx="${round(x(px))}" cy="${round(y(py))}" r="3" fill="${colourOf(name)}"/>`).join(''));
  const below = xs.map((value) => label(x(value), HEIGHT - BOX.bottom + 18, number(value), 'text-anchor="middle"'));
  return frame(title, series.map(({ name }) => name), [grid(marks, y), ...lines, ...below].join('\n'));
}

// groups: [{ label, values: [one for each name; undefined = none] }]; nothing without groups.
export function barPlot(title, names, groups) {
  if (groups.length === 0) return '';
  const marks = ticks(0, Math.max(...groups.flatMap(({ values }) => values.filter((v) => v !== undefined))), false);
  const y = scale(0, marks.at(-1), HEIGHT - BOX.bottom, BOX.top, false);
  const wide = (WIDTH - BOX.left - BOX.right) / groups.length;
  const bar = (wide * 0.7) / names.length;
  const bars = groups.map(({ label: text, values }, g) => {
    const left = BOX.left + g * wide + wide * 0.15;
    const own = values.map((value, i) => value === undefined ? '' :
      `<rect x="${round(left + i * bar)}" y="${round(y(value))}" width="${round(bar - 2)}" height="${round(HEIGHT - BOX.bottom - y(value))}" fill="${colourOf(names[i])}"/>` +
      label(left + i * bar + bar / 2 - 1, y(value) - 4, number(value), 'text-anchor="middle" font-size="10"'));
    return own.join('') + label(left + wide * 0.35, HEIGHT - BOX.bottom + 16, text, 'text-anchor="middle" font-size="8.5"');
  });
  return frame(title, names, [grid(marks, y), ...bars].join('\n'));
}
