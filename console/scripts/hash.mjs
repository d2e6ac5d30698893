// The hash of everything that dist/ is made from, and of dist/ itself: dist.hash records both, so that a test can tell
// whether dist/ was built from these sources and has not been touched since.
// node scripts/hash.mjs --write | --check
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const SOURCES = ['index.html', 'package.json', 'package-lock.json', 'tsconfig.json', 'vite.config.ts', 'public', 'src'];

const filesOf = (path) =>
  statSync(path).isDirectory()
    ? readdirSync(path)
        .sort()
        .flatMap((name) => filesOf(join(path, name)))
    : [path];

const hashOf = (names) => {
  const hash = createHash('sha256');
  for (const file of names.flatMap((name) => filesOf(join(root, name)))) {
    const content = readFileSync(file);
    hash.update(`${relative(root, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
};

export const current = () => `sources ${hashOf(SOURCES)}\ndist    ${hashOf(['dist'])}\n`;
export const recorded = () => readFileSync(join(root, 'dist.hash'), 'utf8');

if (process.argv[2] === '--write') writeFileSync(join(root, 'dist.hash'), current());
if (process.argv[2] === '--check' && current() !== recorded()) {
  console.error('console/dist is not what these sources make: run `./dev console` and commit what it changes');
  process.exit(1);
}
