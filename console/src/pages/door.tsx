// The frame of pages for people who are not signed in yet.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { Brand, ThemeButton } from '../shell';

export function Door(props: { title: string; lead?: ComponentChildren; children: ComponentChildren }): JSX.Element {
  useEffect(() => {
    document.title = `${props.title} · Xshathra`;
  }, [props.title]);
  return (
    <div class="door">
      <header>
        <Brand href="/" />
        <ThemeButton />
      </header>
      <main>
        <div class="card">
          <div class="card-body">
            <div>
              <h1>{props.title}</h1>
              {props.lead && <p class="lead">{props.lead}</p>}
            </div>
            {props.children}
          </div>
        </div>
      </main>
      <footer>
        <a href="/docs">Documentation</a>
      </footer>
    </div>
  );
}
