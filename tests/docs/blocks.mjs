// The code blocks of a Markdown page, in their order.
import { readFileSync } from 'node:fs';

const RUN = ['sh', 'js', 'python'];

// An info string is a language, words, and at most one "key: value": ```js serves: 8081, ```sh not-run: needs Docker
function infoOf(text) {
  const [, words, key, value] = /^([\w ]*?)(?: ?([\w-]+): (.*))?$/.exec(text.trim()) ?? [];
  if (words === undefined) return undefined;
  const [language = '', ...flags] = words.split(' ').filter((word) => word !== '');
  return { language, flags, ...(key ? { [key]: value } : {}) };
}

// [{language, flags, line, text, expected}]: expected is the JSON of a ```json block that follows under the same heading,
// as what is printed.
export function blocksOf(file) {
  const blocks = [];
  let open = null;
  let heading = 0;
  readFileSync(file, 'utf8').split('\n').forEach((line, index) => {
    const fence = /^```(.*)$/.exec(line);
    if (open === null && fence) {
      const info = infoOf(fence[1]);
      if (info === undefined) throw new Error(`${file}: line ${index + 1}: the block's first line "${fence[1]}" is not understood`);
      open = { ...info, line: index + 1, heading, lines: [] };
    } else if (open !== null && fence) {
      blocks.push({ ...open, text: `${open.lines.join('\n')}\n` });
      open = null;
    } else if (open !== null) {
      open.lines.push(line);
    } else if (line.startsWith('#')) {
      heading = index + 1;
    }
  });
  if (open !== null) throw new Error(`${file}: the block of line ${open.line} has no end`);
  return blocks.flatMap((block, i) => {
    if (!RUN.includes(block.language)) return [];
    const next = blocks[i + 1];
    const isOutput = next?.language === 'json' && next.heading === block.heading;
    return [isOutput ? { ...block, expected: JSON.parse(next.text) } : block];
  });
}
