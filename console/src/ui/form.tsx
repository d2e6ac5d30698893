// A form that is sent to the console API: busy while it is away, refusals at their field or above the button.
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { asApiError, type ApiError } from '../api';
import { Button, Notice } from './basic';

export interface Submission {
  busy: boolean;
  error: ApiError | undefined;
  fieldError: (field: string) => string | undefined;
  run: () => Promise<void>;
  clear: () => void;
}

export function useSubmit(action: () => Promise<void>): Submission {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ApiError>();
  const run = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await action();
    } catch (problem) {
      setError(asApiError(problem));
    } finally {
      setBusy(false);
    }
  };
  return {
    busy,
    error,
    fieldError: (field) => (error?.field === field ? error.message : undefined),
    run,
    clear: () => setError(undefined),
  };
}

export function Form(props: {
  submission: Submission;
  action: string;
  children: ComponentChildren;
  fields?: string[]; // whose refusals are shown at the field
  cancel?: () => void;
  wide?: boolean;
  disabled?: boolean;
}): JSX.Element {
  const { submission, fields = [] } = props;
  const error = submission.error && fields.includes(submission.error.field ?? '') ? undefined : submission.error;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submission.run();
      }}
    >
      {props.children}
      {error && (
        <Notice tone="bad">
          {error.message}
          {error.retryAfter ? ` Try again in ${error.retryAfter} s.` : ''}
        </Notice>
      )}
      <div class={`actions${props.wide ? ' wide' : ''}`}>
        {props.cancel && <Button onClick={props.cancel}>Cancel</Button>}
        <Button type="submit" kind="primary" busy={submission.busy} disabled={props.disabled}>
          {props.action}
        </Button>
      </div>
    </form>
  );
}
