// Buttons, fields, badges, messages: what every page is made of.
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api';
import { Icon, type IconName } from '../icons';
import { toast } from './toast';

interface ButtonProps {
  children?: ComponentChildren;
  kind?: 'primary' | 'plain' | 'quiet' | 'danger';
  icon?: IconName;
  label?: string; // of a button that shows only an icon
  busy?: boolean;
  disabled?: boolean;
  small?: boolean;
  type?: 'button' | 'submit';
  title?: string;
  pressed?: boolean;
  onClick?: () => void;
}

export function Button(props: ButtonProps): JSX.Element {
  const { children, kind = 'plain', icon, label, busy, disabled, small, type = 'button', title, pressed, onClick } = props;
  return (
    <button
      type={type}
      class={`button ${kind}${small ? ' small' : ''}${children ? '' : ' bare'}`}
      aria-label={label}
      aria-pressed={pressed}
      aria-busy={busy || undefined}
      title={title ?? label}
      disabled={disabled || busy}
      onClick={onClick}
    >
      {icon && <Icon name={icon} size={small ? 15 : 17} />}
      {children && <span>{children}</span>}
    </button>
  );
}

export function LinkButton(props: {
  href: string;
  children: ComponentChildren;
  kind?: 'primary' | 'plain' | 'quiet';
  icon?: IconName;
  small?: boolean;
}): JSX.Element {
  return (
    <a class={`button ${props.kind ?? 'plain'}${props.small ? ' small' : ''}`} href={props.href}>
      {props.icon && <Icon name={props.icon} size={17} />}
      <span>{props.children}</span>
    </a>
  );
}

interface FieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  type?: 'text' | 'email' | 'password' | 'number' | 'search';
  help?: ComponentChildren;
  error?: string;
  placeholder?: string;
  autocomplete?: string;
  required?: boolean;
  autofocus?: boolean;
  inputmode?: 'text' | 'numeric' | 'email' | 'search';
  maxlength?: number;
  minlength?: number;
  mono?: boolean;
  hideLabel?: boolean;
  name?: string;
  disabled?: boolean;
}

export function Field(props: FieldProps): JSX.Element {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (props.autofocus) input.current?.focus();
  }, []);
  const described = [props.help ? `${id}-help` : '', props.error ? `${id}-error` : ''].filter(Boolean).join(' ');
  return (
    <div class="field">
      <label for={id} class={props.hideLabel ? 'unseen' : ''}>
        {props.label}
      </label>
      <input
        ref={input}
        id={id}
        name={props.name}
        class={props.mono ? 'mono' : ''}
        {...({ type: props.type ?? 'text' } as object)}
        value={props.value}
        placeholder={props.placeholder}
        autocomplete={props.autocomplete ?? 'off'}
        spellcheck={false}
        required={props.required}
        inputMode={props.inputmode}
        maxLength={props.maxlength}
        minLength={props.minlength}
        disabled={props.disabled}
        aria-invalid={props.error ? 'true' : undefined}
        aria-describedby={described || undefined}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
      {props.help && (
        <p class="help" id={`${id}-help`}>
          {props.help}
        </p>
      )}
      {props.error && (
        <p class="field-error" id={`${id}-error`}>
          {props.error}
        </p>
      )}
    </div>
  );
}

export function Area(props: {
  label: string;
  value: string;
  onInput: (value: string) => void;
  rows?: number;
  help?: ComponentChildren;
  error?: string;
  placeholder?: string;
}): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <textarea
        id={id}
        class="mono"
        rows={props.rows ?? 4}
        value={props.value}
        placeholder={props.placeholder}
        spellcheck={false}
        aria-invalid={props.error ? 'true' : undefined}
        aria-describedby={`${id}-help`}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
      <div id={`${id}-help`}>
        {props.help && <p class="help">{props.help}</p>}
        {props.error && <p class="field-error">{props.error}</p>}
      </div>
    </div>
  );
}

export function Select<T extends string>(props: {
  label: string;
  value: T;
  options: { value: T; label: string }[];
  onChange: (value: T) => void;
  help?: ComponentChildren;
  hideLabel?: boolean;
  disabled?: boolean;
}): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label for={id} class={props.hideLabel ? 'unseen' : ''}>
        {props.label}
      </label>
      <select
        id={id}
        value={props.value}
        disabled={props.disabled}
        onChange={(event) => props.onChange(event.currentTarget.value as T)}
      >
        {props.options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      {props.help && <p class="help">{props.help}</p>}
    </div>
  );
}

export function Check(props: {
  label: ComponentChildren;
  checked: boolean;
  onChange: (checked: boolean) => void;
  help?: string;
  disabled?: boolean;
}): JSX.Element {
  const id = useId();
  return (
    <div class="check">
      <input
        id={id}
        type="checkbox"
        checked={props.checked}
        disabled={props.disabled}
        aria-describedby={props.help ? `${id}-help` : undefined}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
      <div>
        <label for={id}>{props.label}</label>
        {props.help && (
          <p class="help" id={`${id}-help`}>
            {props.help}
          </p>
        )}
      </div>
    </div>
  );
}

export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'none';

export function Badge(props: { tone?: Tone; children: ComponentChildren }): JSX.Element {
  return <span class={`badge ${props.tone ?? 'none'}`}>{props.children}</span>;
}

export function Notice(props: { tone?: Tone; title?: string; children?: ComponentChildren }): JSX.Element {
  const tone = props.tone ?? 'info';
  return (
    <div class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      {(tone === 'bad' || tone === 'warn') && <Icon name="warn" />}
      <div>
        {props.title && <strong>{props.title}</strong>}
        {props.children && <div>{props.children}</div>}
      </div>
    </div>
  );
}

export function Empty(props: { icon: IconName; title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <span class="empty-icon">
        <Icon name={props.icon} size={26} />
      </span>
      <h3>{props.title}</h3>
      <div class="empty-text">{props.children}</div>
    </div>
  );
}

// What went wrong with a call, in words; a view that this server does not have says so calmly.
export function Problem(props: { error: ApiError; retry?: () => void }): JSX.Element {
  const { error, retry } = props;
  if (error.isUnbuilt) {
    return (
      <Empty icon="plug" title="This server has no such view">
        <p>The pages are newer than the program that serves them. After an upgrade of the server this view is here.</p>
      </Empty>
    );
  }
  return (
    <Notice tone="bad" title={titleOf(error)}>
      <p>{error.message}</p>
      {retry && (
        <Button small onClick={retry}>
          Try again
        </Button>
      )}
    </Notice>
  );
}

function titleOf(error: ApiError): string {
  if (error.status === 0) return 'No answer';
  if (error.status === 403) return 'Not allowed';
  if (error.status === 404) return 'Not found';
  if (error.status === 429) return 'Too many tries';
  return 'That did not work';
}

export function CopyButton(props: { text: string; label?: string; small?: boolean }): JSX.Element {
  const [done, setDone] = useState(false);
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const copy = async (): Promise<void> => {
    if (await copyText(props.text)) {
      setDone(true);
      clearTimeout(timer.current);
      timer.current = window.setTimeout(() => setDone(false), 1_800);
    } else {
      toast('The browser did not let us copy: select the text and copy it by hand', 'warn');
    }
  };
  return (
    <button
      type="button"
      class={`button quiet copy${props.small ? ' small' : ''}`}
      onClick={() => void copy()}
      aria-label={`${done ? 'Copied' : 'Copy'}${props.label ? ` ${props.label}` : ''}`}
    >
      <Icon name={done ? 'check' : 'copy'} size={15} />
      <span aria-hidden="true">{done ? 'Copied' : 'Copy'}</span>
    </button>
  );
}

// Over plain HTTP on another host browsers have no clipboard; the old way works there.
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'unseen';
    document.body.append(area);
    area.select();
    const good = document.execCommand('copy');
    area.remove();
    return good;
  }
}

// One line of code or a secret, with its copy button.
export function CopyLine(props: { text: string; label: string; name?: string }): JSX.Element {
  return (
    <div class="copy-line">
      {props.name && <span class="copy-name">{props.name}</span>}
      <code data-copy={props.label}>{props.text}</code>
      <CopyButton text={props.text} label={props.label} small />
    </div>
  );
}

export function CodeBlock(props: { text: string; label: string }): JSX.Element {
  return (
    <div class="code-block">
      <pre tabIndex={0} role="region" aria-label={props.label}>
        <code>{props.text}</code>
      </pre>
      <CopyButton text={props.text} label={props.label} small />
    </div>
  );
}

export function Tabs<T extends string>(props: {
  label: string;
  value: T;
  options: { value: T; label: string }[];
  onChange: (value: T) => void;
}): JSX.Element {
  return (
    <div class="tabs" role="group" aria-label={props.label}>
      {props.options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === props.value}
          onClick={() => props.onChange(option.value)}
        >
          {option.label}
        </button>
      ))}
    </div>
  );
}

export function Skeleton(props: { lines?: number }): JSX.Element {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: props.lines ?? 4 }, (_, i) => (
        <span key={i} />
      ))}
    </div>
  );
}
