// The documentation as the repository has it: which pages there are, their text, and search in them.

export interface DocPage {
  slug: string; // below /docs/
  source: string; // its path in the repository
  title: string;
}

const TITLES: Record<string, string> = {
  '': 'Start here',
  console: 'The console',
  backend: 'For backends',
  api: 'API reference',
  operations: 'Operations',
  compatibility: 'Compatibility',
  architecture: 'Architecture',
  contributing: 'Contributing',
  changelog: 'What changed',
  'decisions/README': 'Decisions',
};
const ORDER = Object.keys(TITLES);

export const slugOf = (source: string): string => {
  if (source === 'README.md') return '';
  const name = source.replace(/^docs\//, '').replace(/\.md$/, '');
  return source.startsWith('docs/') ? name : name.toLowerCase();
};

const titleOf = (slug: string): string => {
  const last = (slug.split('/').pop() ?? slug).replace(/^\d+-/, '').replaceAll(/[-_]/g, ' ');
  return TITLES[slug] ?? last.charAt(0).toUpperCase() + last.slice(1);
};

const texts = new Map<string, Promise<string>>();

async function fetchText(path: string): Promise<string> {
  const response = await fetch(`/docs/source/${path}`);
  if (!response.ok || response.headers.get('content-type')?.startsWith('text/html')) throw new Error(`there is no page ${path}`);
  return response.text();
}

export function textOf(source: string): Promise<string> {
  const known = texts.get(source);
  if (known) return known;
  const asked = fetchText(source);
  texts.set(source, asked);
  asked.catch(() => texts.delete(source));
  return asked;
}

export async function listPages(): Promise<DocPage[]> {
  const index = await textOf('index.txt');
  const rank = (slug: string): number => (ORDER.includes(slug) ? ORDER.indexOf(slug) : slug.includes('/') ? 900 : 500);
  return index
    .split('\n')
    .filter(Boolean)
    .concat('docs/api.md') // made by the page itself, from the OpenAPI document
    .map((source) => ({ source, slug: slugOf(source), title: titleOf(slugOf(source)) }))
    .sort((a, b) => rank(a.slug) - rank(b.slug) || a.slug.localeCompare(b.slug));
}

// ---- search ----

export interface Hit {
  href: string;
  page: string;
  title: string;
  before: string;
  word: string;
  after: string;
}

interface Section {
  page: DocPage;
  id: string;
  title: string;
  text: string;
}

export const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s-]/gu, '')
    .trim()
    .replaceAll(/\s+/g, '-');

const plain = (markdown: string): string => markdown.replaceAll(/[`*_|]|\]\([^)]*\)|\[/g, ' ').replaceAll(/\s+/g, ' ');

function sectionsOf(page: DocPage, text: string): Section[] {
  const sections: Section[] = [{ page, id: '', title: page.title, text: '' }];
  let fenced = false;
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) fenced = !fenced;
    const heading = fenced ? null : /^(#{1,4})\s+(.*)$/.exec(line);
    const last = sections[sections.length - 1] as Section;
    if (heading?.[2] && heading[1] !== '#') sections.push({ page, id: anchorOf(plain(heading[2])), title: plain(heading[2]).trim(), text: '' });
    else last.text += `${line}\n`;
  }
  return sections.map((section) => ({ ...section, text: plain(section.text) }));
}

let indexed: Promise<Section[]> | undefined;

function sections(): Promise<Section[]> {
  indexed ??= listPages().then(async (pages) => {
    const written = pages.filter((page) => page.slug !== 'api');
    const all = await Promise.all(written.map(async (page) => sectionsOf(page, await textOf(page.source))));
    return all.flat();
  });
  return indexed;
}

const HITS_MAX = 12;
const AROUND = 70;

export async function search(query: string): Promise<Hit[]> {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const scored: { score: number; hit: Hit }[] = [];
  for (const section of await sections()) {
    const title = section.title.toLowerCase();
    const text = section.text.toLowerCase();
    if (!words.every((word) => title.includes(word) || text.includes(word))) continue;
    const first = words[0] as string;
    const place = Math.max(0, text.indexOf(first));
    const found = text.includes(first);
    const score =
      words.reduce((sum, word) => sum + (title.includes(word) ? 20 : 0) + Math.min(5, text.split(word).length - 1), 0) -
      (['compatibility', 'changelog'].includes(section.page.slug) || section.page.slug.includes('/') ? 12 : 0);
    scored.push({
      score,
      hit: {
        href: `/docs${section.page.slug ? `/${section.page.slug}` : ''}${section.id ? `#${section.id}` : ''}`,
        page: section.page.title,
        title: section.title,
        before: found ? section.text.slice(Math.max(0, place - AROUND), place) : section.text.slice(0, AROUND),
        word: found ? section.text.slice(place, place + first.length) : '',
        after: found ? section.text.slice(place + first.length, place + first.length + AROUND) : '',
      },
    });
  }
  return scored.sort((a, b) => b.score - a.score).slice(0, HITS_MAX).map((one) => one.hit);
}
