// Markdown of this repository's own documentation into HTML. It never sees what strangers wrote.
import { Marked, type Tokens } from 'marked';
import { anchorOf, slugOf } from './library';

export interface Rendered {
  html: string;
  toc: { level: number; id: string; title: string }[];
  title: string;
}

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

// The examples speak of the server that ./dev run starts: here, of this one, and of the chosen project.
function ownHost(text: string, project?: string): string {
  const ws = location.origin.replace(/^http/, 'ws');
  const here = text.replaceAll('http://127.0.0.1:3001', location.origin).replaceAll('ws://127.0.0.1:3001', ws);
  return project ? here.replaceAll('proj_…', project) : here;
}

// Where a link of a page leads: to another page of the docs, outside, or (files of the repository) nowhere.
function target(href: string, source: string): string | null {
  if (/^https?:/.test(href) || href.startsWith('/')) return href;
  if (href.startsWith('#')) return href;
  const [path = '', hash] = href.split('#');
  const full = new URL(path, `http://x/${source}`).pathname.slice(1);
  if (!full.endsWith('.md')) return null;
  const slug = slugOf(full);
  return `/docs${slug ? `/${slug}` : ''}${hash ? `#${hash}` : ''}`;
}

export function renderMarkdown(text: string, source: string, project?: string): Rendered {
  const toc: Rendered['toc'] = [];
  let title = '';
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text: raw }: Tokens.Heading): string {
        const inner = this.parser.parseInline(tokens);
        const name = inner.replaceAll(/<[^>]*>/g, '').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>');
        if (depth === 1) {
          title = name;
          return `<h1 tabindex="-1">${inner}</h1>`;
        }
        const id = anchorOf(raw.replaceAll(/[`*_]/g, ''));
        if (depth <= 3) toc.push({ level: depth, id, title: name });
        return `<h${depth} id="${escape(id)}">${inner}</h${depth}>`;
      },
      link({ href, tokens }: Tokens.Link): string {
        const inner = this.parser.parseInline(tokens);
        const to = target(href, source);
        if (to === null) return inner;
        const outside = /^https?:/.test(to) && !to.startsWith(location.origin);
        return `<a href="${escape(to)}"${outside ? ' target="_blank" rel="noreferrer"' : ''}>${inner}</a>`;
      },
      image(): string {
        return ''; // pictures of pages that the reader has open anyway
      },
      code({ text: code }: Tokens.Code): string {
        return (
          `<div class="pre-wrap"><pre tabindex="0" role="region" aria-label="Example"><code>${escape(code)}</code></pre>` +
          '<button type="button" class="button quiet small copy" data-copy="code">Copy</button></div>'
        );
      },
      table(token: Tokens.Table): string {
        const row = (cells: Tokens.TableCell[], tag: string): string =>
          `<tr>${cells.map((cell) => `<${tag}>${this.parser.parseInline(cell.tokens)}</${tag}>`).join('')}</tr>`;
        const head = token.header.every((cell) => cell.text === '') ? '' : `<thead>${row(token.header, 'td').replaceAll('td>', 'th>')}</thead>`;
        return `<div class="table-wrap" tabindex="0" role="region" aria-label="Table"><table>${head}<tbody>${token.rows
          .map((cells) => row(cells, 'td'))
          .join('')}</tbody></table></div>`;
      },
    },
  });
  const html = marked.parse(ownHost(text, project), { async: false });
  return { html, toc, title };
}
