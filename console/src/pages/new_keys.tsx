// Keys that were just made: shown once, with everything that one pastes somewhere.
import type { JSX } from 'preact';
import type { NewKeys } from '../types';
import { Button, CodeBlock, CopyLine, Notice } from '../ui/basic';
import { Dialog } from '../ui/dialog';
import { httpUrl, wsUrl } from '../urls';

export function envLines(keys: NewKeys, projectId: string): string {
  const lines = [
    `XSHATHRA_URL=${httpUrl()}`,
    `XSHATHRA_PROJECT_ID=${projectId}`,
    keys.server_api_key && `XSHATHRA_SERVER_API_KEY=${keys.server_api_key}`,
    `NEXT_PUBLIC_XSHATHRA_REALTIME_URL=${wsUrl()}`,
    keys.client_api_key && `NEXT_PUBLIC_XSHATHRA_CLIENT_API_KEY=${keys.client_api_key}`,
  ];
  return lines.filter(Boolean).join('\n');
}

export function NewKeysDialog(props: {
  title: string;
  keys: NewKeys;
  projectId: string;
  note?: string;
  onClose: () => void;
}): JSX.Element {
  const { keys } = props;
  return (
    <Dialog title={props.title} onClose={props.onClose} wide sticky>
      <Notice tone="warn" title="Copy them now">
        They are shown this once: the server keeps only a fingerprint of each key.
      </Notice>
      {keys.server_api_key && (
        <div class="field">
          <CopyLine name="server_api_key" label="server key" text={keys.server_api_key} />
          <p class="help">For your backend only. It mints tokens and publishes; never put it into a page or an app.</p>
        </div>
      )}
      {keys.client_api_key && (
        <div class="field">
          <CopyLine name="client_api_key" label="client key" text={keys.client_api_key} />
          <p class="help">May be in pages and apps. It names the project for connections without a token.</p>
        </div>
      )}
      <div class="field">
        <strong>For your .env file</strong>
        <CodeBlock label=".env lines" text={envLines(keys, props.projectId)} />
      </div>
      {props.note && <p class="muted">{props.note}</p>}
      <div class="actions">
        <Button kind="primary" onClick={props.onClose}>
          I have copied them
        </Button>
      </div>
    </Dialog>
  );
}
