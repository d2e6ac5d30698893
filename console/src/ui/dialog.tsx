// A modal dialog on the browser's own <dialog>, which keeps the focus inside and closes on Escape.
import type { ComponentChildren, JSX } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { asApiError, type ApiError } from '../api';
import { Button, Field, Notice } from './basic';

export function Dialog(props: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
  sticky?: boolean; // Escape and the cross are off: something is shown once
}): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    // Before the effects of the fields inside, one of which may take the focus.
    const before = document.activeElement;
    const dialog = ref.current;
    dialog?.showModal();
    return () => {
      dialog?.close(); // what is behind an open one takes no focus
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={props.wide ? 'wide' : ''}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        if (!props.sticky) props.onClose();
      }}
    >
      <header>
        <h2 id={id}>{props.title}</h2>
        {!props.sticky && <Button kind="quiet" icon="close" label="Close" onClick={props.onClose} />}
      </header>
      <div class="dialog-body">{props.children}</div>
    </dialog>
  );
}

// Asks before something that cannot be taken back; with `typed`, that text must be typed first.
export function Confirm(props: {
  title: string;
  children: ComponentChildren;
  action: string;
  typed?: string;
  danger?: boolean;
  onConfirm: () => Promise<void>;
  onClose: () => void;
}): JSX.Element {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const act = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await props.onConfirm();
      props.onClose();
    } catch (problem) {
      setError(asApiError(problem));
      setBusy(false);
    }
  };
  return (
    <Dialog title={props.title} onClose={props.onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void act();
        }}
      >
        {props.children}
        {props.typed !== undefined && (
          <Field label={`Type “${props.typed}” to confirm`} value={text} onInput={setText} autofocus />
        )}
        {error && <Notice tone="bad">{error.message}</Notice>}
        <div class="actions">
          <Button onClick={props.onClose}>Cancel</Button>
          <Button
            type="submit"
            kind={props.danger === false ? 'primary' : 'danger'}
            busy={busy}
            disabled={props.typed !== undefined && text !== props.typed}
          >
            {props.action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
