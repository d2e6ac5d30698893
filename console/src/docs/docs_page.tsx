// The documentation: open to everybody, with search, and with the reader's own host in its examples.
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { chosenProject, useMaybeSession } from '../session';
import { Brand, ThemeButton } from '../shell';
import { Empty, Field, LinkButton, Skeleton } from '../ui/basic';
import { ApiReference } from './api_reference';
import { listPages, search, textOf, type DocPage, type Hit } from './library';
import { renderMarkdown, type Rendered } from './markdown';

type State = { kind: 'loading' } | { kind: 'missing' } | { kind: 'reference' } | { kind: 'shown'; page: Rendered };

export function DocsPage(props: { page: string; hash: string; known: boolean }): JSX.Element {
  const session = useMaybeSession();
  const project = chosenProject(session?.session ?? null);
  const [pages, setPages] = useState<DocPage[]>([]);
  const [state, setState] = useState<State>({ kind: 'loading' });
  const article = useRef<HTMLElement>(null);
  const slug = props.page.replace(/\/$/, '');

  useEffect(() => {
    listPages().then(setPages, () => setState({ kind: 'missing' }));
  }, []);

  const source = pages.find((page) => page.slug === slug)?.source;
  useEffect(() => {
    if (pages.length === 0) return;
    if (slug === 'api') {
      setState({ kind: 'reference' });
      return;
    }
    if (!source) {
      setState({ kind: 'missing' });
      return;
    }
    let ended = false;
    textOf(source).then(
      (text) => {
        if (!ended) setState({ kind: 'shown', page: renderMarkdown(text, source, project?.id) });
      },
      () => setState({ kind: 'missing' }),
    );
    return () => void (ended = true);
  }, [pages, slug, source, project?.id]);

  const shown = state.kind === 'shown' ? state.page : undefined;
  useEffect(() => {
    document.title = `${shown?.title ?? 'Documentation'} · Xshathra`;
    if (!shown) return;
    const id = decodeURIComponent(props.hash.slice(1));
    if (id) document.getElementById(id)?.scrollIntoView();
  }, [shown, props.hash]);

  const copy = (event: MouseEvent): void => {
    const button = event.target instanceof Element ? event.target.closest<HTMLButtonElement>('button[data-copy]') : null;
    const code = button?.parentElement?.querySelector('code');
    if (!button || !code) return;
    void navigator.clipboard?.writeText(code.textContent ?? '').then(() => {
      button.textContent = 'Copied';
      setTimeout(() => (button.textContent = 'Copy'), 1_800);
    });
  };

  return (
    <>
      <a class="skip" href="#content">
        Skip to the page
      </a>
      <header class="public-top">
        <Brand href="/" />
        <div class="line">
          <ThemeButton />
          {props.known && <LinkButton href={session ? '/dashboard' : '/login'}>{session ? 'Console' : 'Sign in'}</LinkButton>}
        </div>
      </header>
      <div class="docs-frame">
        <div class="docs">
          <div class="docs-nav">
            <Search />
            <nav class="nav" aria-label="Documentation">
              {pages
                .filter((page) => !page.slug.startsWith('decisions/') || page.slug === 'decisions/README' || slug.startsWith('decisions/'))
                .map((page) => (
                  <a key={page.slug} href={page.slug ? `/docs/${page.slug}` : '/docs'} aria-current={page.slug === slug ? 'page' : undefined}>
                    {page.title}
                  </a>
                ))}
            </nav>
          </div>
          <main id="content" class="docs-main" tabIndex={-1}>
            {state.kind === 'loading' && <Skeleton lines={12} />}
            {state.kind === 'missing' && (
              <Empty icon="docs" title="There is no such page in the documentation">
                <LinkButton href="/docs">To its beginning</LinkButton>
              </Empty>
            )}
            {state.kind === 'reference' && <ApiReference />}
            {shown && <article ref={article} class="prose" onClick={copy} dangerouslySetInnerHTML={{ __html: shown.html }} />}
          </main>
          {shown && shown.toc.length > 1 && (
            <nav class="docs-toc" aria-label="On this page">
              <strong>On this page</strong>
              <ul>
                {shown.toc.slice(0, 60).map((one) => (
                  <li key={one.id} class={`level-${one.level}`}>
                    <a href={`#${one.id}`}>{one.title}</a>
                  </li>
                ))}
              </ul>
            </nav>
          )}
        </div>
      </div>
    </>
  );
}

function Search(): JSX.Element {
  const [text, setText] = useState('');
  const [hits, setHits] = useState<Hit[]>();
  useEffect(() => {
    if (text.trim().length < 2) {
      setHits(undefined);
      return;
    }
    let ended = false;
    const timer = setTimeout(() => {
      search(text).then(
        (found) => {
          if (!ended) setHits(found);
        },
        () => setHits([]),
      );
    }, 120);
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [text]);
  return (
    <div role="search">
      <Field label="Search the docs" type="search" value={text} onInput={setText} placeholder="token, recovery, 4503 …" />
      <div role="status" aria-live="polite">
        {hits && (
          <>
            <span class="unseen">{hits.length} results</span>
            {hits.length === 0 && <p class="help">Nothing has all of these words.</p>}
            <ul class="results">
              {hits.map((hit) => (
                <li key={hit.href + hit.title}>
                  <a href={hit.href} onClick={() => setText('')}>
                    <strong>{hit.title}</strong>
                    <span>
                      {hit.page !== hit.title && `${hit.page} · `}
                      {hit.before}
                      {hit.word && <mark>{hit.word}</mark>}
                      {hit.after}
                    </span>
                  </a>
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </div>
  );
}
